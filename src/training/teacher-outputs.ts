// Outputs of teachers that were not trained here: checked, fingerprinted, and known by that in configurations.
import { createHash } from "node:crypto";
import { checkKeys, needObject, refuse } from "../base/arguments.ts";
import { canonicalJson } from "../base/canonical.ts";
import { OptionError, UserError } from "../base/errors.ts";
import { counted, grouped } from "../display/format.ts";
import { hiddenMap, type KnownOutputs, type OutputMap } from "../distillation/given-teacher.ts";
import { InputError, itemCount, itemName } from "../graph/check.ts";
import type { Graph } from "../graph/graph.ts";
import type { RunConfig, TeacherOutputsConfig } from "./run.ts";
import { digestedFile, readTeacherFile, type TeacherFile } from "./teacher-files.ts";

/** A matrix: rows of numbers, a flat array with its shape, or a tensor. */
export type GivenMatrix =
  | readonly ArrayLike<number>[]
  | { readonly shape: readonly number[]; readonly values: ArrayLike<number> }
  | { readonly shape: readonly number[]; dataSync(): ArrayLike<number> };

/** What a teacher gives in inference, its rows in the graph's order; each part is optional. */
export interface GivenOutputs {
  /** items x classes, before any softmax. */
  readonly logits?: GivenMatrix;
  /** What the last layer reads, after the activation, nodes x width; by default the last of `layers`. */
  readonly hidden?: GivenMatrix;
  /** Each layer's map from first to last, nodes x width each. */
  readonly layers?: readonly GivenMatrix[];
}

/** A teacher's outputs, loaded; plain data, so that it can be sent to a worker thread. */
export interface TeacherOutputs {
  /** What configurations hold. */
  readonly config: TeacherOutputsConfig;
  readonly outputs: KnownOutputs;
  /** The path or paths, for messages only. */
  readonly source: string;
  /** What they were read from; none for matrices that a program gives. */
  readonly files: readonly TeacherFile[];
  /** Trained scalars of the model; unknown for another program's outputs. */
  readonly parameters?: number;
  /** What each teacher was trained on, as far as that is known. */
  readonly trainedOn: readonly Pick<RunConfig, "dataset" | "split">[];
}

type Source = string | GivenOutputs | TeacherOutputs;

/** By fingerprints: a run's configuration names its outputs so. */
const loaded = new Map<string, TeacherOutputs>();

const LEGAL = "the path of a file or a folder, or { logits, hidden, layers }";

/**
 * Loads a teacher's outputs, for studentConfig() and distill(); runTrials() then finds them by their fingerprint.
 *
 *     const teacher = await loadTeacherOutputs("gat.npz");
 *     const config = studentConfig({ dataset: "cora", seed: 1 }, "softkd", teacher);
 *
 * @param source a path (an npz or safetensors file, or a folder of .npy files with `logits`, `hidden`, `layer.0`,
 *   `layer.1` ...), the matrices themselves, or several of these (also what this function or loadTeacher()
 *   returned): their teachers teach by the mean of their logits
 * @throws OptionError, BadFileError or InputError, naming the array, and row and column, for what no teacher can
 *   have given: NaN, probabilities in place of logits, rows of different counts
 */
export async function loadTeacherOutputs(
  source: Source | readonly Source[],
): Promise<TeacherOutputs> {
  const sources: readonly Source[] = Array.isArray(source) ? source : [source];
  if (sources.length === 0) throw new OptionError(`teacher's outputs: none; expected: ${LEGAL}`);
  const each: TeacherOutputs[] = [];
  for (const one of sources) each.push(await load(one));
  if (each.length === 1) return each[0]!;
  const mean = meanOf(each);
  loaded.set(keyOf(mean.config), mean);
  return mean;
}

const keyOf = ({ fingerprints }: TeacherOutputsConfig): string => fingerprints.join();

/** Returns the outputs that a configuration names; undefined if they are not loaded. */
export function outputsOf({ teacherOutputs }: RunConfig): TeacherOutputs | undefined {
  if (!teacherOutputs) return undefined;
  const found = loaded.get(keyOf(teacherOutputs));
  if (!found || canonicalJson(found.config) === canonicalJson(teacherOutputs)) return found;
  throw new OptionError(`${found.source}: its shapes are not those of the run's teacherOutputs`);
}

/**
 * Returns the teacher's outputs that a run distils; undefined if it distils none.
 * @throws UserError if they are not loaded
 */
export function neededOutputs(
  { teacherOutputs }: RunConfig,
  loaded: TeacherOutputs | undefined,
): KnownOutputs | undefined {
  if (!teacherOutputs || loaded) return loaded?.outputs;
  const names = teacherOutputs.fingerprints.join(" ");
  throw new UserError(
    `its teacher is known only by its outputs (fingerprint ${names}), which are not loaded: name their file ` +
      "(--teacher-outputs FILE; in a program loadTeacherOutputs(FILE))",
  );
}

