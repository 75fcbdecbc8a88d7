// GraphAKD against the reference's two steps in double precision, in value and every gradient.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/base/options.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import { randomStream } from "../../src/graph/random.ts";
import { SparseMatrix, startEngine } from "../../src/tensor/index.ts";
import { Targets } from "../../src/tensor/ops/loss.ts";
import { assertClosely } from "../tensor/support.ts";
import { gradients, sceneOf, shown } from "./cases.ts";
import {
  criticsOf,
  criticsStep,
  type Parts,
  type Scene,
  studentStep,
} from "./graphakd-reference.ts";
import { add, type Matrix, matrixOf, relu, times, type Vector, vectorOf } from "./tape.ts";

startEngine();
const noLoss = tf.scalar(0);
/** The bound, relative to the largest number. */
const TOLERANCE = 1e-5;

interface Sizes {
  readonly nodes: number;
  readonly classes: number;
  readonly studentWidth: number;
  readonly teacherWidth: number;
}

/** Draws a graph with a hub and an isolated node, and maps in which some rows are dead. */
function draw({ nodes, classes, studentWidth, teacherWidth }: Sizes, seed: number) {
  const random = randomStream(seed);
  const uniform = (): number => random.uniform() * 2 - 1;
  const edges = new Set<string>();
  const alone = nodes - 1;
  const join = (a: number, b: number): void => {
    if (a !== b && a !== alone && b !== alone) edges.add(`${Math.min(a, b)} ${Math.max(a, b)}`);
  };
  const any = (): number => Math.floor(random.uniform() * nodes);
  for (let k = 0; k < 2 * nodes; k++) join(any(), any());
  for (let node = 1; node < nodes; node += 2) join(0, node);
  const arcs = [...edges].flatMap((edge) => {
    const [a, b] = edge.split(" ").map(Number) as [number, number];
    return [[a, b] as const, [b, a] as const];
  });
  const map = (width: number, dead: (row: number) => boolean): Float32Array =>
    Float32Array.from({ length: nodes * width }, (_, k) => {
      const x = uniform() + 0.2;
      return dead(Math.floor(k / width)) ? -Math.abs(x) - 0.01 : x;
    });
  const numbers = (length: number): Float32Array =>
    Float32Array.from({ length }, () => 3 * uniform());
  return {
    arcs,
    labels: Int32Array.from({ length: nodes }, () => Math.floor(random.uniform() * classes)),
    training: Int32Array.from({ length: nodes }, (_, k) => k).filter((k) => k % 3 === 0),
    teacherMap: map(teacherWidth, (row) => row % 11 === 4),
    studentMap: map(studentWidth, (row) => row % 7 === 2),
    teacherLogits: numbers(nodes * classes),
    studentLogits: numbers(nodes * classes),
  };
}

type Drawn = ReturnType<typeof draw>;

/** Runs ours: the value, the gradients of maps, logits and each parameter, and the parameters by name. */
function ours(sizes: Sizes, drawn: Drawn, parts: Parts) {
  const { nodes, classes, studentWidth, teacherWidth } = sizes;
  const from = drawn.arcs.map(([a]) => a);
  const to = drawn.arcs.map(([, b]) => b);
  const graph = {
    adjacency: SparseMatrix.from(symmetricNormalised(csrFromPairs(nodes, nodes, from, to))),
    features: SparseMatrix.from(csrFromPairs(nodes, 2, [0], [1])),
    train: new Targets(drawn.labels, drawn.training, classes),
  };
  const options = resolveOptions(findMethod("graphakd"), { ...parts, criticEvery: 1, beta: 1 });
  const method = createDistillation(
    { name: "graphakd", options },
    sceneOf(
      shown(
        tf.tensor3d(drawn.teacherMap, [1, nodes, teacherWidth]),
        tf.tensor2d(drawn.teacherLogits, [nodes, classes]),
      ),
      { layers: 1, width: studentWidth, classes },
      graph,
      3,
    ),
  );
  const variables = method.parameters.map(({ variable }) => variable);
  // Moved from their starts (1 and 1/2), where an error in one column would not show.
  variables.forEach((variable, k) => {
    const bend = tf.randomUniform(variable.shape, -0.2, 0.2, "float32", k);
    variable.assign(tf.add(variable, bend));
  });
  const student = shown(
    tf.tensor3d(drawn.studentMap, [1, nodes, studentWidth]),
    tf.tensor2d(drawn.studentLogits, [nodes, classes]),
  );
  const found = gradients((s) => method.loss(s, noLoss, 0), student, variables);
  const names = method.parameters.map(({ name }) => name);
  const weights = new Map(names.map((name, k) => [name, variables[k]!.dataSync()]));
  method.dispose();
  const byName = new Map(
    ["maps", "logits", ...names].map((name, k) => [name, found.gradients[k]!]),
  );
  return { value: found.value, gradients: byName, weights };
}

