// Tab inside strings and options of the library offers what the registries have, and nothing else.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DATASET_NAMES } from "../../src/datasets/index.ts";
import { findMethod, methods } from "../../src/distillation/registry.ts";
import { studies } from "../../src/experiments/studies/index.ts";
import { findModel, models } from "../../src/models/registry.ts";
import { TypedNotebook } from "./types-kit.ts";

const NAMES = methods.map(({ name }) => name);
const ABKD = findMethod("abkd");
const SPLITS = ["geom-gcn:0", "geom-gcn:9", "public", "pyg-full", "random:48/32/20:0"];

const choicesOf = (method: string, option: string): readonly string[] => {
  const info = findMethod(method).options[option];
  assert.ok(info?.kind === "choice");
  return info.choices;
};

/** What Tab must offer; with `exactly`, it may offer nothing more. */
const CASES: readonly (readonly [code: string, names: readonly string[], exactly: boolean])[] = [
  ['loadDataset("|', DATASET_NAMES, true],
  ['loadDataset("|")', DATASET_NAMES, true],
  // The string is not closed, and the cursor is past where a word would end.
  ['loadDataset("amazon-ph|', ["amazon-photo"], true],
  ['teacherConfig({ dataset: "cora", split: "geom-gcn:7|', ["geom-gcn:7"], true],
  ['await firstAvailable(["cora", "|', DATASET_NAMES, true],
  ['loadSplit(graph, "|', SPLITS, false],
  ['teacherConfig({ dataset: "|', DATASET_NAMES, true],
  ['teacherConfig({ dataset: "cora", split: "|', SPLITS, false],
  ['teacherRecipe("|', DATASET_NAMES, true],
  ['studentConfig({ dataset: "|" }, "abkd", teacher)', DATASET_NAMES, true],
  ['studentConfig({ dataset: "cora", seed: 1 }, "|', NAMES, true],
  ['studentConfig({ dataset: "cora", seed: 1 }, "|", teacher)', NAMES, true],
  ['studentConfig({ dataset: "cora", seed: 1 }, "ab|", teacher)', ["abkd"], true],
  ['findMethod("|")', NAMES, true],
  ['studentConfig(subject, "abkd", teacher, { preset: "|" })', Object.keys(ABKD.presets), true],
  [
    'studentConfig(subject, "gsp", teacher, { preset: "|" })',
    ["poly", "l2", "rbf", "soft-labels"],
    true,
  ],
  ['studentConfig(subject, "abkd", teacher, { options: { | } })', Object.keys(ABKD.options), true],
  [
    'studentConfig(subject, "softkd", teacher, { options: { | } })',
    ["hardWeight", "softWeight", "temperature", "divergence"],
    true,
  ],
  [
    'studentConfig(subject, "abkd", teacher, { options: { attention: "|" } })',
    choicesOf("abkd", "attention"),
    true,
  ],
  [
    'studentConfig(subject, "lsp", teacher, { options: { kernel: "|" } })',
    choicesOf("lsp", "kernel"),
    true,
  ],
  ['distill({ dataset: "|" })', DATASET_NAMES, true],
  ['distill({ dataset: "cora", method: "|" })', NAMES, true],
  ['distill({ dataset: "cora", student: "|" })', models.map(({ name }) => name), true],
  ['distill({ dataset: "cora", method: "abkd", preset: "|" })', Object.keys(ABKD.presets), true],
  ['distill({ dataset: "cora", method: "abkd", options: { | } })', Object.keys(ABKD.options), true],
  [
    'distill({ dataset: "cora", student: { model: { kind: "mlp", | } } })',
    Object.keys(findModel("mlp").options),
    false,
  ],
  // If the method's name is in a variable, the options of all methods are offered.
  [
    "const changes: Changes = { options: { | } };",
    ["beta", "attention", "kernel", "temperature"],
    false,
  ],
  ['openStudy("|', studies.map(({ name }) => name), true],
  ['openStudy("table3", { profile: "|" })', ["quick", "paper"], true],
  ['openStudy("table3", { datasets: ["|"] })', DATASET_NAMES, true],
  ['findStudy("|")', studies.map(({ name }) => name), true],
  ['startEngine("|")', ["wasm", "native"], true],
];

describe("Tab inside strings and options", () => {
  let notebook: TypedNotebook;
  before(() => {
    notebook = new TypedNotebook();
    notebook.run(`
      import { distill, findMethod, findStudy, firstAvailable, loadDataset, loadSplit, openStudy, startEngine,
        studentConfig, teacherConfig, teacherRecipe } from "abkd";
      import type { Changes, Graph } from "abkd";
      declare const graph: Graph;
      const subject = { dataset: "cora", seed: 1 };
      const teacher = teacherConfig(subject);
    `);
  });
  after(() => notebook.close());

  for (const [code, names, exactly] of CASES) {
    test(code, async () => {
      const { matches } = await notebook.complete(code);
      assert.deepEqual(
        names.filter((name) => !matches.includes(name)),
        [],
        `not among ${matches.slice(0, 40).join(" ")}`,
      );
      if (exactly) assert.deepEqual([...matches].sort(), [...names].sort());
    });
  }

  test("a match replaces the whole of an unfinished string", async () => {
    assert.deepEqual(await notebook.completed('loadDataset("amazon-ph|'), [
      'loadDataset("amazon-photo',
    ]);
    assert.deepEqual(await notebook.completed(`f("it's", 1); loadDataset('coa|`), [
      `f("it's", 1); loadDataset('coauthor-cs`,
      `f("it's", 1); loadDataset('coauthor-physics`,
    ]);
  });

  test("a name in a variable, or one of the user's own, is no type error; an unknown option is one", async () => {
    const fine = `
      const name: string = "mine"; const options: Record<string, unknown> = { beta: 1 };
      loadDataset(name); loadDataset("mine"); teacherConfig({ dataset: name, split: name, seed: 1 });
      studentConfig(subject, name, teacher, { options, preset: name });
      studentConfig(subject, "mine", teacher, { options: { own: 1 }, preset: "mine" });
      studentConfig(subject, "abkd", teacher, { options: { beta: 1, attention: "last" }, preset: name });`;
    assert.deepEqual((await notebook.check(fine)).text, "");
    const wrong = 'studentConfig(subject, "abkd", teacher, { options: { d_a: 3 } });';
    assert.match((await notebook.check(wrong)).text, /'d_a' does not exist/);
  });
});
