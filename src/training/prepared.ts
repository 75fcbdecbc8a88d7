// A run before its first step: the graph on the engine, the models, and the losses of its method.
import { GivenTeacher, type OrderedOutputs } from "../distillation/given-teacher.ts";
import type { Distillation } from "../distillation/method.ts";
import { createDistillation, studentCount } from "../distillation/registry.ts";
import { FrozenTeacher } from "../distillation/teacher.ts";
import type { Graph, Split } from "../graph/graph.ts";
import type { GraphForms } from "../models/graph-forms.ts";
import type { GraphShape, KnownClasses, Model } from "../models/model.ts";
import { precisionOf } from "../models/precision/precision.ts";
import { sparedChances } from "../models/precision/protection.ts";
import {
  createModel,
  findModel,
  graphShape,
  type ModelConfig,
  type ModelOf,
} from "../models/registry.ts";
import { Students } from "../models/students.ts";
import type { Batches, TrainingBatch } from "./batches.ts";
import { inheritedParameters } from "./initial.ts";
import { graphInputs, readGraph, readShape, type SplitTargets, splitTargets } from "./inputs.ts";
import { inPrecision, modelWith, restoreModel } from "./model-file.ts";
import { nodeBatches } from "./node-batches.ts";
import type { RunConfig } from "./run.ts";
import type { StoredRun } from "./run-store.ts";
import { drawnBy, sampledBatches } from "./sampled-batches.ts";
import type { TrainingTask } from "./train.ts";

/** What train() takes, with all that it was made from; dispose() frees it. */
export interface PreparedRun<M extends ModelConfig = ModelConfig> extends TrainingTask {
  readonly config: RunConfig<M>;
  /** The graph on the engine; `inputs` is what the model reads of it. */
  readonly forms: GraphForms;
  readonly inputs: Parameters<ModelOf<M>["forward"]>[0];
  readonly targets: SplitTargets;
  /** The model with its initial weights. */
  readonly model: ModelOf<M>;
  /** The trained teacher; absent if the method needs none, or if outputs teach. */
  readonly teacher?: Model;
  dispose(): void;
}

/** The finished runs that a run starts from. */
export interface Earlier {
  readonly teacher?: StoredRun;
  /** The run whose weights this one starts with. */
  readonly donor?: StoredRun;
}

/**
 * @param earlier all runs that the configuration names
 * @param outputs the teacher's, if the configuration names them
 * @throws InputError for an invalid graph or split; OptionError
 */
export function prepare<M extends ModelConfig>(
  config: RunConfig<M>,
  graph: Graph,
  split: Split,
  earlier: Earlier,
  outputs?: OrderedOutputs,
): PreparedRun<M> {
  const held: { dispose(): void }[] = [];
  const hold = <T extends { dispose(): void }>(thing: T): T => {
    held.push(thing);
    return thing;
  };
  const dispose = (): void => {
    for (const thing of held.splice(0).reverse()) thing.dispose();
  };
  try {
    const forms = hold(graphInputs(graph)).value;
    // The teacher reads all features, whatever its student keeps.
    const own = config.features ? hold(graphInputs(readGraph(config, graph))).value : forms;
    const inputs = findModel(config.model.kind).prepare(own);
    const targets = hold(splitTargets(graph, split)).value;
    const whole = graphShape(graph, config.model.kind);
    const shape = readShape(config, whole);
    const known = { labels: graph.labels, items: split.train };
    const { precision } = config.training;
    const spared = precision && precisionOf(precision).training?.spared;
    const chances = spared && sparedChances(graph, spared);
    const model = hold<Model>(startModels(config, shape, { known, chances }, earlier.donor));
    const teacher = earlier.teacher && hold<Model>(restoreModel(earlier.teacher.model));
    const taught = outputs
      ? hold(new GivenTeacher(outputs, graph.classes))
      : teacher && hold(new FrozenTeacher(teacher, forms));
    const distillation: Distillation | undefined =
      config.method &&
      hold(
        createDistillation(config.method, {
          ...(taught && { teacher: taught }),
          graph: forms,
          student: model.outline,
          train: targets.train,
          seed: config.seed,
        }),
      );
    const batches = batchesOf(config, { inputs, targets }, graph, split);
    return {
      ...{ config, forms, targets, dispose },
      inputs: inputs as Parameters<ModelOf<M>["forward"]>[0],
      model: model as ModelOf<M>,
      ...(teacher && { teacher }),
      ...(batches && { batches }),
      ...(distillation && { distillation }),
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Cuts the graph, or draws from it, as the run says; undefined if each step has the whole graph. */
function batchesOf(
  config: RunConfig,
  whole: TrainingBatch,
  graph: Graph,
  split: Split,
): Batches | undefined {
  const drawn = drawnBy(config, graph, split);
  if (drawn) return sampledBatches(whole, drawn);
  const { batch: size } = config.training;
  if (size === undefined) return undefined;
  return nodeBatches(whole, { graph, split, size, kind: config.model.kind });
}

/** What models are given of the graph before they are trained. */
interface Given {
  readonly known: KnownClasses;
  /** See Quantised. */
  readonly chances: Float32Array | undefined;
}

/** Makes a model with random weights, or with another run's. */
function startModel(
  config: RunConfig,
  shape: GraphShape,
  { known, chances }: Given,
  donor: StoredRun | undefined,
): Model {
  const { initial, model, seed, training } = config;
  if (!initial || !donor) {
    const made: Model = createModel(model, shape, seed);
    made.learnClasses?.(known);
    return inPrecision(made, training.precision, chances);
  }
  const parameters = inheritedParameters(initial, donor, model);
  return inPrecision(modelWith(model, shape, parameters), training.precision, chances);
}

/** Makes the run's model, or its several students, which all start from the same weights. */
function startModels(...start: Parameters<typeof startModel>): Model {
  const count = studentCount(start[0].method);
  if (count === 1) return startModel(...start);
  return new Students(Array.from({ length: count }, () => startModel(...start)));
}