/** Describes the shapes in a line. */
export function describeOutputs(teacher: TeacherOutputs): string {
  const legal = "a teacher's outputs, as returned by loadTeacherOutputs()";
  needObject(teacher, "describeOutputs: teacher", legal, "config", "outputs");
  const { config, outputs } = teacher;
  const { classes, hidden, widths, fingerprints } = config;
  const rows = [outputs.logits, outputs.hidden, ...outputs.layers].find((map) => map)!.shape[0];
  const parts = [
    classes !== undefined && `logits ${grouped(rows)} x ${classes}`,
    hidden !== undefined && `last hidden map ${hidden} wide`,
    widths.length > 0 && `${counted(widths.length, "layer")} (${widths.join(", ")})`,
  ].filter((part) => part !== false);
  const several = fingerprints.length > 1 ? `mean of ${fingerprints.length} teachers: ` : "";
  return `${several}${parts.join(", ")}; fingerprint ${fingerprints.join(" ")}`;
}

/** @throws InputError for outputs of another graph: rows that are not its items, other classes */
export function checkOutputsFit({ outputs, source }: TeacherOutputs, graph: Graph): void {
  const { logits, hidden, layers } = outputs;
  const [items, item] = [itemCount(graph), itemName(graph)];
  if (logits) fit(logits, "logits", items, item, graph.classes);
  if (hidden) fit(hidden, "hidden", graph.nodes, "node");
  for (const [k, map] of layers.entries()) fit(map, `layer.${k}`, graph.nodes, "node");

  function fit(map: OutputMap, part: string, count: number, what: string, width?: number): void {
    const [rows, columns] = map.shape;
    const fail = (why: string): never => {
      throw new InputError(`${source}: ${part} is ${rows} x ${columns}, ${why}`);
    };
    if (rows !== count) {
      const turned = columns === count && (width === undefined || rows === width);
      fail(
        turned
          ? `which is transposed: ${graph.name} has ${count} ${what}s, and each is a row`
          : `but ${graph.name} has ${count} ${what}s, and each is a row`,
      );
    }
    if (width !== undefined && columns !== width) {
      fail(`but ${graph.name} has ${width} classes, and each is a column`);
    }
  }
}

async function load(source: Source): Promise<TeacherOutputs> {
  if (typeof source === "string") {
    const known = await readTeacherFile(source);
    return teacherOf(known, { source, files: [await digestedFile(source)] });
  }
  if (typeof source === "object" && source !== null && "config" in source) return source;
  return teacherOf(fromArrays(source));
}

/**
 * Makes a teacher of its outputs.
 * @param about what else is known of it; without a source messages call it by its fingerprint
 * @throws InputError for outputs that are empty, or probabilities in place of logits
 */
export function teacherOf(
  read: KnownOutputs,
  about: Partial<Omit<TeacherOutputs, "config" | "outputs">> = {},
): TeacherOutputs {
  const { source, files = [], trainedOn = [], parameters } = about;
  const name = source ?? "the teacher's outputs";
  if (!read.logits && !read.hidden && read.layers.length === 0) {
    throw new InputError(`${name}: they are empty`);
  }
  const outputs = prepared(read);
  const { logits, layers, endsInLogits } = outputs;
  if (logits && isDistribution(logits)) {
    throw new InputError(
      `${name}: logits: each row sums to 1: these are probabilities; give what the softmax reads, or their logarithms`,
    );
  }
  const fingerprint = fingerprintOf(outputs);
  const hidden = hiddenMap(outputs);
  const config = {
    fingerprints: [fingerprint],
    ...(logits && { classes: logits.shape[1] }),
    ...(hidden && { hidden: hidden.shape[1] }),
    widths: layers.map(({ shape }) => shape[1]),
    ...(endsInLogits && { endsInLogits }),
  };
  const found = {
    config,
    outputs,
    source: source ?? `outputs ${fingerprint}`,
    files,
    trainedOn,
    ...(parameters !== undefined && { parameters }),
  };
  loaded.set(keyOf(config), found);
  return found;
}

/** Finds out whether the last layer's map is the logits, and lets worker threads share the numbers. */
function prepared(known: KnownOutputs): KnownOutputs {
  const [logits, hidden] = [
    known.logits && shared(known.logits),
    known.hidden && shared(known.hidden),
  ];
  const layers = known.layers.map(shared);
  const last = layers.at(-1);
  const ends =
    logits !== undefined &&
    last?.shape.join() === logits.shape.join() &&
    last.values.every((x, k) => x === logits.values[k]);
  return {
    ...(logits && { logits }),
    ...(hidden && { hidden }),
    layers,
    ...(ends && { endsInLogits: true }),
  };
}

