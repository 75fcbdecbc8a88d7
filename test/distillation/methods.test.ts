// SoftKD, the plain student, the registry and the checks of options.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import { type OptionInfo, resolveOptions } from "../../src/base/options.ts";
import { createDistillation, findMethod, methods } from "../../src/distillation/registry.ts";
import { smoothingOf } from "../../src/distillation/smoothing.ts";
import { startEngine } from "../../src/tensor/index.ts";
import {
  assertClose,
  gradients,
  graphInputs,
  sceneOf,
  shape,
  shown,
  studentOutputs,
  teacherOutputs,
  trainingNodes,
} from "./cases.ts";

startEngine();
const teacher = teacherOutputs();
const student = studentOutputs();
const studentShape = { layers: 3, width: 2, classes: 3 };
const graph = graphInputs();
const crossEntropy = tf.scalar(0.75);

const create = (name: string, given: Record<string, unknown> = {}, preset?: string) =>
  createDistillation(
    { name, options: resolveOptions(findMethod(name), given, preset) },
    sceneOf(teacher, studentShape, graph),
  );

/** Returns the means over nodes of H(softmax(t / T), softmax(s / T)) and H(t, t), in double precision. */
function entropies(temperature: number): { cross: number; own: number } {
  const [t, s] = [teacher.logits.arraySync(), student.logits.arraySync()];
  const softmax = (row: number[]): number[] => {
    const exp = row.map((x) => Math.exp(x / temperature));
    const total = exp.reduce((a, b) => a + b);
    return exp.map((x) => x / total);
  };
  let [cross, own] = [0, 0];
  t.forEach((row, n) => {
    const [p, q] = [softmax(row), softmax(s[n]!)];
    p.forEach((x, c) => {
      cross -= (x * Math.log(q[c]!)) / t.length;
      own -= (x * Math.log(x)) / t.length;
    });
  });
  return { cross, own };
}

