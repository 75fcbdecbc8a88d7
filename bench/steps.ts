// The steps of training: teacher, student, SoftKD, ABKD, and evaluation.
import type { Distillation, Teacher } from "../src/distillation/method.ts";
import { createDistillation } from "../src/distillation/registry.ts";
import type { Graph, Split } from "../src/graph/graph.ts";
import type { GraphInputs, GraphShape, Model } from "../src/models/model.ts";
import { createModel } from "../src/models/registry.ts";
import { BACKEND } from "../src/tensor/index.ts";
import { withForward } from "../src/training/evaluate.ts";
import { graphInputs, type SplitTargets, splitTargets } from "../src/training/inputs.ts";
import { type Changes, studentConfig, teacherConfig } from "../src/training/recipes.ts";
import type { RunConfig } from "../src/training/run.ts";
import { optimiser, step } from "../src/training/step.ts";
import type { Task } from "./measure.ts";

const SEED = 1;
/** The project's limits, in milliseconds. */
const TEACHER_LIMIT = { milliseconds: 160 };
const STUDENT_LIMIT = { milliseconds: 3 };
const ABKD_ADDS_AT_MOST = 15;

/** A graph on the engine, as steps read it. */
export interface Data {
  readonly shape: GraphShape;
  readonly inputs: GraphInputs;
  readonly targets: SplitTargets;
}

/** Puts a graph on the engine. */
export function dataOf(graph: Graph, split: Split): Data {
  return {
    shape: { features: graph.features.columns, classes: graph.classes },
    inputs: graphInputs(graph).value,
    targets: splitTargets(graph, split).value,
  };
}

/** Returns a training step and an evaluation pass of each model, with each method's default recipe. */
export function stepTasks(graph: Graph, split: Split): Task[] {
  const data = dataOf(graph, split);
  const subject = { dataset: graph.name, split: split.name, seed: SEED };
  const config = teacherConfig(subject);
  const teacher = modelOf(config, data);
  const taught = teacherOf(teacher, data);
  const student = (method: string, changes: Changes = {}): Task["run"] => {
    const found = studentConfig(subject, method, config, changes);
    return trainingStep(found, data, modelOf(found, data), taught);
  };
  const of = (group: string, name: string, run: Task["run"], limit?: Task["limit"]): Task => ({
    group,
    name,
    run,
    backend: BACKEND,
    ...(limit && { limit }),
  });
  const { layers, width } = config.model;
  const small = modelOf(studentConfig(subject, "student", config), data);
  const training = "training step";
  const evaluation = "evaluation";
  const plain = of(training, "student 4L-4H", student("student"), STUDENT_LIMIT);
  const dropout = student("student", { model: { dropout: 0.5 } });
  const abkdLimit = { milliseconds: ABKD_ADDS_AT_MOST, beyond: plain };
  return [
    of(
      training,
      `teacher ${layers}L-${width}H`,
      trainingStep(config, data, teacher),
      TEACHER_LIMIT,
    ),
    plain,
    of(training, "student 4L-4H, dropout 0.5", dropout, STUDENT_LIMIT),
    of(training, "SoftKD 4L-4H", student("softkd")),
    of(training, "ABKD 4L-4H, d_a 256", student("abkd"), abkdLimit),
    of(training, "ABKD 4L-4H, eq. 4 literally", student("abkd", { preset: "literal" })),
    of(evaluation, `teacher ${layers}L-${width}H`, evaluationPass(data, teacher)),
    of(evaluation, "student 4L-4H", evaluationPass(data, small)),
  ];
}

export function modelOf(config: RunConfig, { shape }: Data): Model<GraphInputs> {
  return createModel(config.model, shape, config.seed);
}

/** Makes an untrained teacher: the values do not change the cost of a step. */
export function teacherOf(model: Model<GraphInputs>, { inputs }: Data): Teacher {
  return { outline: model.outline, outputs: (reads) => model.forward(inputs, { reads }) };
}

/** Makes the training loop's own step (src/training/train.ts) without evaluation; each call returns its loss. */
export function trainingStep(
  config: RunConfig,
  data: Data,
  model: Model<GraphInputs>,
  teacher?: Teacher,
): () => number {
  const { inputs, targets } = data;
  const distillation = distillationOf(config, model, data, teacher);
  const task = { config, model, inputs, targets, ...(distillation && { distillation }) };
  const adam = optimiser(task);
  let epoch = 0;
  return () => {
    const loss = step(task, adam, epoch++);
    if (!Number.isFinite(loss)) throw new Error("the benchmark's loss diverged");
    return loss;
  };
}

/** Returns the run's method, if it has one. */
export function distillationOf(
  { method, seed }: RunConfig,
  { outline: student }: Model<GraphInputs>,
  { inputs: graph, targets: { train } }: Data,
  teacher?: Teacher,
): Distillation | undefined {
  if (!method) return undefined;
  return createDistillation(method, { graph, student, train, seed, ...(teacher && { teacher }) });
}

/** Makes the pass that follows a step: without dropout, scored on training and validation nodes. */
export function evaluationPass({ inputs, targets }: Data, model: Model<GraphInputs>): () => void {
  return () =>
    withForward(model, inputs, "logits", ({ logits }) => {
      targets.train.scores(logits);
      targets.val.scores(logits);
    });
}