function shared(map: OutputMap): OutputMap {
  const { shape, values } = map;
  if (values.buffer instanceof SharedArrayBuffer) return map;
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return { shape, values: copy };
}

function isDistribution({ shape: [rows, width], values }: OutputMap): boolean {
  if (width < 2) return false;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (const p of values.subarray(r * width, (r + 1) * width)) {
      if (p < 0) return false;
      sum += p;
    }
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

function fingerprintOf({ logits, hidden, layers }: KnownOutputs): string {
  const hash = createHash("sha256");
  const named = { logits, hidden, ...Object.fromEntries(layers.entries()) };
  for (const [name, map] of Object.entries(named)) {
    if (!map) continue;
    const { shape, values } = map;
    hash.update(`${name} ${shape.join(" ")}|`);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * The teachers' logits, averaged: softmax(mean / T) is then the normalised geometric mean of their distributions at
 * every temperature T. Their maps have no mean: the units of two networks correspond to nothing.
 */
function meanOf(each: readonly TeacherOutputs[]): TeacherOutputs {
  // In one order, so that the same files give the same bits however they are listed.
  const sorted = each.toSorted((a, b) => (keyOf(a.config) < keyOf(b.config) ? -1 : 1));
  const maps = sorted.map(({ outputs: { logits }, source }) => {
    if (logits) return logits;
    throw new InputError(
      `${source} has no logits, but several teachers teach by their logits' mean`,
    );
  });
  const { shape } = maps[0]!;
  for (const [k, map] of maps.entries()) {
    if (map.shape.join() === shape.join()) continue;
    const [a, b] = [sorted[0]!.source, sorted[k]!.source];
    throw new InputError(
      `${b}: logits are ${map.shape.join(" x ")}, but those of ${a} are ${shape.join(" x ")}`,
    );
  }
  const fingerprints = sorted.flatMap(({ config }) => config.fingerprints);
  const twice = fingerprints.findIndex((one, k) => one === fingerprints[k + 1]);
  if (twice >= 0) {
    const [a, b] = [sorted[twice]!.source, sorted[twice + 1]!.source];
    throw new InputError(`${a} and ${b} hold the same outputs: name each teacher once`);
  }
  const values = Float32Array.from(maps[0]!.values, (_, k) => {
    return maps.reduce((sum, map) => sum + map.values[k]!, 0) / maps.length;
  });
  return {
    config: { fingerprints, classes: shape[1], widths: [] },
    outputs: { logits: shared({ shape, values }), layers: [] },
    source: each.map(({ source }) => source).join(", "),
    files: each.flatMap(({ files }) => files),
    trainedOn: each.flatMap(({ trainedOn }) => trainedOn),
  };
}

function fromArrays(given: GivenOutputs): KnownOutputs {
  needObject(given, "a teacher's outputs", LEGAL);
  checkKeys(given, ["logits", "hidden", "layers"], "a teacher's outputs");
  const { logits, hidden, layers = [] } = given;
  if (!Array.isArray(layers)) refuse(layers, "a teacher's outputs: layers", "an array of matrices");
  return {
    ...(logits && { logits: matrix(logits, "logits") }),
    ...(hidden && { hidden: matrix(hidden, "hidden") }),
    layers: layers.map((map, k) => matrix(map, `layers[${k}]`)),
  };
}

function matrix(given: GivenMatrix, name: string): OutputMap {
  const what = `the teacher's outputs: ${name}`;
  needObject(given, what, "rows of numbers, { shape, values } or a tensor");
  const { shape, values } = flat(given, what);
  const [rows, width] = shape;
  if (shape.length !== 2 || !rows || !width || values.length !== rows * width) {
    throw new InputError(`${what}: ${values.length} numbers of shape (${shape}), not a matrix`);
  }
  const numbers = Float32Array.from(values);
  const wrong = numbers.findIndex((x) => !Number.isFinite(x));
  if (wrong < 0) return { shape: [rows, width], values: numbers };
  const place = `row ${Math.floor(wrong / width)}, column ${wrong % width}`;
  throw new InputError(`${what}: ${place} is ${values[wrong]}, not a finite float32`);
}

function flat(
  given: GivenMatrix,
  what: string,
): { readonly shape: readonly number[]; readonly values: ArrayLike<number> } {
  if ("dataSync" in given) return { shape: given.shape, values: given.dataSync() };
  if ("shape" in given) return given;
  const width = given[0]?.length ?? 0;
  const wrong = given.findIndex((row) => row?.length !== width);
  if (wrong >= 0) {
    throw new InputError(
      `${what}: row ${wrong} has ${given[wrong]?.length} numbers, row 0 ${width}`,
    );
  }
  return { shape: [given.length, width], values: given.flatMap((row) => Array.from(row)) };
}
