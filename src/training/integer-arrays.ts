// The weights of a model of low precision as its file holds them: a byte each, or four bits.
import {
  type ByteArray,
  FormatError,
  type NamedArray,
  type WrittenArray,
} from "../formats/safetensors.ts";
import { type PrecisionConfig, precisionOf } from "../models/precision/precision.ts";
import { roundedNames, WEIGHT_RANGES } from "../models/precision/quantised.ts";
import { rangeAt } from "../models/precision/ranges.ts";
import { studentPrefix } from "../models/students.ts";
import { type Bits, codeRange, codesOf, type Grid, gridOf, valuesOf } from "../tensor/ops/grid.ts";

type Floats = NamedArray & { readonly values: Float32Array };

/** Makes two codes of four bits a byte, the first one low; each with 8 added. */
function packed(codes: Int8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / 2));
  for (const [k, code] of codes.entries()) bytes[k >> 1]! |= (code + 8) << (k % 2 === 0 ? 0 : 4);
  return bytes;
}

function unpacked(bytes: Uint8Array, count: number): Int8Array {
  return Int8Array.from({ length: count }, (_, k) => {
    return ((bytes[k >> 1]! >> (k % 2 === 0 ? 0 : 4)) & 15) - 8;
  });
}

/** Says how the arrays are to be read, for whoever reads a file without this library. */
export const CODES_TEXT =
  "Matrices are codes: I8, or U8 with two of four bits a byte, the first one low, 8 added to each. " +
  "W = scale (code - zero), where a = min(0, low), b = max(0, high), scale = (b - a) / (2^bits - 1), zero = " +
  "least - round(a / scale); ranges.weights has low and high for each matrix in the order of the parameters. " +
  "What matrices multiply is rounded likewise by ranges.maps, three rows a layer: what it reads, its messages, " +
  "what it multiplies after they have met. X and the matrix of the arcs: rows of -127 to 127. ";

/** The grids of one student's matrices, by name; of those whose range was set. */
function gridsOf(
  names: readonly string[],
  ranges: ArrayLike<number> | undefined,
  bits: Bits,
): Map<string, Grid> {
  const numbers = Float32Array.from(ranges ?? []);
  return new Map(
    names.flatMap((name, slot) => {
      const ends = rangeAt(numbers, slot);
      return ends ? [[name, gridOf(...ends, bits)] as const] : [];
    }),
  );
}

/**
 * Returns a model's arrays as its file holds them: matrices as codes, what else there is as float32.
 * @param parameters of all its students
 * @param shapes one student's parameters
 */
export function storedArrays(
  parameters: ReadonlyMap<string, Floats>,
  shapes: ReadonlyMap<string, readonly number[]>,
  precision: PrecisionConfig,
): Map<string, WrittenArray> {
  const stored = new Map<string, WrittenArray>(parameters);
  const { bits } = precisionOf(precision);
  const names = roundedNames(shapes);
  for (let student = 1; ; student++) {
    const prefix = studentPrefix(student);
    const ranges = parameters.get(prefix + WEIGHT_RANGES);
    if (!ranges) return stored;
    for (const [name, grid] of gridsOf(names, ranges.values, bits)) {
      const { shape, values } = parameters.get(prefix + name)!;
      const codes = codesOf(values, grid);
      const bytes = packed(codes);
      stored.set(
        prefix + name,
        bits === 8 ? { shape, values: codes } : { shape: [bytes.length], values: bytes },
      );
    }
  }
}

/**
 * Returns the numbers that a matrix's codes stand for.
 * @param file its name, for messages
 * @throws FormatError for codes of another form, or without a range
 */
export function floatsOf(
  stored: ByteArray,
  name: string,
  {
    shape,
    names,
    ranges,
    precision,
  }: {
    readonly shape: readonly number[];
    /** The rounded parameters', in order. */
    readonly names: readonly string[];
    readonly ranges: Float32Array;
    readonly precision: PrecisionConfig;
  },
  file: string,
): Floats {
  const { bits } = precisionOf(precision);
  const size = shape.reduce((product, side) => product * side, 1);
  const form = bits === 8 ? shape : [Math.ceil(size / 2)];
  const grid = gridsOf(names, ranges, bits).get(name);
  const [least] = codeRange(bits);
  const { values } = stored;
  const isRight = bits === 8 ? values instanceof Int8Array : values instanceof Uint8Array;
  if (!grid || !isRight || stored.shape.join() !== form.join()) {
    throw new FormatError(
      `${file} is damaged: ${name} should be [${form}] codes from ${least} with a range, and is not`,
    );
  }
  const codes = values instanceof Int8Array ? values : unpacked(values, size);
  return { shape, values: valuesOf(codes, grid) };
}
