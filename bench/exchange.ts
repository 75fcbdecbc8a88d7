// Files that both sides of the race read: graphs as raw arrays, weights as safetensors.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import type { Teacher } from "../src/distillation/method.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedArray,
} from "../src/formats/safetensors.ts";
import type { Csr } from "../src/graph/csr.ts";
import type { Graph, Split } from "../src/graph/graph.ts";
import { rowNormalised, symmetricNormalised } from "../src/graph/normalise.ts";
import { stackedOutputs } from "../src/models/model.ts";
import { modelShapes } from "../src/models/registry.ts";
import { reluDropout, SparseMatrix, Targets } from "../src/tensor/index.ts";
import { withForward } from "../src/training/evaluate.ts";
import type { RunConfig } from "../src/training/run.ts";
import { type Data, distillationOf, modelOf } from "./steps.ts";

type Matrix = "adjacency" | "features";
type NodeSet = "train" | "val" | "test";

interface Meta {
  readonly classes: number;
  /** The numbers of rows and columns. */
  readonly adjacency: readonly [number, number];
  readonly features: readonly [number, number];
}

/** Writes a graph as the models read it: normalised, little-endian, one file per array, sizes in graph.json. */
export function writeGraph(folder: string, graph: Graph, split: Split): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, array: Int32Array | Float32Array): void => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    writeFileSync(path.join(folder, name), bytes);
  };
  const matrices = {
    adjacency: symmetricNormalised(graph.adjacency),
    features: rowNormalised(graph.features),
  };
  for (const [name, { indptr, indices, values }] of Object.entries(matrices)) {
    write(`${name}.indptr.i32`, indptr);
    write(`${name}.indices.i32`, indices);
    write(`${name}.values.f32`, values!);
  }
  for (const set of ["train", "val", "test"] as const) write(`${set}.i32`, split[set]);
  write("labels.i32", graph.labels);
  const meta: Meta = {
    classes: graph.classes,
    adjacency: [graph.nodes, graph.nodes],
    features: [graph.nodes, graph.features.columns],
  };
  writeFileSync(path.join(folder, "graph.json"), JSON.stringify(meta));
}

function bytesOf(folder: string, name: string): ArrayBuffer {
  // Copied, since a small file's bytes may lie anywhere in Node's pool and arrays must be aligned.
  return new Uint8Array(readFileSync(path.join(folder, name))).buffer;
}

function readMatrix(folder: string, name: Matrix, [rows, columns]: readonly [number, number]): Csr {
  return {
    rows,
    columns,
    indptr: new Int32Array(bytesOf(folder, `${name}.indptr.i32`)),
    indices: new Int32Array(bytesOf(folder, `${name}.indices.i32`)),
    values: new Float32Array(bytesOf(folder, `${name}.values.f32`)),
  };
}

/** Reads a graph that writeGraph wrote, onto the engine. */
export function readGraph(folder: string): Data {
  const text = readFileSync(path.join(folder, "graph.json"), "utf8");
  const meta = JSON.parse(text) as Meta;
  const labels = new Int32Array(bytesOf(folder, "labels.i32"));
  const targets = (set: NodeSet): Targets =>
    new Targets(labels, new Int32Array(bytesOf(folder, `${set}.i32`)), meta.classes);
  return {
    shape: { features: meta.features[1], classes: meta.classes },
    inputs: {
      adjacency: SparseMatrix.from(readMatrix(folder, "adjacency", meta.adjacency)),
      features: SparseMatrix.from(readMatrix(folder, "features", meta.features)),
    },
    targets: { train: targets("train"), val: targets("val"), test: targets("test") },
  };
}

/** Frees what readGraph made. */
export function freeGraph({ inputs, targets }: Data): void {
  for (const thing of [...Object.values(inputs), ...Object.values(targets)]) thing.dispose();
}

function arrayOf(tensor: tf.Tensor): NamedArray {
  return { shape: tensor.shape, values: Float32Array.from(tensor.dataSync<"float32">()) };
}

function writeTensors(file: string, tensors: ReadonlyMap<string, NamedArray>): void {
  writeFileSync(file, encodeSafetensors({ tensors, metadata: {} }));
}

/** Writes the weights that a run starts from: the model's and its method's. */
export function writeWeights(file: string, config: RunConfig, data: Data, teacher?: Teacher): void {
  const model = modelOf(config, data);
  const distillation = distillationOf(config, model, data, teacher);
  const parameters = [...model.parameters, ...(distillation?.parameters ?? [])];
  writeTensors(file, new Map(parameters.map(({ name, variable }) => [name, arrayOf(variable)])));
  distillation?.dispose();
  model.dispose();
}

/** Writes an untrained teacher's outputs: a step's cost does not depend on the values. */
export function writeTeacher(file: string, config: RunConfig, data: Data): void {
  const model = modelOf(config, data);
  withForward(model, data.inputs, "layers", ({ logits, layers }) => {
    const outputs = { logits: arrayOf(logits), maps: arrayOf(layers!.stack!) };
    writeTensors(file, new Map(Object.entries(outputs)));
  });
  model.dispose();
}

/** Reads what writeTeacher wrote for a GCNII; the outputs go onto the engine each time they are requested. */
export function readTeacher(file: string, { model }: RunConfig, { shape }: Data): Teacher {
  const { tensors } = decodeSafetensors(readFileSync(file), file);
  const tensor = (name: string): tf.Tensor => {
    const { values, shape } = tensors.get(name)!;
    return tf.tensor(values as Float32Array, [...shape]);
  };
  return {
    outline: modelShapes(model, shape).outline,
    outputs: () =>
      stackedOutputs(tensor("logits") as tf.Tensor2D, tensor("maps") as tf.Tensor3D, reluDropout),
  };
}
