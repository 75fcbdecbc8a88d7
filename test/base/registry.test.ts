// What a program may add to the registries, what they reject, and that additions can be removed again.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { Registry } from "../../src/base/registry.ts";
import { DATASET_NAMES, datasetEntry, registerDataset } from "../../src/datasets/index.ts";
import type { Method } from "../../src/distillation/method.ts";
import { findMethod, methods, registerMethod } from "../../src/distillation/registry.ts";
import { findStudy, registerStudy, studies } from "../../src/experiments/studies/index.ts";
import { gcn } from "../../src/models/gcn.ts";
import type { ModelKind } from "../../src/models/model.ts";
import { findModel, models, registerModel } from "../../src/models/registry.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { runId } from "../../src/training/run-id.ts";
import { smallGraph } from "../training/small.ts";

type Options = { readonly beta: number };

const method: Method<Options> = {
  name: "mine",
  summary: "for this test",
  version: 3,
  needsTeacher: false,
  defaults: { beta: 1 },
  options: { beta: { kind: "number", min: 0, max: 2, description: "a weight" } },
  presets: { strong: { beta: 2 } },
  check({ beta }) {
    if (beta === 0.5) throw new OptionError("mine: beta 0.5 contradicts itself");
  },
  create: () => assert.fail("nothing is trained here"),
};

test("an added entry is found, listed last and suggested for a typo; once removed it is gone", () => {
  const before = [...methods];
  const remove = registerMethod(method);
  assert.deepEqual(methods, [...before, method]);
  assert.equal(findMethod("mine"), method);
  assert.throws(() => findMethod("mien"), /abkd, mine; did you mean "mine"\?$/);
  remove();
  remove();
  assert.deepEqual(methods, before);
  assert.throws(() => findMethod("mine"), /no method "mine"/);
  registerMethod(method)();
});

test("an added method's version is part of a run's id; the ids of built-in methods stay the same", (t) => {
  const subject = { dataset: "synthetic", seed: 1 };
  const teacher = teacherConfig(subject);
  const ids = () => ["student", "abkd"].map((name) => runId(studentConfig(subject, name, teacher)));
  const before = ids();
  t.after(registerMethod(method));
  const config = studentConfig(subject, "mine", teacher, { preset: "strong" });
  assert.deepEqual(config.method, { name: "mine", version: 3, options: { beta: 2 } });
  assert.throws(
    () => studentConfig(subject, "mine", teacher, { options: { beta: 3 } }),
    /at most 2/,
  );
  assert.throws(
    () => studentConfig(subject, "mine", teacher, { options: { beta: 0.5 } }),
    /contradicts itself/,
  );
  const other = { ...config, method: { ...config.method!, version: 4 } };
  assert.notEqual(runId(other), runId(config));
  assert.deepEqual(ids(), before);
});

test("an added model's options are checked by its table, a built-in one's by the compiler too", (t) => {
  const subject = { dataset: "synthetic", seed: 1 };
  t.after(registerModel({ ...gcn, name: "mine" } as unknown as typeof gcn));
  const { model } = teacherConfig(subject, { model: { kind: "mine", width: 3 } });
  assert.deepEqual(model, { kind: "mine", ...gcn.defaults, width: 3 });
  const own = { kind: "mine", widht: 3 };
  assert.throws(() => teacherConfig(subject, { model: own }), /unknown option "widht"/);
  // @ts-expect-error: gcn has no such option
  const wrong = () => teacherConfig(subject, { model: { kind: "gcn", widht: 3 } });
  assert.throws(wrong, /unknown option "widht"/);
});

