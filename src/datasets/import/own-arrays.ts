// Arrays by name, from npz, .npy and pickle files; what is packed in objects (scipy's matrices, dicts) is unpacked.
import { printable } from "../../base/printable.ts";
import { type RawArray, rawArray, toFloat32, toInt32 } from "../../formats/arrays.ts";
import { BadFileError } from "../../formats/errors.ts";
import { readMatlab } from "../../formats/matlab.ts";
import { npyTexts } from "../../formats/npy-text.ts";
import { type ArraySource, NpzFile, npyParts, parseNpy } from "../../formats/npz.ts";
import { unpickle } from "../../formats/pickle.ts";
import { asText, NdArray, type PickleValue, SparseObject } from "../../formats/pickle-values.ts";
import { type Csr, transpose } from "../../graph/csr.ts";
import { byRow, checkCsr, MAX_ENTRIES, MAX_SIDE } from "../sparse.ts";

/** An array of text. */
interface Texts {
  readonly shape: readonly number[];
  readonly texts: readonly string[];
}

interface Entry {
  readonly where: string;
  /** Reads the array; what it holds is not checked before. */
  read(): RawArray | Texts;
}

/** What a name of an object may begin with: `np.savez(file, graph)` calls it arr_0. */
const UNNAMED = "arr_0";

export class OwnArrays implements ArraySource {
  /** The file or folder. */
  readonly file: string;
  readonly #words: ReadonlySet<string>;
  readonly #entries = new Map<string, Entry>();
  #matlab = false;

  /** @param words names, in lower case, of arrays that are wanted: objects by other names are not unpacked */
  constructor(file: string, words: ReadonlySet<string>) {
    this.file = file;
    this.#words = words;
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Whether some of the wanted arrays are there: others say nothing of a graph. */
  get isGraph(): boolean {
    const beginning = (name: string): string =>
      name.replace(/[._](indptr|indices|data|shape)$/, "");
    return this.names.some((name) => this.#words.has(beginning(name.toLowerCase())));
  }

  /** Whether they are of MATLAB, which counts from 1. */
  get isMatlab(): boolean {
    return this.#matlab;
  }

  where(name: string): string {
    return this.#entries.get(name)?.where ?? this.file;
  }

  array(name: string): RawArray {
    const found = this.#read(name);
    if (!("texts" in found)) return found;
    throw new BadFileError(this.where(name), "text, where numbers are expected");
  }

  /** The texts of an array of text, in storage order; undefined for one of numbers. */
  texts(name: string): Texts | undefined {
    const found = this.#read(name);
    return "texts" in found ? found : undefined;
  }

  #read(name: string): RawArray | Texts {
    const entry = this.#entries.get(name);
    if (entry) return entry.read();
    throw new BadFileError(this.file, `it has no array ${printable(name)}`);
  }

  /** Adds the members of an archive; those of scipy's save_npz() as `stem_indptr` and so on. */
  addNpz(bytes: Buffer, file: string, stem = ""): void {
    const npz = new NpzFile(bytes, file);
    const { names } = npz;
    if (stem !== "" && names.includes("format") && names.includes("shape")) {
      if (this.#words.has(stem.toLowerCase())) this.#addSaved(stem, npz);
      return;
    }
    for (const name of names) this.addNpy(name, npz.where(name), () => npz.bytes(name));
  }

  addNpy(name: string, where: string, bytes: () => Uint8Array): void {
    const word = name.toLowerCase();
    if (!this.#words.has(word) && word !== UNNAMED) {
      this.#entries.set(name, { where, read: () => numbersOrTexts(bytes(), where) });
      return;
    }
    const whole = bytes();
    const { type, data } = npyParts(whole, where);
    if (/^[|<>=]?O8?$/.test(type)) this.addObject(name, where, unpickle(data, where));
    else this.#entries.set(name, { where, read: () => numbersOrTexts(whole, where) });
  }

  /** Adds the arrays of a MAT-file. */
  addMatlab(bytes: Buffer, file: string): void {
    this.#matlab = true;
    for (const array of readMatlab(bytes, file)) {
      const where = `${file}: ${printable(array.name)}`;
      if ("dense" in array) this.addArray(array.name, where, array.dense);
      else if (this.#words.has(array.name.toLowerCase())) {
        this.#addMatrix(`${array.name}_`, where, "csc", array.shape, array.columns);
      }
    }
  }

  addArray(name: string, where: string, array: RawArray | Texts): void {
    this.#entries.set(name, { where, read: () => array });
  }

  /** @param value a matrix of scipy, an array, a list, or a dict of these */
  addObject(name: string, where: string, value: PickleValue): void {
    if (value instanceof SparseObject) {
      const { form, shape, indptr, indices, data } = value;
      const parts = [indptr, indices, data].map((part) => rawArray(part, where));
      this.#addMatrix(`${name}.`, where, form, shape, parts as [RawArray, RawArray, RawArray]);
    } else if (value instanceof Map) {
      for (const [key, inner] of value) {
        const word = asText(typeof key === "number" ? String(key) : key) ?? "";
        // A dict in a dict is not a graph; a matrix has a name.
        if (inner instanceof Map || word === "") continue;
        this.addObject(word, `${where}: ${printable(word)}`, inner);
      }
    } else if (value instanceof NdArray && value.objects) {
      const { objects, shape } = value;
      if (shape.length === 0) this.addObject(name, where, objects[0]!);
      else this.#addList(name, where, objects, shape);
    } else if (value instanceof NdArray) {
      this.#entries.set(name, { where, read: () => rawArray(value, where) });
    } else if (Array.isArray(value)) {
      this.#addList(name, where, value, [value.length]);
    }
  }

  #addList(
    name: string,
    where: string,
    objects: readonly PickleValue[],
    shape: readonly number[],
  ): void {
    const read = (): RawArray | Texts => {
      if (objects.every((one) => typeof one === "number" || typeof one === "boolean")) {
        const bytes = new Uint8Array(Float64Array.from(objects, Number).buffer);
        return { shape, code: "f8", littleEndian: true, fortranOrder: false, bytes };
      }
      const rows = objects.findIndex((one) => Array.isArray(one) || one instanceof NdArray);
      if (rows >= 0) {
        const fault = `entry ${rows} is a list of its own: rows of different lengths are no matrix`;
        throw new BadFileError(where, `${fault}; save one array of numbers, a row for each node`);
      }
      const texts = objects.map((one, k) => {
        if (one === null || Number.isNaN(one)) return "";
        const text = typeof one === "string" ? one : asText(one);
        if (text !== null) return text;
        const what = typeof one === "number" ? `the number ${one} among texts` : "not a text";
        throw new BadFileError(where, `entry ${k} is ${what}`);
      });
      return { shape, texts };
    };
    this.#entries.set(name, { where, read });
  }

  #addSaved(stem: string, npz: NpzFile): void {
    const where = npz.where("format");
    const form = npyTexts(npyParts(npz.bytes("format"), where), where)?.[0];
    if (form !== "csr" && form !== "csc" && form !== "coo") {
      const found = printable(form ?? "?");
      throw new BadFileError(where, `a sparse matrix of the form "${found}"; save it as csr`);
    }
    const names = form === "coo" ? ["row", "col", "data"] : ["indptr", "indices", "data"];
    const shape = toInt32(npz.array("shape"), npz.where("shape"));
    const [first, second, data] = names.map((name) => npz.array(name));
    const sides = [shape[0] ?? 0, shape[1] ?? 0] as const;
    this.#addMatrix(`${stem}_`, npz.where(names[0]!), form, sides, [first!, second!, data!]);
  }

