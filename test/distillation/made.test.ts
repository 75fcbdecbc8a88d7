// A method or a model whose create() makes no such thing is named where it is called.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createDistillation, findMethod, registerMethod } from "../../src/distillation/registry.ts";
import { createModel, findModel, registerModel } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, sceneOf } from "./cases.ts";

startEngine();

const NOTHING = [undefined, null, "text", {}, { parameters: [], loss: () => 0 }];

test("a method that creates no Distillation is named", () => {
  for (const made of NOTHING) {
    const method = { ...findMethod("student"), name: "own-nothing", create: () => made as never };
    const remove = registerMethod(method);
    const scene = sceneOf(undefined, { layers: 2, width: 2, classes: 3 }, graphInputs());
    assert.throws(() => createDistillation({ name: "own-nothing", options: {} }, scene), {
      name: "OptionError",
      message: /^the method own-nothing: what create\(\) returned [^\n]* expected: \{ parameters/,
    });
    remove();
  }
});

test("a kind that creates no model is named", () => {
  const mlp = findModel("mlp");
  for (const made of NOTHING) {
    const shapes = (...args: Parameters<typeof mlp.shapes>) => {
      const known = mlp.shapes(...args);
      return { ...known, outline: { ...known.outline, kind: "own-nothing" } };
    };
    const kind = { ...mlp, name: "own-nothing", shapes, create: () => made as never };
    const remove = registerModel(kind);
    const config = { ...mlp.defaults, kind: "own-nothing" } as never;
    assert.throws(() => createModel(config, { features: 2, classes: 2 }, 1), {
      name: "OptionError",
      message: /^the model own-nothing: what create\(\) returned [^\n]* expected: a model/,
    });
    remove();
  }
});
