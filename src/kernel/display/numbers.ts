// Numbers and typed arrays as text, reading no more of them than is shown.
import { types } from "node:util";

/** Returns the shortest text of a 32-bit float: 0.1 instead of 0.10000000149011612. */
export function shortFloat32(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

/** Prints a number with at most six significant digits; integers in full. */
export function sixDigits(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

type Numbers = NodeJS.TypedArray<ArrayBufferLike>;

/** Whether a value is a typed array but not a Buffer, which Node already shows well. */
export function isNumbers(value: unknown): value is Numbers {
  return types.isTypedArray(value) && !Buffer.isBuffer(value);
}

const tag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
);

const WIDTH = 88;
const WHOLE = 100;
const FIRST = 20;
/** Scanning this many numbers takes milliseconds. */
const CHEAP = 2_000_000;

/** Prints a typed array: type, length, and its values or the first ones with the range of all. */
export function typedArrayText(array: Numbers): string {
  const shown = valuesOf(array, array.length > WHOLE ? FIRST : WHOLE);
  if (array.length <= WHOLE) {
    return `${headOf(array)} [${wrap(shown)}]`;
  }
  const more = `... ${count(array.length - FIRST)} more`;
  return [`${headOf(array)} [${wrap([...shown, more])}]`, ...rangeOf(array)].join("\n");
}

/** Describes a typed array inside another value, in one line. */
export function typedArrayLine(array: Numbers): string {
  const shown = valuesOf(array, 8);
  if (array.length > shown.length) shown.push(`... ${count(array.length - shown.length)} more`);
  return `${headOf(array)} [${shown.length > 0 ? ` ${shown.join(", ")} ` : ""}]`;
}

/** Prints 12345 as 12,345. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Prints items on one line if they fit, otherwise on indented lines of about one width. */
export function wrap(items: readonly string[], width = WIDTH): string {
  if (items.length === 0) return "";
  const line = items.join(", ");
  if (line.length <= width - 20) return ` ${line} `;
  return `\n${fill(items, width)
    .map((each) => `  ${each}`)
    .join("\n")}\n`;
}

/** Puts items on as few lines as possible, with a comma after each line but the last. */
export function fill(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let last: string | undefined;
  for (const item of items) {
    if (last !== undefined && last.length + item.length + 4 > width) {
      lines.push(`${last},`);
      last = undefined;
    }
    last = last === undefined ? item : `${last}, ${item}`;
  }
  return last === undefined ? lines : [...lines, last];
}

function headOf(array: Numbers): string {
  return `${tag?.get?.call(array)}(${array.length})`;
}

function valuesOf(array: Numbers, most: number): string[] {
  const short = types.isFloat32Array(array) ? shortFloat32 : String;
  return Array.from(array.subarray(0, most) as ArrayLike<number | bigint>, (value) =>
    typeof value === "bigint" ? `${value}n` : short(value),
  );
}

function rangeOf(array: Numbers): string[] {
  if (array.length > CHEAP || types.isBigInt64Array(array) || types.isBigUint64Array(array)) {
    return [];
  }
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let missing = 0;
  for (let i = 0; i < array.length; i++) {
    const value = array[i] as number;
    if (value < min) min = value;
    if (value > max) max = value;
    if (Number.isNaN(value)) missing++;
  }
  const short = types.isFloat32Array(array) ? shortFloat32 : String;
  const range = missing < array.length ? [`min ${short(min)}, max ${short(max)}`] : [];
  return [[...range, ...(missing > 0 ? [`${count(missing)} NaN`] : [])].join(", ")];
}
