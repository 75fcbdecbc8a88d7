import { after, before, type TestContext } from "node:test";
import { registerDataset } from "../../src/datasets/index.ts";
import { methods } from "../../src/distillation/registry.ts";
import { findModel } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { type ModelFile, restoreModel } from "../../src/training/model-file.ts";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import {
  type GivenOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "../../src/training/teacher-outputs.ts";
import { runTrials } from "../../src/training/trials.ts";
import { smallGraph, smallSplit, temporaryFolder } from "./small.ts";

export const graph = { ...smallGraph(), name: "taught" };
export const { train, val, test: rest } = smallSplit();
registerDataset({ name: "taught", graph, split: { train, val, test: rest } });
export const subject = { dataset: "taught", seed: 1 };
export const training = { epochs: 8 };
export const model = teacherConfig(subject, {
  model: { layers: 3, width: 8 },
  training: { epochs: 30 },
});
export const runsDir = temporaryFolder({ after } as TestContext);
export const taught = methods.filter(({ needsTeacher }) => needsTeacher);

/** What the trained teacher gives. */
export let given: Required<GivenOutputs>;
export let outputs: TeacherOutputs;

before(async () => {
  given = await trainedOutputs(model);
  outputs = await loadTeacherOutputs(given);
});

/** Trains a teacher, and returns what it gives. */
export async function trainedOutputs(config: RunConfig): Promise<Required<GivenOutputs>> {
  await runTrials([config], { runsDir, resume: true });
  startEngine();
  const restored = restoreModel(readModel(runFiles(runsDir, config).model));
  const inputs = findModel(config.model.kind).prepare(graphInputs(graph).value) as never;
  const { logits, hidden, layers } = restored.forward(inputs, { reads: "layers" });
  return { logits, hidden: hidden!, layers: layers!.widths.map((_, i) => layers!.at(i)) };
}

/** The student's weights after its run. */
export function weights(folder: string, config: RunConfig): ModelFile["parameters"] {
  return readModel(runFiles(folder, config).model).parameters;
}

/** An observer that keeps what is said. */
export function noted(notes: string[]) {
  return (event: TrainingEvent): void => {
    if (event.type === "note") notes.push(event.message);
  };
}