  #addMatrix(
    prefix: string,
    where: string,
    form: SparseObject["form"],
    shape: readonly [number, number],
    parts: readonly [RawArray, RawArray, RawArray],
  ): void {
    const [indptr, indices, data] = form === "csr" ? parts : rawCsr(form, shape, parts, where);
    const sides = raw(Int32Array.from(shape));
    for (const [name, array] of Object.entries({ indptr, indices, data, shape: sides })) {
      this.#entries.set(prefix + name, { where, read: () => array });
    }
  }
}

function numbersOrTexts(bytes: Uint8Array, where: string): RawArray | Texts {
  const parts = npyParts(bytes, where);
  const texts = npyTexts(parts, where);
  // datetime64 is a whole number of its unit.
  if (/^[<>]M8(\[\w+\])?$/.test(parts.type)) {
    const { type, data, shape, fortranOrder } = parts;
    const size = shape.reduce((product, side) => product * side, 8);
    if (size === data.length) {
      return { shape, code: "i8", littleEndian: type[0] === "<", fortranOrder, bytes: data };
    }
  }
  return texts ? { shape: parts.shape, texts } : parseNpy(bytes, where);
}

/** A matrix by columns or by entries, in rows. */
function rawCsr(
  form: "csc" | "coo",
  [rows, columns]: readonly [number, number],
  [first, second, values]: readonly [RawArray, RawArray, RawArray],
  where: string,
): [RawArray, RawArray, RawArray] {
  const count = second.shape[0] ?? 0;
  if (rows > MAX_SIDE || columns > MAX_SIDE || count > MAX_ENTRIES) {
    const size = `a matrix of ${rows} x ${columns} with ${count} entries`;
    throw new BadFileError(where, `${size}; at most ${MAX_SIDE} a side, ${MAX_ENTRIES} entries`);
  }
  const [starts, places] = [toInt32(first, where), toInt32(second, where)];
  const data = toFloat32(values, where);
  if (data.length !== places.length) {
    throw new BadFileError(where, `${data.length} values for ${places.length} places`);
  }
  let matrix: Csr;
  if (form === "csc") {
    const turned = { rows: columns, columns: rows, indptr: starts, indices: places, values: data };
    checkCsr(turned, where);
    matrix = transpose(turned).matrix;
  } else {
    for (const [list, side] of [[starts, rows] as const, [places, columns] as const]) {
      const wrong = list.findIndex((place) => place < 0 || place >= side);
      if (wrong < 0 && list.length === data.length) continue;
      const fault = wrong < 0 ? `${list.length} places` : `entry ${wrong} is at ${list[wrong]}`;
      throw new BadFileError(where, `${fault} in a matrix of ${rows} x ${columns}`);
    }
    matrix = byRow(rows, columns, starts, places, data);
  }
  return [raw(matrix.indptr), raw(matrix.indices), raw(matrix.values!)];
}

function raw(values: Int32Array | Float32Array): RawArray {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const code = values instanceof Int32Array ? "i4" : "f4";
  return { shape: [values.length], code, littleEndian: true, fortranOrder: false, bytes };
}
