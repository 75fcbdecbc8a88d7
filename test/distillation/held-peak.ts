// A worker thread that takes a method's first steps, and replies with the engine's peaks in numbers.
import { parentPort, workerData } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs";
import { createDistillation } from "../../src/distillation/registry.ts";
import { Adam, memory, startEngine } from "../../src/tensor/index.ts";
import { graphInputs, sceneOf, shown, studentOutputs, teacherOutputs } from "./cases.ts";

/** The sizes are those of cases.ts. */
export interface HeldCase {
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
  readonly sizes: typeof import("./cases.ts").shape;
}

export interface Peaks {
  readonly start: number;
  readonly step: number;
}

const { name, options, sizes } = workerData as HeldCase;
startEngine();
const teacher = teacherOutputs(sizes);
const { maps, logits } = studentOutputs(sizes);
const [own, scores] = [tf.variable(maps), tf.variable(logits)];
const student = { layers: maps.shape[0], width: maps.shape[2], classes: sizes.classes };
const scene = sceneOf(teacher, student, graphInputs(sizes.nodes, sizes.classes));
const before = memory().used;
const distillation = createDistillation({ name, options }, scene);
const start = memory().peak - before;
const parameters = [
  ...distillation.parameters,
  { name: "maps", variable: own },
  { name: "logits", variable: scores },
];
const optimiser = new Adam([{ parameters, learningRate: 0.01, weightDecay: 0 }]);
for (let step = 0; step < 2; step++) {
  const { value, grads } = tf.variableGrads(
    () => distillation.loss(shown(own, scores), tf.scalar(0), step),
    parameters.map(({ variable }) => variable),
  );
  optimiser.step(grads);
  tf.dispose([value, grads]);
}
const peaks: Peaks = { start: start / 4, step: (memory().peak - before) / 4 };
parentPort?.postMessage(peaks);