/** Runs the reference on the same numbers: the student's gradients from its step, the critics' from theirs. */
function reference(
  { classes, studentWidth, teacherWidth }: Sizes,
  drawn: Drawn,
  parts: Parts,
  weights: ReadonlyMap<string, ArrayLike<number>>,
) {
  const given = (name: string) => weights.get(`graphakd.${name}`);
  const leaves = () => {
    const critics = criticsOf(given, classes, teacherWidth);
    const projection = matrixOf(given("projection.weight")!, teacherWidth);
    const bias = vectorOf(given("projection.bias")!);
    const map = matrixOf(drawn.studentMap, studentWidth);
    const logits = matrixOf(drawn.studentLogits, classes);
    const hidden: Matrix = map.map((row) => row.map(relu));
    const embedding = times(hidden, projection).map((row) => row.map((x, k) => add(x, bias[k]!)));
    const scene: Scene = {
      student: { logits, embedding },
      teacher: {
        logits: matrixOf(drawn.teacherLogits, classes),
        embedding: matrixOf(drawn.teacherMap, teacherWidth).map((row) => row.map(relu)),
      },
      critics,
      arcs: drawn.arcs,
      training: [...drawn.training],
      labelOf: (node) => drawn.labels[node]!,
    };
    const students: [string, Vector][] = [
      ["maps", map.flat()],
      ["logits", logits.flat()],
      ["graphakd.projection.weight", projection.flat()],
      ["graphakd.projection.bias", bias],
    ];
    const theirs: [string, Vector][] = [
      ["graphakd.logits.hidden", critics.hidden.flat()],
      ["graphakd.logits.bias", critics.bias],
      ["graphakd.logits.classes", critics.classes.flat()],
      ["graphakd.logits.real", critics.real],
      ...(["local", "global"] as const).flatMap((name): [string, Vector][] => [
        [`graphakd.${name}.diagonal`, critics[name].d],
        [`graphakd.${name}.scale`, [critics[name].scale]],
      ]),
    ];
    return { scene, students, theirs };
  };
  const [one, two] = [leaves(), leaves()];
  const value = studentStep(one.scene, parts);
  value.backward();
  criticsStep(two.scene, parts).backward();
  const slopes = ([name, leaf]: [string, Vector]) =>
    [name, leaf.map(({ gradient }) => gradient)] as const;
  return {
    value: value.value,
    gradients: new Map([...one.students.map(slopes), ...two.theirs.map(slopes)]),
  };
}

const ALL: Parts = {
  logitCritic: true,
  localCritic: true,
  globalCritic: true,
  logitDistance: true,
};
const only = (part: keyof Parts): Parts => ({
  ...{ logitCritic: false, localCritic: false, globalCritic: false, logitDistance: false },
  [part]: true,
});
const kinds: readonly (readonly [string, Parts])[] = [
  ["all critics", ALL],
  ...(["logitCritic", "localCritic", "globalCritic", "logitDistance"] as const).map(
    (part) => [`${part} alone`, only(part)] as const,
  ),
];
const graphs: readonly (readonly [Sizes, number])[] = [
  [{ nodes: 150, classes: 5, studentWidth: 4, teacherWidth: 16 }, 1],
  [{ nodes: 67, classes: 3, studentWidth: 2, teacherWidth: 7 }, 2],
  [{ nodes: 200, classes: 7, studentWidth: 5, teacherWidth: 12 }, 3],
];

describe("GraphAKD agrees with its reference's two steps", () => {
  for (const [sizes, seed] of graphs) {
    for (const [name, parts] of kinds) {
      it(`${sizes.nodes} nodes, ${name}`, () => {
        const drawn = draw(sizes, seed);
        const found = ours(sizes, drawn, parts);
        const expected = reference(sizes, drawn, parts, found.weights);
        assertClosely([found.value], [expected.value], TOLERANCE, "value");
        assert.ok(found.gradients.size >= 4);
        for (const [of, gradient] of found.gradients) {
          assertClosely(gradient, expected.gradients.get(of)!, TOLERANCE, `gradient by ${of}`);
        }
      });
    }
  }
});
