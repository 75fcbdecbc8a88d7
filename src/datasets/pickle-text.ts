// Numbers and strings as the text forms of a pickle (protocol 0) write them.
import { printable } from "../printable.ts";
import { Refusal } from "./pickle-values.ts";

/** Names of the opcodes of protocols 0 to 2, for messages. */
export const OPCODES: Readonly<Record<number, string>> = {
  40: "MARK",
  41: "EMPTY_TUPLE",
  46: "STOP",
  48: "POP",
  49: "POP_MARK",
  50: "DUP",
  70: "FLOAT",
  71: "BINFLOAT",
  73: "INT",
  74: "BININT",
  75: "BININT1",
  76: "LONG",
  77: "BININT2",
  78: "NONE",
  80: "PERSID",
  81: "BINPERSID",
  82: "REDUCE",
  83: "STRING",
  84: "BINSTRING",
  85: "SHORT_BINSTRING",
  86: "UNICODE",
  88: "BINUNICODE",
  93: "EMPTY_LIST",
  97: "APPEND",
  98: "BUILD",
  99: "GLOBAL",
  100: "DICT",
  101: "APPENDS",
  103: "GET",
  104: "BINGET",
  105: "INST",
  106: "LONG_BINGET",
  108: "LIST",
  111: "OBJ",
  112: "PUT",
  113: "BINPUT",
  114: "LONG_BINPUT",
  115: "SETITEM",
  116: "TUPLE",
  117: "SETITEMS",
  125: "EMPTY_DICT",
  128: "PROTO",
  129: "NEWOBJ",
  130: "EXT1",
  131: "EXT2",
  132: "EXT4",
  133: "TUPLE1",
  134: "TUPLE2",
  135: "TUPLE3",
  136: "NEWTRUE",
  137: "NEWFALSE",
  138: "LONG1",
  139: "LONG4",
};

/** A whole number in decimal, as INT and LONG write it. */
export function integer(text: string): number {
  return exact(decimal(text, /^[+-]?\d{1,17}$/));
}

/** The memo index of PUT and GET. */
export function slot(text: string): number {
  return decimal(text, /^\d{1,10}$/);
}

/** The value, if it is a whole number that float64 holds exactly. */
export function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Refusal(`the integer ${value} is too large`);
  return value;
}

/** The number that a text of the given form denotes. */
export function decimal(text: string, form: RegExp): number {
  if (!form.test(text)) throw new Refusal(`"${printable(text)}" is not a number`);
  return Number(text);
}

const ESCAPES: Readonly<Record<string, number>> = {
  "\\": 0x5c,
  "'": 0x27,
  '"': 0x22,
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
};

/** The bytes of a Python 2 string literal, as protocol 0 writes them. */
export function unquote(raw: Uint8Array): Uint8Array {
  const quote = raw[0];
  if (raw.length < 2 || (quote !== 0x27 && quote !== 0x22) || raw.at(-1) !== quote) {
    throw new Refusal("a string without quotes");
  }
  const out = new Uint8Array(raw.length);
  let length = 0;
  for (let k = 1; k < raw.length - 1; k++) {
    if (raw[k] !== 0x5c) {
      out[length++] = raw[k]!;
      continue;
    }
    const next = String.fromCharCode(raw[++k]!);
    const plain = ESCAPES[next];
    if (plain !== undefined) {
      out[length++] = plain;
      continue;
    }
    const hex = String.fromCharCode(raw[k + 1] ?? 0, raw[k + 2] ?? 0);
    if (next !== "x" || !/^[0-9a-f]{2}$/i.test(hex)) {
      throw new Refusal(`the escape \\${printable(next)} in a string`);
    }
    out[length++] = Number.parseInt(hex, 16);
    k += 2;
  }
  return out.subarray(0, length);
}

/** Python's raw-unicode-escape: latin-1, with \uXXXX for the rest. */
export function rawUnicode(line: string): string {
  return line.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