describe("refused", () => {
  const names: readonly (readonly [name: unknown, message: RegExp])[] = [
    ["abkd", /the method "abkd" is built in; choose another name/],
    ["", /a method's name is ""/],
    [undefined, /has no name/],
    ...[
      "Mine",
      "my method",
      "../mine",
      "mine:a",
      "-mine",
      "mine-",
      "m".repeat(65),
      "constructor",
    ].map((name) => [name, /a method cannot be named "/] as const),
  ];
  for (const [name, message] of names) {
    test(`the name ${String(name).slice(0, 12)}`, () => {
      assert.throws(() => registerMethod({ ...method, name: name as string }), message);
    });
  }

  test("a name that was added before, until it is removed", () => {
    const remove = registerMethod(method);
    assert.throws(() => registerMethod({ ...method }), /the method "mine" was added before/);
    remove();
    registerMethod({ ...method })();
  });

  const parts: readonly (readonly [change: object, message: RegExp])[] = [
    [{ defaults: { beta: 3 } }, /the method mine: defaults: option "beta" is 3; legal: a number/],
    [{ defaults: {} }, /option "beta" is missing/],
    [{ defaults: { beta: 1, gamma: 2 } }, /unknown option "gamma"/],
    [{ options: { beta: { min: 0 } } }, /option "beta" has no kind/],
    [{ presets: { wild: { beta: 9 } } }, /the method mine: presets: option "beta" is 9/],
    [{ presets: { odd: { beta: 0.5 } } }, /contradicts itself/],
    [{ version: 0 }, /version is 0; legal: a whole number, 1 or more/],
    [{ needsTeacher: "yes" }, /needsTeacher is yes; legal: true, false/],
    [{ create: undefined }, /create is missing; expected: a function/],
    [{ summary: undefined }, /has no summary/],
  ];
  for (const [change, message] of parts) {
    test(`a method with ${JSON.stringify(change)}`, () => {
      assert.throws(
        () => registerMethod({ ...method, ...change }),
        (error: Error) => {
          assert.ok(error instanceof OptionError, error.stack);
          assert.match(error.message, message);
          return true;
        },
      );
      assert.ok(!methods.some(({ name }) => name === "mine"));
    });
  }

  test("a model whose shapes are another kind's, or whose defaults break its table", () => {
    const mine = { ...gcn, name: "mine" } as unknown as typeof gcn;
    const before = [...models];
    const shapes: typeof gcn.shapes = (config, shape) =>
      gcn.shapes({ ...config, kind: "gcn" }, shape);
    assert.throws(() => registerModel({ ...mine, shapes }), /its shapes are of the kind "gcn"/);
    const defaults = { ...gcn.defaults, layers: 1 };
    assert.throws(() => registerModel({ ...mine, defaults }), /defaults: option "layers" is 1/);
    assert.throws(() => registerModel(gcn), /the model "gcn" is built in/);
    const without = { ...mine, prepare: undefined } as unknown as ModelKind<never, unknown>;
    assert.throws(() => registerModel(without), /the model mine: prepare is missing/);
    assert.deepEqual(models, before);
    const remove = registerModel(mine);
    assert.equal(findModel("mine").label, gcn.label);
    remove();
    assert.deepEqual(models, before);
  });

  test("a dataset or a study with a name that is taken", () => {
    const graph = smallGraph();
    assert.throws(() => registerDataset({ name: "cora", graph }), /the dataset "cora" is built in/);
    const remove = registerDataset({ name: "mine", graph });
    assert.equal(DATASET_NAMES.at(-1), "mine");
    assert.throws(() => registerDataset({ name: "mine", graph }), /was added before/);
    remove();
    assert.throws(() => datasetEntry("mine"), /no dataset "mine"/);

    const figure = findStudy("figure5");
    assert.throws(() => registerStudy(figure), /the study "figure5" is built in/);
    const before = studies.length;
    const end = registerStudy({ ...figure, name: "mine" });
    assert.equal(findStudy("mine").title, figure.title);
    end();
    assert.equal(studies.length, before);
  });
});

test("a registry distinguishes added entries from built-in ones", () => {
  const registry = new Registry("thing", [{ name: "one" }]);
  const remove = registry.add({ name: "two" });
  assert.deepEqual(
    ["one", "two", "three"].map((name) => registry.isAdded(name)),
    [false, true, false],
  );
  remove();
  assert.deepEqual([registry.names, registry.isAdded("two")], [["one"], false]);
});
