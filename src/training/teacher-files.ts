// Reads a teacher's outputs as another program wrote them: an npz or safetensors file, or a folder of .npy files.
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { OptionError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { sha256 } from "../base/sha256.ts";
import { denseRows } from "../datasets/import/dense.ts";
import { readOwn } from "../datasets/import/found.ts";
import { OwnArrays } from "../datasets/import/own-arrays.ts";
import type { KnownOutputs, OutputMap } from "../distillation/given-teacher.ts";
import { BadFileError } from "../formats/errors.ts";
import { type ArraySource, NpzFile, parseNpy } from "../formats/npz.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { isCount } from "./pyg-weights.ts";

const PICKLED = /\.(pt|pth|ckpt|bin|pkl|pickle)$/i;
const LAYER = /^layer[._-]?(\d{1,4})$/i;
/** Whether an array is one of a teacher's outputs, by its name. */
export const isOutput = (name: string): boolean =>
  name === "logits" || name === "hidden" || LAYER.test(name);
const LEGAL = "logits, hidden, layer.0, layer.1 ...";

/**
 * Reads `logits`, `hidden` and `layer.0`, `layer.1` ..., each a matrix and each optional; numbers become float32.
 * @throws OptionError for a path that does not exist; BadFileError naming the array, and row and column
 */
export async function readTeacherFile(source: string): Promise<KnownOutputs> {
  const arrays = await arraysIn(source);
  if (arrays.names.length === 0) throw new BadFileError(source, `it has no arrays (${LEGAL})`);
  const layers = new Map<number, string>();
  for (const name of arrays.names) {
    const layer = LAYER.exec(name)?.[1];
    if (layer !== undefined) {
      const twin = layers.get(Number(layer));
      if (twin !== undefined) throw new BadFileError(source, `both ${twin} and ${name} are there`);
      layers.set(Number(layer), name);
    } else if (!isOutput(name)) {
      throw new BadFileError(
        source,
        `an unknown array "${printable(name)}"; legal: ${LEGAL}; a model's weights are named by --teacher`,
      );
    }
  }
  const read = (name: string): OutputMap => {
    return denseRows(arrays.array(name), arrays.where(name));
  };
  const sorted = [...layers.keys()].sort((a, b) => a - b);
  const gap = sorted.findIndex((number, k) => k > 0 && number !== sorted[k - 1]! + 1);
  if (gap > 0) {
    const [before, after] = [layers.get(sorted[gap - 1]!)!, layers.get(sorted[gap]!)!];
    const fault = `layers are missing between ${before} and ${after}`;
    throw new BadFileError(source, `${fault}; number those that you give without a gap`);
  }
  return {
    ...(arrays.names.includes("logits") && { logits: read("logits") }),
    ...(arrays.names.includes("hidden") && { hidden: read("hidden") }),
    layers: sorted.map((number) => read(layers.get(number)!)),
  };
}

/** A file that a teacher was read from. */
export interface TeacherFile {
  readonly path: string;
  /** Of its bytes, 64 hex digits; absent for a folder. */
  readonly sha256?: string;
}

/** Names a teacher's file with its digest. @throws BadFileError for one that cannot be read */
export async function digestedFile(source: string): Promise<TeacherFile> {
  if (statSync(source).isDirectory()) return { path: source };
  return { path: source, sha256: sha256(await readOwn(source)) };
}

/** Arrays of a file, and whether it has a model's configuration, as one of abkd's form. */
interface FileArrays extends ArraySource {
  readonly hasConfig?: boolean;
}

/** @throws OptionError for a path that does not exist; BadFileError, FormatError for a file of no known form */
export async function arraysIn(source: string): Promise<FileArrays> {
  if (!existsSync(source)) throw new OptionError(`${source}: no such file or folder`);
  if (statSync(source).isDirectory()) {
    const arrays = new OwnArrays(source, new Set());
    for (const name of (await readdir(source)).sort()) {
      if (!name.endsWith(".npy")) continue;
      const file = path.join(source, name);
      const bytes = await readOwn(file);
      arrays.addNpy(path.parse(name).name, file, () => bytes);
    }
    return arrays;
  }
  const bytes = await readOwn(source);
  if (PICKLED.test(source)) {
    throw new BadFileError(
      source,
      "nothing is unpickled; save the arrays by numpy.savez or safetensors (docs/teachers.md)",
    );
  }
  if (bytes.toString("latin1", 0, 2) === "PK") {
    const npz = new NpzFile(bytes, source);
    return {
      names: npz.names,
      where: (name) => npz.where(name),
      array: (name) => npz.array(name),
      hasConfig: npz.names.includes("metadata"),
    };
  }
  if (bytes.toString("latin1", 1, 6) === "NUMPY") {
    const where = (): string => source;
    return { names: ["logits"], where, array: () => parseNpy(bytes, source) };
  }
  return tensorsIn(bytes, source);
}

function tensorsIn(bytes: Buffer, source: string): FileArrays {
  const { tensors, metadata, bytes: small } = decodeSafetensors(bytes, source, isCount, true);
  const [code] = small.keys();
  if (code !== undefined && metadata["config"] === undefined) {
    throw new BadFileError(source, `the array "${code}" is of bytes; floats are read`);
  }
  return {
    hasConfig: metadata["config"] !== undefined,
    names: [...tensors.keys()],
    where: (name) => `${source}: ${name}`,
    array(name) {
      const { shape, values } = tensors.get(name)!;
      const { buffer, byteOffset, byteLength } = values;
      return {
        shape,
        code: values instanceof Float64Array ? "f8" : "f4",
        littleEndian: true,
        fortranOrder: false,
        bytes: new Uint8Array(buffer, byteOffset, byteLength),
      };
    },
  };
}
