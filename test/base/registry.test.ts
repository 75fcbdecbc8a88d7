// What a program may add to the registries, what they reject, and that additions can be removed again.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { markUsed, Registry } from "../../src/base/registry.ts";
import { DATASET_NAMES, datasetEntry, registerDataset } from "../../src/datasets/index.ts";
import type { Method } from "../../src/distillation/method.ts";
import { findMethod, methods, registerMethod } from "../../src/distillation/registry.ts";
import { describeForm, shortForm } from "../../src/experiments/form.ts";
import { describeFinding } from "../../src/experiments/results-table.ts";
import { findStudy, registerStudy, studies } from "../../src/experiments/studies/index.ts";
import { summarise } from "../../src/experiments/summary.ts";
import { styleOf } from "../../src/figures/figure.ts";
import { gcn } from "../../src/models/gcn.ts";
import type { ModelKind } from "../../src/models/model.ts";
import { findModel, models, registerModel } from "../../src/models/registry.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { runId } from "../../src/training/run-id.ts";
import { sampleRun } from "../figures/sample-runs.ts";
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

test("what it says of itself stands in tables, figures and studies, without an edit elsewhere", (t) => {
  const look = { colour: "#123456", symbol: "cross" } as const;
  const mine: Method<Options> = {
    ...method,
    ...{ label: "Mine, of 2026", look },
    form: ({ beta }) => ({ short: `beta ${beta}`, differences: [`beta ${beta} (1)`] }),
  };
  const run = sampleRun("mine", 1, 0.7);
  const config = { ...run.config, method: { name: "mine", version: 3, options: { beta: 2 } } };
  const results = [sampleRun("student", 1, 0.5), { ...run, config }];
  const armOf = () => findStudy("table3").arms.find(({ id }) => id === "mine");
  assert.equal(armOf(), undefined);
  assert.equal(summarise(results)[1]!.label, "mine");
  t.after(registerMethod(mine));
  assert.equal(summarise(results)[1]!.label, "Mine, of 2026");
  assert.equal(describeForm(summarise(results)[1]!)!.split(" as written")[1], " in: beta 2 (1).");
  assert.equal(shortForm(summarise(results)[1]!), "beta 2");
  assert.deepEqual(styleOf("mine", 0), look);
  assert.deepEqual([armOf()?.label, armOf()?.role], ["Mine, of 2026", "rival"]);
  assert.equal(describeFinding(results), undefined);
});

test("its role is what it is compared as", (t) => {
  const results = [sampleRun("mine", 1, 0.7), sampleRun("student", 1, 0.5)];
  t.after(registerMethod({ ...method, role: "method", label: "Mine" }));
  assert.match(describeFinding(results)!, /^Mine beats Student by 20\.0 points/);
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
    [{ role: "winner" }, /role is "winner"; legal: baseline, control, rival, apart, method/],
    [{ label: "" }, /label is ""/],
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

describe("in a notebook, whose cells run again after an edit", () => {
  const kernel = Symbol.for("Jupyter.display");
  beforeEach(() => Reflect.set(globalThis, kernel, async () => {}));
  afterEach(() => Reflect.deleteProperty(globalThis, kernel));

  interface Thing {
    readonly name: string;
    readonly version?: number;
    readonly twice?: (x: number) => number;
  }
  const double: Thing = { name: "two", version: 1, twice: (x) => x + x };
  const shift: Thing = { name: "two", version: 1, twice: (x) => x << 1 };

  test("what is added again takes the place of the first, until runs have used that", () => {
    const registry = new Registry<Thing>("thing", [{ name: "one" }]);
    const removeFirst = registry.add({ name: "two" });
    registry.add({ name: "three" });
    const remove = registry.add(double);
    assert.deepEqual([registry.names, registry.find("two")], [["one", "two", "three"], double]);
    removeFirst();
    assert.equal(registry.find("two"), double, "the first one's end is not the second's");

    markUsed(double);
    const again: Thing = { ...double };
    registry.add(again);
    assert.equal(registry.find("two"), again, "a cell that was not edited runs again");
    const message = 'the thing "two" was added before, and runs have used it: raise its version';
    assert.throws(() => registry.add(shift), { name: "OptionError", message });
    const raised = { ...shift, version: 2 };
    registry.add(raised);
    assert.equal(registry.find("two"), raised);
    assert.throws(() => registry.add(shift), { message }, "not after another version, either");
    remove();
    assert.equal(registry.find("two"), raised);
    assert.throws(() => registry.add({ name: "one" }), /the thing "one" is built in/);
  });

  test("without a version another name is needed", () => {
    const registry = new Registry<Thing>("thing", []);
    const four: Thing = { name: "four" };
    registry.add(four);
    markUsed(four);
    assert.throws(() => registry.add({ name: "four", twice: (x) => x }), {
      message:
        'the thing "four" was added before, and runs have used it: give the new one another name',
    });
  });

  test("elsewhere which of the two was meant would depend on the order of imports", () => {
    Reflect.deleteProperty(globalThis, kernel);
    const registry = new Registry<Thing>("thing", []);
    const remove = registry.add(double);
    assert.throws(() => registry.add({ ...double }), /was added before; choose another name/);
    remove();
    registry.add(shift);
    assert.equal(registry.find("two"), shift);
  });
});