describe("SoftKD", () => {
  it("equation-1 is H(s, y) + alpha H(s, t)", () => {
    const loss = create("softkd", { alpha: 2 }, "equation-1").loss(student, crossEntropy, 0);
    const expected = 0.75 + 2 * entropies(1).cross;
    assertClose(loss.dataSync(), [expected], 1e-6, expected, "loss");
  });

  it("the temperature form is (1 - alpha) CE + alpha T^2 KL", () => {
    const loss = create("softkd", {}, "temperature").loss(student, crossEntropy, 0);
    const { cross, own } = entropies(4);
    const expected = 0.1 * 0.75 + 0.9 * 16 * (cross - own);
    assertClose(loss.dataSync(), [expected], 1e-5, 1, "loss");
  });

  it("the default is soft labels only, which are 0 if the student agrees", () => {
    const method = create("softkd");
    const { cross, own } = entropies(1);
    assertClose(method.loss(student, crossEntropy, 0).dataSync(), [cross - own], 1e-6, 1, "KL");
    const same = shown(student.maps, teacher.logits);
    assertClose(method.loss(same, crossEntropy, 0).dataSync(), [0], 1e-6, 1, "KL");
    assertClose([method.inspect(student).scalars["kl"]!], [cross - own], 1e-6, 1, "inspected");
  });

  it("has the gradient alpha T (softmax(s / T) - softmax(t / T)) / n", () => {
    const method = create("softkd", { temperature: 2, alpha: 3 });
    const { gradients: all } = gradients((s) => method.loss(s, crossEntropy, 0), student, []);
    const soft = (x: tf.Tensor): tf.Tensor => tf.softmax(tf.div(x, 2));
    const difference = tf.sub(soft(student.logits), soft(teacher.logits));
    const expected = tf.mul(difference, (3 * 2) / shape.nodes).dataSync();
    assertClose(all[1]!, expected, 1e-5, 1, "gradient");
  });

  it("stays finite for large logits", () => {
    const far = shown(student.maps, tf.mul(student.logits, 1e4) as tf.Tensor2D);
    const { value, gradients: all } = gradients(
      (s) => create("softkd").loss(s, crossEntropy, 0),
      far,
      [],
    );
    assert.ok(Number.isFinite(value) && all[1]!.every(Number.isFinite));
  });

  it("leaves no tensor", () => {
    const before = tf.memory().numTensors;
    const method = create("softkd");
    gradients((s) => method.loss(s, crossEntropy, 0), student, []);
    method.inspect(student);
    method.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

describe("label smoothing", () => {
  const nodes = trainingNodes();
  const { classes } = shape;
  const entropy = (row: readonly number[]): number =>
    row.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
  const smoothed = (share: number): number[] =>
    Array.from({ length: classes }, (_, c) => (c === 0 ? 1 - share : 0) + share / classes);

  it("has a target as uncertain as the teacher on the training nodes", () => {
    const { epsilon } = create("smoothing").inspect(student).scalars;
    const rows = (teacher.logits.softmax().arraySync() as number[][]).filter((_, n) =>
      nodes.includes(n),
    );
    const mean = rows.reduce((sum, row) => sum + entropy(row), 0) / rows.length;
    assert.ok(epsilon! > 0 && epsilon! < 1);
    assertClose([entropy(smoothed(epsilon!))], [mean], 1e-6, 1, "entropy");
    assertClose([smoothingOf(0, 7), smoothingOf(Math.log(7), 7)], [0, 1], 1e-6, 1, "the ends");
  });

  it("is (1 - e) CE + e times the cross-entropy with the uniform distribution, in value and gradient", () => {
    const method = create("smoothing", { epsilon: 0.3 });
    const { value, gradients: all } = gradients(
      (s) => method.loss(s, crossEntropy, 0),
      student,
      [],
    );
    const logits = student.logits.arraySync();
    const probabilities = student.logits.softmax().arraySync() as number[][];
    let uniform = 0;
    for (const n of nodes) {
      for (const p of probabilities[n]!) uniform -= Math.log(p) / classes / nodes.length;
    }
    assertClose([value], [0.7 * 0.75 + 0.3 * uniform], 1e-6, 1, "loss");
    const slopes = logits.flatMap((row, n) =>
      row.map((_, c) =>
        nodes.includes(n) ? (0.3 * (probabilities[n]![c]! - 1 / classes)) / nodes.length : 0,
      ),
    );
    assertClose(all[1]!, slopes, 1e-6, 1, "gradient");
  });

  it("leaves no tensor", () => {
    const before = tf.memory().numTensors;
    const method = create("smoothing");
    gradients((s) => method.loss(s, crossEntropy, 0), student, []);
    method.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

describe("the plain student", () => {
  it("is the cross-entropy, without a teacher", () => {
    const method = createDistillation(
      { name: "student", options: {} },
      sceneOf(undefined, studentShape, graph),
    );
    assert.equal(method.loss(student, crossEntropy, 0), crossEntropy);
    assert.equal(method.reads, "logits");
  });
});

describe("the registry", () => {
  it("lists each method once, with a summary and legal defaults and presets", () => {
    assert.deepEqual(
      methods.map((m) => m.name),
      [
        "student",
        "smoothing",
        "softkd",
        "fitnet",
        "at",
        "lsp",
        "gsp",
        "gcrd",
        "graphakd",
        "geometric",
        "alignahead",
        "cpf",
        "gnnsd",
        "abkd",
      ],
    );
    for (const method of methods) {
      assert.ok(method.summary.length > 20 && !method.summary.includes("\n"));
      assert.deepEqual(resolveOptions(method), method.defaults);
      for (const preset of Object.keys(method.presets)) {
        const outputs = method.needsTeacher ? teacher : undefined;
        const options = resolveOptions(method, {}, preset);
        const scene = sceneOf(outputs, studentShape, graph);
        createDistillation({ name: method.name, options }, scene).dispose();
      }
    }
  });

  it("refuses every method that lacks the teacher it needs", () => {
    for (const { name, needsTeacher, defaults } of methods) {
      const begin = () =>
        createDistillation({ name, options: defaults }, sceneOf(undefined, studentShape, graph));
      if (needsTeacher) {
        assert.throws(begin, new OptionError(`${name} needs a teacher, but none is given`));
      } else begin().dispose();
    }
  });

  it("refuses an unknown name and suggests a known one", () => {
    assert.throws(
      () => findMethod("akd"),
      new OptionError(
        'no method "akd"; known: student, smoothing, softkd, fitnet, at, lsp, gsp, gcrd, graphakd, geometric, alignahead, cpf, gnnsd, abkd; did you mean "abkd"?',
      ),
    );
  });
});

describe("options", () => {
  const message = (given: Record<string, unknown>, preset?: string, name = "abkd"): string => {
    try {
      create(name, given, preset);
    } catch (error) {
      assert.ok(error instanceof OptionError, String(error));
      assert.ok(!error.message.includes("\n"));
      return error.message;
    }
    return assert.fail("no error");
  };

  it("are refused by errors that name the option and its legal values", () => {
    assert.equal(
      message({ form: "l2" }),
      'abkd: option "form" is "l2"; legal: literal, node-mean, mse',
    );
    assert.equal(message({ beta: -1 }), 'abkd: option "beta" is -1; legal: a number of at least 0');
    assert.equal(
      message({ embedding: 2.5 }),
      'abkd: option "embedding" is 2.5; legal: a whole number of at least 1',
    );
    assert.match(message({ learningRate: 0 }), /above 0, or null \(the student's\)/);
    assert.match(message({ logits: 1 }), /legal: true, false/);
    assert.match(message({ temperature: Number.NaN }), /"temperature"/);
    assert.match(message({ gamma: 1 }), /unknown option "gamma"; its options are beta, /);
    assert.match(message({ gamma: 1 }, undefined, "student"), /it has no options/);
    // The paper's symbols, and typos.
    for (const [given, meant] of [
      ["d_a", "embedding"],
      ["D", "form"],
      ["A", "attention"],
      ["W^pt", "linear"],
      ["T", "teacherMaps"],
      ["Beta", "beta"],
      ["embeding", "embedding"],
      ["learning_rate", "learningRate"],
    ] as const) {
      assert.match(message({ [given]: 1 }), new RegExp(`; did you mean "${meant}"\\?$`), given);
    }
    assert.doesNotMatch(message({ zzz: 1 }), /did you mean/);
    assert.match(message({ alpha: 1 }, undefined, "gsp"), /did you mean "softWeight"\?/);
    assert.match(message({}, "litteral"), /; did you mean "literal"\?/);
    assert.match(message({ subspace: true }), /"subspace" is true.*fixed-teacher/);
    assert.match(message({}, "papper"), /no preset "papper"; known: literal, paper/);
  });

  it("name the soft labels' weight alike in all methods, and by each method's key in configurations", () => {
    const keys = { softkd: "alpha", gsp: "softLabels", abkd: "softWeight" };
    for (const [name, key] of Object.entries(keys)) {
      const options = resolveOptions(findMethod(name), { softWeight: 0.3 });
      assert.deepEqual(Object.keys(options), Object.keys(findMethod(name).defaults));
      assert.equal(options[key], 0.3);
      assert.deepEqual(resolveOptions(findMethod(name), { [key]: 0.3 }), options);
    }
    assert.match(message({ softWeight: 1, alpha: 1 }, undefined, "softkd"), /are one option/);
    for (const { name, options } of methods) {
      const weights = Object.values(options).filter((info) => info.name === "softWeight");
      assert.equal(weights.length, "temperature" in options ? 1 : 0, name);
    }
  });

  it("must all be in a configuration", () => {
    assert.throws(
      () =>
        createDistillation(
          { name: "softkd", options: { alpha: 1 } },
          sceneOf(teacher, studentShape, graph),
        ),
      /softkd: option "hardWeight" is missing/,
    );
  });

  it("are all described, ABKD's with the paper's symbol if there is one", () => {
    for (const method of methods) {
      const infos = Object.entries(method.options) as [string, OptionInfo][];
      for (const [name, info] of infos) assert.ok(info.description.length > 10, name);
    }
    const { beta, embedding } = findMethod("abkd").options;
    assert.equal(beta?.symbol, "beta");
    assert.equal(embedding?.symbol, "d_a");
  });
});
