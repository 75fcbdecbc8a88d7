// A trained model that predicts without the engine.
import { needObject } from "../base/arguments.ts";
import type { Graph } from "../graph/graph.ts";
import type { StudentGraph } from "../student/rows.ts";
import { type PreparedGraph, Student } from "../student/student.ts";
import { readModelFile } from "./apply.ts";
import { fitGraph } from "./fit.ts";
import type { ModelFile } from "./model-file.ts";

/** A student that other graphs are fitted to, as evaluate() does: their columns by name, in the model's form. */
export class FittingStudent extends Student {
  readonly #file: ModelFile;

  constructor(file: ModelFile) {
    super(file);
    this.#file = file;
  }

  override prepare(graph: StudentGraph): PreparedGraph {
    return super.prepare(isGraph(graph) ? fitGraph(this.#file, graph).graph : graph);
  }
}

/** One of loadDataset() or makeGraph(); a page's own has no name. */
const isGraph = (graph: StudentGraph): graph is Graph =>
  typeof (graph as Partial<Graph> | undefined)?.name === "string" &&
  "rows" in (graph.features ?? {});

/**
 * Makes a student of a model: plain JavaScript, for services and pages that ask about a few nodes at a time.
 *
 *     const student = await loadStudent("student.safetensors");
 *     const { classes, probabilities } = student.predict(await loadDataset("cora"));
 *
 * In a browser, `abkd/student` has a loadStudent() that takes an address or bytes.
 *
 * @param model the path of a file of `abkd export`, or a trained model
 * @throws OptionError for neither; FormatError, FileError for a file that cannot be read; StudentError for a
 *   kind of model that needs the engine
 */
export async function loadStudent(model: string | ModelFile): Promise<Student> {
  const file = typeof model === "string" ? readModelFile(model) : model;
  const legal = "the path of a model file, or a trained model, as returned by distill()";
  needObject(file, "loadStudent: model", legal, "config", "shape", "parameters");
  return new FittingStudent(file);
}
