// Outputs of a teacher that do not fit the method or the graph, or that know nothing of it: what is said of them.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { GivenTeacher } from "../../src/distillation/given-teacher.ts";
import type { Method } from "../../src/distillation/method.ts";
import { createDistillation, findMethod, registerMethod } from "../../src/distillation/registry.ts";
import { encodeNpz } from "../../src/formats/npz-writer.ts";
import { InputError } from "../../src/graph/check.ts";
import { distill } from "../../src/index.ts";
import { DEAD_TEACHER } from "../../src/training/dead.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { studentConfig } from "../../src/training/recipes.ts";
import {
  type GivenOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "../../src/training/teacher-outputs.ts";
import { runTrials } from "../../src/training/trials.ts";
import { smallSplit, temporaryFolder } from "./small.ts";
import { given, graph, noted, outputs, runsDir, subject, taught, training } from "./taught.ts";

test("a method that reads what the outputs lack is refused in one line, before anything runs", async () => {
  const { logits, layers } = given;
  const [only, maps] = [await loadTeacherOutputs({ logits }), await loadTeacherOutputs({ layers })];
  const legal = (teacher: TeacherOutputs): string[] =>
    taught.flatMap(({ name }) => {
      try {
        studentConfig(subject, name, teacher);
        return [name];
      } catch (error) {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, /^[^\n]* reads the teacher's [^\n]*docs\/teachers\.md[^\n]*$/);
        return [];
      }
    });
  assert.deepEqual(legal(only), ["smoothing", "softkd", "cpf"]);
  assert.deepEqual(legal(maps), ["fitnet", "at", "lsp", "gsp", "gcrd", "geometric", "abkd"]);
  assert.deepEqual(
    legal(outputs),
    taught.map(({ name }) => name),
  );
  const fitnet = () => studentConfig(subject, "fitnet", only);
  const message =
    'fitnet reads the teacher\'s last hidden map, but its outputs have only logits: add "hidden" ' +
    "(docs/teachers.md), or take a method that does without; several teachers teach by logits alone";
  assert.throws(fitnet, new OptionError(message));
});

test("a method that does not say what it reads is refused when it starts", async (t) => {
  const remove = registerMethod({
    ...(findMethod("at") as Method<Record<string, never>>),
    name: "silent",
    teacherParts: undefined as never,
  });
  t.after(remove);
  const { value } = graphInputs(graph);
  const { train } = splitTargets(graph, smallSplit()).value;
  const { logits } = outputs.outputs;
  const teacher = new GivenTeacher({ known: { logits: logits!, layers: [] } }, 3);
  const student = { kind: "gcnii", widths: [4], hidden: 4, classes: 3 };
  const { defaults } = findMethod("at");
  assert.throws(
    () =>
      createDistillation(
        { name: "silent", options: defaults },
        { teacher, graph: value, student, train, seed: 1 },
      ),
    /the method reads the teacher's last hidden map, but its outputs have only logits/,
  );
});

test("outputs that no teacher of this graph gave are refused", async () => {
  const rows = (count: number, width: number): number[][] =>
    Array.from({ length: count }, (_, r) => Array.from({ length: width }, (_, c) => r - c));
  const cases: [GivenOutputs, RegExp][] = [
    [{ logits: rows(59, 3) }, /logits is 59 x 3, but taught has 60 nodes, and each is a row$/],
    [{ logits: rows(3, 60) }, /logits is 3 x 60, which is transposed: taught has 60 nodes/],
    [{ logits: rows(60, 4) }, /logits is 60 x 4, but taught has 3 classes, and each is a column$/],
    [{ logits: rows(60, 3), hidden: rows(61, 8) }, /hidden is 61 x 8, but taught has 60 nodes/],
    [{ layers: [rows(60, 8), rows(8, 60)] }, /layer\.1 is 8 x 60, which is transposed/],
  ];
  for (const [wrong, message] of cases) {
    const config = studentConfig(
      subject,
      "logits" in wrong ? "softkd" : "at",
      await loadTeacherOutputs(wrong),
    );
    await assert.rejects(runTrials([config], { runsDir }), (error: Error) => {
      assert.ok(error instanceof InputError, error.stack ?? "");
      assert.match(error.message, message);
      return true;
    });
  }
  const bad: [unknown, RegExp][] = [
    [{ logits: [[1, Number.NaN]] }, /logits: row 0, column 1 is NaN, not a finite float32$/],
    [
      {
        logits: [
          [1, 2],
          [1e39, 2],
        ],
      },
      /row 1, column 0 is 1e\+39/,
    ],
    [
      {
        logits: [
          [0.25, 0.75],
          [1, 0],
        ],
      },
      /each row sums to 1: these are probabilities/,
    ],
    [{ logits: [[1, 2], [1]] }, /row 1 has 1 numbers, row 0 2/],
    [{ logits: { shape: [2, 2], values: [1, 2, 3] } }, /3 numbers of shape \(2,2\), not a matrix/],
    [{ logit: [[1]] }, /unknown key "logit"/],
    [{}, /they are empty/],
    [[], /none; expected/],
    [7, /expected: the path/],
  ];
  for (const [wrong, message] of bad) {
    await assert.rejects(loadTeacherOutputs(wrong as never), (error: Error) => {
      assert.ok(error instanceof UserError, error.stack ?? "");
      assert.match(error.message, message);
      return true;
    });
  }
});

test("a teacher that knows nothing of the graph is reported, and its students say so", async (t) => {
  const notes: string[] = [];
  const options = { runsDir: temporaryFolder(t), observer: noted(notes) };
  const flat = {
    shape: [60, 3],
    values: Float32Array.from({ length: 180 }, (_, k) => (k % 3) * 2),
  };
  const config = studentConfig(subject, "softkd", await loadTeacherOutputs({ logits: flat }), {
    training,
  });
  const [result] = await runTrials([config], options);
  assert.match(
    notes[1]!,
    /is dead: it gives every node one class .*each row must be that of the node/,
  );
  assert.ok(result!.warnings.includes(DEAD_TEACHER));
  const turned = Array.from(graph.labels, (label) =>
    [0, 1, 2].map((c) => (c === (label + 1) % 3 ? 5 : 0)),
  );
  const other = studentConfig(subject, "softkd", await loadTeacherOutputs({ logits: turned }), {
    training,
  });
  notes.length = 0;
  await runTrials([other], options);
  assert.match(notes.at(-1)!, /has learned nothing: test .*each row must be that of the node/);
});

test("distill() takes outputs by path or as they are, and refuses what belongs to other teachers", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "gat.npz");
  const { logits } = outputs.outputs;
  writeFileSync(file, encodeNpz(new Map([["logits", logits!]])));
  const request = { dataset: "taught", method: "softkd", student: { training }, runsDir } as const;
  const byPath = await distill({ ...request, teacher: { outputs: file } });
  const asTheyAre = await distill({ ...request, teacher: { outputs: { logits: given.logits } } });
  assert.deepEqual(byPath.config, asTheyAre.config);
  assert.deepEqual([...byPath.parameters], [...asTheyAre.parameters]);
  assert.ok(byPath.result.teacherAccuracy!.test > 0.5);
  const wrong: [object, RegExp][] = [
    [
      { teacher: { outputs: file }, teacherSeed: 2 },
      /teacherSeed is for a teacher that is trained/,
    ],
    [{ teacher: { outputs: file, model: {} } }, /unknown key "model"/],
    [{ teacher: { outputs: file }, method: "at" }, /at reads the teacher's last hidden map/],
    [{ teacher: { outputs: join(folder, "none.npz") } }, /no such file or folder/],
  ];
  for (const [change, message] of wrong) {
    await assert.rejects(distill({ ...request, ...change } as never), message);
  }
});
