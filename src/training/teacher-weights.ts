// A teacher by its weights: a model file of abkd's form, or PyTorch Geometric's state_dict with a JSON beside it.
import { needText } from "../base/arguments.ts";
import { type DataOptions, loadDataset } from "../datasets/index.ts";
import { BadFileError } from "../formats/errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { Model } from "../models/model.ts";
import { findModel } from "../models/registry.ts";
import { startEngine } from "../tensor/index.ts";
import { checkFit, readModelFile } from "./apply.ts";
import { withForward } from "./evaluate.ts";
import { graphInputs } from "./inputs.ts";
import { modelWith, restoreModel } from "./model-file.ts";
import { readPygModel } from "./pyg-weights.ts";
import type { RunConfig } from "./run.ts";
import { arraysIn, isOutput } from "./teacher-files.ts";
import { type TeacherOutputs, teacherOf } from "./teacher-outputs.ts";

/**
 * Reads a teacher from a file of weights. Its outputs on the dataset's graph teach; a file of `abkd export` names
 * its run instead, which is taken from the folder of runs, or trained first.
 *
 * @param file safetensors or npz; with PyG's names it needs a JSON beside it (docs/teachers.md): gcn.json for
 *   gcn.safetensors
 * @throws OptionError for a path that does not exist; BadFileError for arrays that make no model of a known kind;
 *   UserError for a model of another graph's features and classes
 */
export async function loadTeacher(
  file: string,
  dataset: string,
  options: DataOptions = {},
): Promise<RunConfig | TeacherOutputs> {
  needText(file, "loadTeacher: file", "the path of a file of weights");
  const arrays = await arraysIn(file);
  if (arrays.names.length > 0 && arrays.names.every(isOutput)) {
    throw new BadFileError(
      file,
      "these are a teacher's outputs: name them as such (--teacher-outputs)",
    );
  }
  const own = arrays.hasConfig;
  const found = own ? readModelFile(file) : undefined;
  if (found?.ours) return found.config;
  const graph = await loadDataset(dataset, options);
  startEngine();
  if (found) checkFit(found, graph);
  const shape = { features: graph.features.columns, classes: graph.classes };
  const read = found ? undefined : readPygModel(file, arrays, shape);
  const model = found ? restoreModel(found) : modelWith(read!.model, shape, read!.parameters);
  try {
    return outputsOn(graph, model, file);
  } finally {
    model.dispose();
  }
}

function outputsOn(graph: Graph, model: Model, source: string): TeacherOutputs {
  const forms = graphInputs(graph);
  try {
    const inputs = findModel(model.outline.kind).prepare(forms.value);
    return withForward(model, inputs, "layers", ({ logits, hidden, layers }) => {
      const map = (x: typeof logits) => ({ shape: x.shape, values: x.dataSync<"float32">() });
      const maps = layers!.widths.map((_, i) => map(layers!.at(i)));
      return teacherOf({ logits: map(logits), hidden: map(hidden!), layers: maps }, source);
    });
  } finally {
    forms.dispose();
  }
}
