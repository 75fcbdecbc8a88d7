// Reads PyTorch Geometric's weights by its own names, as a model of a kind that we have.
import { existsSync } from "node:fs";
import path from "node:path";
import { shown } from "../base/arguments.ts";
import { readText } from "../base/files.ts";
import { isObject, JsonError, parseJson } from "../base/json.ts";
import { printable } from "../base/printable.ts";
import { denseRows } from "../datasets/import/dense.ts";
import { counted } from "../display/format.ts";
import { toFloat32 } from "../formats/arrays.ts";
import { BadFileError } from "../formats/errors.ts";
import type { ArraySource } from "../formats/npz.ts";
import type { GraphShape } from "../models/model.ts";
import { type ModelConfig, modelShapes } from "../models/registry.ts";
import { readRelations } from "../models/relational.ts";
import type { ModelFile } from "./model-file.ts";

/** Arrays of one of PyG's layers, by the ends of their names: our name, and whether it is outputs x inputs there. */
type Layer = Readonly<Record<string, readonly [ours: string, turned?: true]>>;

const LINEAR: Layer = { weight: ["weight", true], bias: ["bias"] };
const NORM: Layer = {
  weight: ["gain"],
  bias: ["shift"],
  running_mean: ["mean"],
  running_var: ["variance"],
};

interface Kind {
  readonly layer: Layer;
  /** Arrays that a layer may lack. */
  readonly optional?: Layer;
  /** How messages call the layer. */
  readonly name: string;
}

const LAYERS: Readonly<Record<string, Kind>> = {
  gcn: { layer: { "lin.weight": ["weight", true], bias: ["bias"] }, name: "GCNConv" },
  sage: {
    layer: {
      "lin_l.weight": ["weight", true],
      "lin_l.bias": ["bias"],
      "lin_r.weight": ["root", true],
    },
    name: "SAGEConv",
  },
  gat: {
    layer: { "lin.weight": ["weight", true], att_src: ["source"], att_dst: ["target"] },
    optional: { bias: ["bias"], "res.weight": ["residual", true] },
    name: "GATConv",
  },
  rgcn: {
    layer: { weight: ["weight"], root: ["root"] },
    optional: { bias: ["bias"], comp: ["coefficients"] },
    name: "RGCNConv",
  },
  mlp: { layer: LINEAR, name: "Linear" },
  gcnii: { layer: { weight1: ["weight"] }, name: "GCN2Conv" },
};

/** An array of ours: where it is in the file. */
type Places = Map<string, { readonly name: string; readonly turned: boolean }>;

const ADVICE = "or give the teacher's outputs (--teacher-outputs, docs/teachers.md)";

/**
 * Makes a model of the arrays; layers are taken in the order of their names, with numbers as numbers.
 * @param shapeFor the graph's sizes that a kind of models depends on
 * @throws BadFileError for a note or arrays that make no model of a known kind
 */
