// tfjs tensors as numpy prints arrays: shape, type and values, reading no more values than are shown.
import { types } from "node:util";
import { count, shortFloat32, sixDigits } from "./numbers.ts";

/** The parts of a tfjs Tensor or Variable that a view needs. */
export interface TensorLike {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly isDisposed?: boolean;
  readonly name?: string;
  readonly trainable?: boolean;
  dataSync(): ArrayLike<number | string>;
  slice?(begin: number[], size: number[]): TensorLike;
  dispose?(): void;
}

export function isTensor(value: unknown): value is TensorLike {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  // This check runs no getter of other objects.
  if (typeof Object.getOwnPropertyDescriptor(value, "dtype")?.value !== "string") return false;
  const { shape, dataSync } = value as Partial<TensorLike>;
  if (typeof dataSync !== "function") return false;
  return Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size >= 0);
}

/** Larger tensors are not read as a whole. */
const WHOLE = 1000;
const LINES = 36;
const WIDTH = 88;

/** Prints a tensor: its type and shape, then its values, with "..." for the middle of long axes. */
export function tensorText(tensor: TensorLike): string {
  const head = headOf(tensor);
  if (tensor.isDisposed) return `${head} (disposed)`;
  const size = tensor.shape.reduce((product, dimension) => product * dimension, 1);
  try {
    if (size === 0) return `${head} []`;
    if (tensor.shape.length === 0) return `${head} ${readAll(tensor)[0]}`;
    if (size <= WHOLE) {
      const values = readAll(tensor);
      const whole = print(values, tensor.shape, tensor.shape);
      if (whole.length <= LINES) return [head, ...whole].join("\n");
      const kept = keptOf(tensor.shape);
      return [head, ...print(pick(values, tensor.shape, kept), kept, tensor.shape)].join("\n");
    }
    if (typeof tensor.slice !== "function") return `${head} (${count(size)} values)`;
    const kept = keptOf(tensor.shape);
    return [head, ...print(readEdges(tensor, kept), kept, tensor.shape)].join("\n");
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "unknown error";
    return `${head} (its values cannot be read: ${reason})`;
  }
}

/** Describes a tensor inside another value, in one line. */
export function tensorLine(tensor: TensorLike): string {
  const head = headOf(tensor);
  if (tensor.isDisposed) return `${head} (disposed)`;
  try {
    return tensor.shape.length === 0 ? `${head} ${readAll(tensor)[0]}` : head;
  } catch {
    return head;
  }
}

function headOf(tensor: TensorLike): string {
  const { dtype, shape, trainable, name } = tensor;
  const type = `${dtype} [${shape.join(", ")}]`;
  if (typeof trainable !== "boolean") return `Tensor ${type}`;
  return `Variable ${JSON.stringify(String(name))} ${type}${trainable ? "" : " (not trainable)"}`;
}

/** Reads all values as texts. */
function readAll(tensor: TensorLike): string[] {
  const { dtype } = tensor;
  const data = tensor.dataSync();
  if (dtype === "complex64") {
    return Array.from({ length: data.length / 2 }, (_, i) => {
      const [real, imaginary] = [data[2 * i] as number, data[2 * i + 1] as number];
      return `${sixDigits(real)}${imaginary < 0 ? "-" : "+"}${sixDigits(Math.abs(imaginary))}i`;
    });
  }
  const scalar = tensor.shape.length === 0;
  return Array.from(data, (value) => {
    if (typeof value === "string") return shortString(value);
    if (dtype === "bool") return String(Boolean(value));
    return scalar ? shortFloat32(value) : sixDigits(value);
  });
}

function shortString(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
}

/** Returns how many indices of each axis are shown; an even number where the middle is left out. */
function keptOf(shape: readonly number[]): number[] {
  for (const edge of [3, 2, 1]) {
    const kept = shape.map((size) => (size > 2 * edge + 1 ? 2 * edge : size));
    const rows = kept.slice(0, -1).reduce((product, size) => product * (size + 1), 1);
    if (rows <= LINES || edge === 1) return kept;
  }
  return [...shape];
}

/** Returns the values at the kept indices, in order. */
function pick(values: readonly string[], shape: readonly number[], kept: readonly number[]) {
  let offsets = [0];
  for (const [axis, size] of shape.entries()) {
    const shown = kept[axis]!;
    const indices = Array.from({ length: shown }, (_, i) =>
      shown === size || i < shown / 2 ? i : size - shown + i,
    );
    offsets = offsets.flatMap((offset) => indices.map((index) => offset * size + index));
  }
  return offsets.map((offset) => values[offset]!);
}

/** Reads the values at the kept indices as one small slice for each corner of the tensor. */
function readEdges(tensor: TensorLike, kept: readonly number[]): string[] {
  const { shape } = tensor;
  const values: string[] = [];
  const corners = shape.map((size, axis) =>
    kept[axis] === size ? [{ at: 0, from: 0, size }] : halves(size, kept[axis]! / 2),
  );
  const visit = (axis: number, chosen: { at: number; from: number; size: number }[]) => {
    const options = corners[axis];
    if (options) {
      for (const option of options) visit(axis + 1, [...chosen, option]);
      return;
    }
    const slice = tensor.slice!(
      chosen.map(({ from }) => from),
      chosen.map(({ size }) => size),
    );
    try {
      for (const [i, value] of readAll(slice).entries()) {
        let [rest, place, stride] = [i, 0, 1];
        for (let a = shape.length - 1; a >= 0; a--) {
          const { at, size } = chosen[a]!;
          place += (at + (rest % size)) * stride;
          rest = Math.floor(rest / size);
          stride *= kept[a]!;
        }
        values[place] = value;
      }
    } finally {
      slice.dispose?.();
    }
  };
  visit(0, []);
  return values;
}

function halves(size: number, edge: number) {
  return [
    { at: 0, from: 0, size: edge },
    { at: edge, from: size - edge, size: edge },
  ];
}

/** Prints nested brackets with aligned values, one row per line. */
function print(values: readonly string[], kept: readonly number[], shape: readonly number[]) {
  const width = values.reduce((widest, value) => Math.max(widest, value.length), 0);
  const visit = (axis: number, offset: number): string[] => {
    const shown = kept[axis]!;
    const middle = shown === shape[axis] ? -1 : shown / 2;
    if (axis === kept.length - 1) {
      const row = values.slice(offset, offset + shown).map((value) => value.padStart(width));
      if (middle > 0) row.splice(middle, 0, "...");
      return rowLines(row);
    }
    const stride = kept.slice(axis + 1).reduce((product, size) => product * size, 1);
    const lines: string[] = [];
    for (let i = 0; i < shown; i++) {
      if (i === middle) lines.push(" ...,");
      const inner = visit(axis + 1, offset + i * stride).map((line) => ` ${line}`);
      if (i < shown - 1) inner[inner.length - 1] += ",";
      lines.push(...inner);
    }
    lines[0] = `[${lines[0]!.slice(1)}`;
    lines[lines.length - 1] += "]";
    return lines;
  };
  return visit(0, 0);
}

function rowLines(row: readonly string[]): string[] {
  const lines: string[] = [];
  for (const value of row) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + value.length + 2 < WIDTH) {
      lines[lines.length - 1] = `${last}, ${value}`;
    } else {
      if (last !== undefined) lines[lines.length - 1] = `${last},`;
      lines.push(last === undefined ? `[${value}` : ` ${value}`);
    }
  }
  lines[lines.length - 1] += "]";
  return lines;
}
