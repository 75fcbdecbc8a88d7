// A teacher by its weights: a model file of abkd's form, or PyTorch Geometric's state_dict with a JSON beside it.
import { needText } from "../base/arguments.ts";
import { type DataOptions, loadDataset } from "../datasets/index.ts";
import type { KnownOutputs } from "../distillation/given-teacher.ts";
import { BadFileError } from "../formats/errors.ts";
import type { Graph } from "../graph/graph.ts";
import { type Model, parameterCount } from "../models/model.ts";
import { findModel, graphShape } from "../models/registry.ts";
import { startEngine } from "../tensor/index.ts";
import { checkFit, readModelFile } from "./apply.ts";
import { withForward } from "./evaluate.ts";
import { graphInputs } from "./inputs.ts";
import { modelWith } from "./model-file.ts";
import { readPygModel } from "./pyg-weights.ts";
import { arraysIn, digestedFile, isOutput } from "./teacher-files.ts";
import { type TeacherOutputs, teacherOf } from "./teacher-outputs.ts";

/**
 * Reads a teacher from a file of weights: its outputs on the dataset's graph teach, as another program's do.
 *
 *     const teacher = await loadTeacher("gcn.safetensors", "cora");
 *     const student = await distill({ dataset: "cora", teacher: { outputs: teacher }, method: "abkd" });
 *
 * @param file safetensors or npz: of `abkd export`, or with PyG's names and a JSON beside it (docs/teachers.md):
 *   gcn.json for gcn.safetensors
 * @throws OptionError for a path that does not exist; BadFileError for arrays that make no model of a known kind;
 *   UserError for a model of another graph's features and classes
 */
export async function loadTeacher(
  file: string,
  dataset: string,
  options: DataOptions = {},
): Promise<TeacherOutputs> {
  needText(file, "loadTeacher: file", "the path of a file of weights");
  const arrays = await arraysIn(file);
  if (arrays.names.length > 0 && arrays.names.every(isOutput)) {
    throw new BadFileError(
      file,
      "these are a teacher's outputs: name them as such (--teacher-outputs)",
    );
  }
  const own = arrays.hasConfig ? readModelFile(file) : undefined;
  const graph = await loadDataset(dataset, options);
  if (own) checkFit(own, graph);
  const { model: config, parameters } = own
    ? { model: own.config.model, parameters: own.parameters }
    : readPygModel(file, arrays, (kind) => graphShape(graph, kind));
  startEngine();
  const precision = own?.config.training?.precision;
  const model = modelWith(config, graphShape(graph, config.kind), parameters, precision);
  try {
    return teacherOf(outputsOn(graph, model), {
      source: file,
      files: [await digestedFile(file)],
      trainedOn: own?.ours ? [own.config] : [],
      parameters: parameterCount(model),
    });
  } finally {
    model.dispose();
  }
}

/** Whether a file is of `abkd export`, and so names a run. */
export async function namesRun(file: string): Promise<boolean> {
  return Boolean((await arraysIn(file)).hasConfig) && readModelFile(file).ours;
}

function outputsOn(graph: Graph, model: Model): KnownOutputs {
  const forms = graphInputs(graph);
  try {
    const inputs = findModel(model.outline.kind).prepare(forms.value);
    return withForward(model, inputs, "layers", ({ logits, hidden, layers }) => {
      const map = (x: typeof logits) => ({ shape: x.shape, values: x.dataSync<"float32">() });
      const maps = layers!.widths.map((_, i) => map(layers!.at(i)));
      return { logits: map(logits), hidden: map(hidden!), layers: maps };
    });
  } finally {
    forms.dispose();
  }
}