export function readPygModel(
  file: string,
  arrays: ArraySource,
  shapeFor: (kind: string) => GraphShape,
): { readonly model: ModelConfig; readonly parameters: ModelFile["parameters"] } {
  const note = readNote(file);
  const shape = shapeFor(note.kind);
  const { layer, optional = {}, name: layerName } = LAYERS[note.kind]!;
  const fail = (why: string): never => {
    throw new BadFileError(file, why);
  };
  const modules = modulesIn(arrays.names);
  const called = [...modules.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const having = (needed: Layer, also: Layer = {}): string[] =>
    called.filter((name) => {
      const ends = modules.get(name)!;
      const isKnown = (end: string): boolean =>
        Object.hasOwn(needed, end) || Object.hasOwn(also, end);
      return Object.keys(needed).every((end) => ends.has(end)) && [...ends].every(isKnown);
    });
  const [own, norms] = [having(layer, optional), having(NORM)];
  const linear = note.kind === "gcnii" ? having(LINEAR) : [];
  const known = [...own, ...norms, ...linear];
  const other = called.find((name) => !known.includes(name));
  if (other !== undefined) {
    const ends = [...modules.get(other)!].join(", ");
    const legal = [layerName, ...(note.kind === "gcnii" ? ["Linear"] : ["BatchNorm"])];
    fail(
      `"${printable(other)}" has ${printable(ends)}: no ${legal.join(" or ")}; remove it, ${ADVICE}`,
    );
  }
  if (own.length === 0) fail(`it has no ${layerName} (${Object.keys(layer).join(", ")})`);
  const places: Places = new Map();
  const place = (ours: string, module: string, ends: Layer): void => {
    for (const [end, [part, turned = false]] of Object.entries(ends)) {
      if (!modules.get(module)!.has(end)) continue;
      const name = module === "" ? end : `${module}.${end}`;
      places.set(`${ours}.${part}`, { name, turned });
    }
  };
  const shapeOf = (name: string): readonly number[] => arrays.array(name).shape;
  let model: object;
  if (note.kind === "gcnii") {
    if (linear.length !== 2) fail(`it has ${linear.length} Linear layers; GCNII has 2`);
    const [width = 0] = shapeOf(joined(own[0]!, "weight1"));
    const reads = (module: string, inputs: number): boolean =>
      shapeOf(joined(module, "weight"))[1] === inputs;
    // By shape, because "lin_in" and "lin_out" have no order that is known.
    const turned = !(reads(linear[0]!, shape.features) && reads(linear[1]!, width));
    const [input, output] = turned ? linear.toReversed() : linear;
    place("input", input!, LINEAR);
    place("output", output!, LINEAR);
    for (const [l, module] of own.entries()) place(`convolution.${l}`, module, layer);
    const { alpha, theta } = note;
    model = { kind: "gcnii", layers: own.length, width, alpha, lambda: theta, dropout: 0 };
  } else {
    if (norms.length !== 0 && norms.length !== own.length - 1) {
      fail(
        `${norms.length} BatchNorm for ${own.length} layers; here all but the last have one, or none`,
      );
    }
    const [width = 0] = shapeOf(joined(own[0]!, Object.keys(layer)[0]!));
    for (const [l, module] of own.entries()) place(`layer.${l}`, module, { ...layer, ...optional });
    for (const [l, module] of norms.entries()) place(`norm.${l}`, module, NORM);
    const batchNorm = norms.length > 0;
    model = { kind: note.kind, layers: own.length, width, dropout: 0, batchNorm };
    if (note.kind === "rgcn") {
      const sides = (end: string) =>
        own.map((module) => (modules.get(module)!.has(end) ? shapeOf(joined(module, end)) : []));
      model = { ...model, ...rgcnOptions(sides("weight"), sides("comp"), shape) };
    }
    if (note.kind === "gat") {
      const residual = own.map((module) => modules.get(module)!.has("res.weight"));
      if (new Set(residual).size > 1)
        fail(`some layers are residual and others are not; ${ADVICE}`);
      model = {
        ...model,
        ...gatOptions(shapeOf(joined(own[0]!, "att_src"))),
        residual: residual[0],
      };
    }
  }
  const shapes = modelShapes(model as ModelConfig, shape);
  const sizes = [...shapes.parameters, ...shapes.buffers];
  const parameters = new Map(sizes.map(([ours, size]) => [ours, read(ours, size)] as const));
  for (const ours of places.keys()) {
    // A bias before a normalisation, which our model has not: it moves the mean.
    if (parameters.has(ours)) continue;
    const mean = parameters.get(ours.replace(/^layer\.(\d+)\.bias$/, "norm.$1.mean"))!;
    const { values } = read(ours, mean.shape);
    for (let k = 0; k < values.length; k++) mean.values[k]! -= values[k]!;
  }
  return { model: model as ModelConfig, parameters };

  function read(ours: string, size: readonly number[]) {
    const found = places.get(ours);
    // A layer made without a bias.
    if (!found) return { shape: size, values: new Float32Array(size.reduce((a, b) => a * b)) };
    const { name, turned } = found;
    const [stored, where] = [arrays.array(name), arrays.where(name)];
    const array = { ...stored, shape: framed(stored.shape, size) };
    const wanted = turned ? size.toReversed() : size;
    if (array.shape.join() !== wanted.join()) {
      const relations = note.kind === "rgcn" && (shape.relational?.relations.length ?? 1);
      const all =
        `${shape.features} features and ${shape.classes} classes` +
        (relations ? ` in ${counted(relations, "relation")}, each with its inverse` : "");
      const fault = `shape (${array.shape.join(", ")}), but this ${note.kind} needs (${wanted.join(", ")})`;
      throw new BadFileError(
        where,
        `${fault}: the graph has ${all}, and hidden layers one width; ${ADVICE}`,
      );
    }
    if (size.length === 1) return { shape: size, values: toFloat32(array, where) };
    if (array.fortranOrder && array.shape.length > 2) {
      throw new BadFileError(where, "it is in Fortran order; save numpy.ascontiguousarray of it");
    }
    // Matrices one below the other.
    const rows = {
      ...array,
      shape: [array.shape.slice(0, -1).reduce((a, b) => a * b), array.shape.at(-1)!],
    };
    const { values } = denseRows(rows, where);
    return {
      shape: size,
      values: turned ? transposed(values, wanted as [number, number]) : values,
    };
  }
}

/** PyG's attention vectors are 1 x heads x width; its RGCN has one root, ours one for each type. */
function framed(shape: readonly number[], wanted: readonly number[]): readonly number[] {
  if (shape.length === wanted.length + 1 && shape[0] === 1) return shape.slice(1);
  return wanted[0] === 1 && shape.length === wanted.length - 1 ? [1, ...shape] : shape;
}

/**
 * @param weights of each layer, relations (or bases) x inputs x outputs
 * @param coefficients of each layer, relations x bases; empty without bases
 */
function rgcnOptions(
  weights: readonly (readonly number[])[],
  coefficients: readonly (readonly number[])[],
  { relational }: GraphShape,
): object {
  const [count = 0, , width = 0] = weights[0]!;
  const [read, bases = 0] = coefficients[0]!;
  const both = readRelations(relational?.relations ?? [], true).length;
  const undirected = relational !== undefined && (read ?? count) === both;
  return { width, bases, undirected, start: "glorot" };
}

/** @param vectors 1 x heads x width */
function gatOptions([, heads = 0, width = 0]: readonly number[]): object {
  return {
    width,
    heads,
    inputDropout: 0,
    edgeDropout: 0,
    destination: true,
    symmetric: false,
    start: "uniform",
  };
}

const joined = (module: string, end: string): string => (module === "" ? end : `${module}.${end}`);

function transposed(values: Float32Array, [rows, columns]: [number, number]): Float32Array {
  const out = new Float32Array(values.length);
  for (let k = 0; k < out.length; k++)
    out[(k % columns) * rows + Math.floor(k / columns)] = values[k]!;
  return out;
}

const ENDS = Object.values(LAYERS)
  .flatMap(({ layer, optional = {} }) => [layer, optional, NORM])
  .flatMap(Object.keys);

/** The ends of the arrays' names by what stands before them. BatchNorm's count of steps says nothing. */
function modulesIn(names: readonly string[]): Map<string, Set<string>> {
  const modules = new Map<string, Set<string>>();
  // The longest first: "lin.weight" ends in "weight" too.
  const ends = [...new Set(ENDS)].sort((a, b) => b.length - a.length);
  for (const name of names.filter((name) => !isCount(name))) {
    const end =
      ends.find((end) => name === end || name.endsWith(`.${end}`)) ?? name.split(".").at(-1)!;
    const module = name.slice(0, Math.max(0, name.length - end.length - 1));
    modules.set(module, (modules.get(module) ?? new Set()).add(end));
  }
  return modules;
}

/** Whether an array only counts BatchNorm's steps. */
export const isCount = (name: string): boolean => /(^|\.)num_batches_tracked$/.test(name);

interface Note {
  readonly kind: string;
  readonly alpha?: number;
  readonly theta?: number;
}

/** Reads what weights cannot say, from the JSON beside them. */
function readNote(file: string): Note {
  const { dir, name } = path.parse(file);
  const beside = path.join(dir, `${name}.json`);
  const kinds = Object.keys(LAYERS).join(", ");
  if (!existsSync(beside)) {
    const example = '{ "kind": "gcn" }';
    throw new BadFileError(
      file,
      `${name}.json must be beside it, such as ${example}; kinds: ${kinds}`,
    );
  }
  let note: unknown;
  try {
    note = parseJson(readText(beside));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new BadFileError(beside, error.message);
  }
  if (!isObject(note)) throw new BadFileError(beside, 'it is no object such as { "kind": "gcn" }');
  const legal: Readonly<Record<string, (value: unknown) => string | undefined>> = {
    kind: (kind) => (typeof kind === "string" && Object.hasOwn(LAYERS, kind) ? undefined : kinds),
    activation: (value) => (value === "relu" ? undefined : `"relu", ${ADVICE}`),
    norm: (value) =>
      value === null || value === "batch_norm" ? undefined : `"batch_norm", null, ${ADVICE}`,
    alpha: (value) => (isReal(value) && value <= 1 ? undefined : "from 0 to 1"),
    theta: (value) => (isReal(value) ? undefined : "a number, 0 or more"),
  };
  const needed = note["kind"] === "gcnii" ? ["kind", "alpha", "theta"] : ["kind"];
  for (const key of new Set([...needed, ...Object.keys(note)])) {
    const check = Object.hasOwn(legal, key) ? legal[key]! : undefined;
    if (!check) {
      const known = Object.keys(legal).join(", ");
      throw new BadFileError(beside, `unknown key "${printable(key)}"; legal: ${known}`);
    }
    const words = check(note[key]);
    if (words !== undefined) {
      throw new BadFileError(beside, `"${key}" is ${shown(note[key])}; legal: ${words}`);
    }
  }
  return note as unknown as Note;
}

const isReal = (value: unknown): value is number => typeof value === "number" && value >= 0;
