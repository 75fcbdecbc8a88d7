// Turns number arrays as stored in files (numpy's types, either byte order) into typed arrays.
import { BadFileError } from "./errors.ts";
import type { NdArray } from "./pickle-values.ts";

/** An array of numbers that is still in its file's bytes. */
export interface RawArray {
  readonly shape: readonly number[];
  /** Kind and bytes per item: b1, i1..i8, u1..u8, f2, f4, f8. */
  readonly code: string;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly bytes: Uint8Array;
}

/** Returns the raw form of a pickled ndarray. */
export function rawArray(array: NdArray | null, file: string): RawArray {
  if (array?.objects) throw new BadFileError(file, "an array of objects, not of numbers");
  if (!array?.dtype || !array.bytes) throw new BadFileError(file, "an ndarray was never filled");
  const { shape, fortranOrder, bytes, dtype } = array;
  return { shape, fortranOrder, bytes, code: dtype.code, littleEndian: dtype.littleEndian };
}

/**
 * Reads whole numbers within int32, in storage order.
 *
 * @param where file and member, for messages.
 * @throws BadFileError for a floating-point type or a number outside int32.
 */
export function toInt32(array: RawArray, where: string): Int32Array {
  const values = typed(array);
  if (values instanceof Int32Array) return values;
  if (values instanceof Float32Array || values instanceof Float64Array) {
    throw new BadFileError(where, `whole numbers expected, type ${array.code} found`);
  }
  const unsigned = array.code === "u4" || array.code === "u8";
  if (values instanceof Uint32Array) {
    const words = array.code.endsWith("8") ? 2 : 1;
    const out = new Int32Array(values.length / words);
    for (let k = 0; k < out.length; k++) {
      const low = values[k * words]! | 0;
      const high = words === 2 ? values[2 * k + 1]! | 0 : 0;
      const fits = unsigned ? high === 0 && low >= 0 : high === low >> 31;
      if (!fits) throw new BadFileError(where, `entry ${k} lies outside the range of int32`);
      out[k] = low;
    }
    return out;
  }
  return Int32Array.from(values);
}

/**
 * Reads any numbers as float32, in storage order.
 *
 * @param entry how messages call the entry of that place in storage
 * @throws BadFileError for NaN, an infinity or a number beyond float32's range.
 */
export function toFloat32(
  array: RawArray,
  where: string,
  entry = (k: number): string => `entry ${k}`,
): Float32Array {
  const values = array.code.startsWith("f") ? typed(array) : toInt32(array, where);
  const out = values instanceof Float32Array ? values : Float32Array.from(values);
  for (let k = 0; k < out.length; k++) {
    if (!Number.isFinite(out[k]))
      throw new BadFileError(where, `${entry(k)} is not a finite number`);
  }
  return out;
}

/**
 * Reads any numbers as float64, in storage order; whole ones beyond 2^53 are rounded.
 * @throws BadFileError for NaN or an infinity
 */
export function toFloat64(array: RawArray, where: string): Float64Array {
  const values = typed(array);
  const out =
    /^[iu]8$/.test(array.code) && values instanceof Uint32Array
      ? Float64Array.from({ length: values.length / 2 }, (_, k) => {
          const high = values[2 * k + 1]!;
          return (array.code === "i8" ? high | 0 : high) * 2 ** 32 + values[2 * k]!;
        })
      : Float64Array.from(values);
  const wrong = out.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return out;
  throw new BadFileError(where, `entry ${wrong} is not a finite number`);
}

type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Makes an aligned copy; 8-byte integers become pairs of uint32, low word first. */
function typed({ bytes, code, littleEndian }: RawArray): Numbers {
  const itemSize = Number(code.slice(1));
  // Not bytes.slice(): on a Buffer it returns a view, which may be unaligned.
  const copy = Buffer.from(new Uint8Array(bytes).buffer);
  if (!littleEndian && itemSize === 2) copy.swap16();
  if (!littleEndian && itemSize === 4) copy.swap32();
  if (!littleEndian && itemSize === 8) copy.swap64();
  const buffer = copy.buffer;
  switch (code) {
    case "i1":
      return new Int8Array(buffer);
    case "b1":
    case "u1":
      return new Uint8Array(buffer);
    case "i2":
      return new Int16Array(buffer);
    case "u2":
      return new Uint16Array(buffer);
    case "i4":
      return new Int32Array(buffer);
    case "f2":
      return Float32Array.from(new Uint16Array(buffer), half);
    case "f4":
      return new Float32Array(buffer);
    case "f8":
      return new Float64Array(buffer);
    default:
      return new Uint32Array(buffer);
  }
}

/** The value of IEEE 754's half precision: a sign, 5 bits of exponent, 10 of fraction. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits >> 15 === 0 ? 1 : -1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
