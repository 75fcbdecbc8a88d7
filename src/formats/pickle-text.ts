// Numbers and strings in the text form of a pickle (protocol 0).
import { printable } from "../base/printable.ts";
import { Refusal } from "./pickle-values.ts";

/** Names of the opcodes of protocols 0 to 5, for messages. */
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
  66: "BINBYTES",
  67: "SHORT_BINBYTES",
  140: "SHORT_BINUNICODE",
  141: "BINUNICODE8",
  142: "BINBYTES8",
  143: "EMPTY_SET",
  144: "ADDITEMS",
  145: "FROZENSET",
  146: "NEWOBJ_EX",
  147: "STACK_GLOBAL",
  148: "MEMOIZE",
  149: "FRAME",
  150: "BYTEARRAY8",
  151: "NEXT_BUFFER",
  152: "READONLY_BUFFER",
};

/** Parses a whole number in decimal, as INT and LONG write it. */
export function integer(text: string): number {
  return exact(decimal(text, /^[+-]?\d{1,17}$/));
}

/** Parses the memo index of PUT and GET. */
export function slot(text: string): number {
  return decimal(text, /^\d{1,10}$/);
}

/** Returns the value, if it is a whole number that float64 represents exactly. */
export function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Refusal(`the integer ${value} is too large`);
  return value;
}

/** Parses a number written in the given form. */
export function decimal(text: string, form: RegExp): number {
  if (!form.test(text)) throw new Refusal(`"${printable(text)}" is not a number`);
  return Number(text);
}

/** What follows a backslash, and the byte that the pair stands for. */
const ESCAPES = new Map(
  ["\\\\", "''", '""', "a\x07", "b\b", "f\f", "n\n", "r\r", "t\t", "v\v"].map((pair) => [
    pair.charCodeAt(0),
    pair.charCodeAt(1),
  ]),
);

/** The value of a hexadecimal digit; NaN for anything else. */
function hexDigit(code: number | undefined): number {
  if (code === undefined) return Number.NaN;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

/** Decodes the bytes of a Python 2 string literal, as protocol 0 writes it, without making a string. */
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
    const next = raw[++k]!;
    const plain = ESCAPES.get(next);
    if (plain !== undefined) {
      out[length++] = plain;
      continue;
    }
    const byte = 16 * hexDigit(raw[k + 1]) + hexDigit(raw[k + 2]);
    if (next !== 0x78 || Number.isNaN(byte)) {
      throw new Refusal(`the escape \\${printable(String.fromCharCode(next))} in a string`);
    }
    out[length++] = byte;
    k += 2;
  }
  return out.subarray(0, length);
}

/** Decodes Python's raw-unicode-escape: latin-1, with \uXXXX for the rest. */
export function rawUnicode(raw: Uint8Array): string {
  const units = new Uint16Array(raw.length);
  let length = 0;
  for (let k = 0; k < raw.length; k++) {
    const unit =
      raw[k] === 0x5c && (raw[k + 1]! | 0x20) === 0x75 ? escaped(raw, k + 2) : Number.NaN;
    if (Number.isNaN(unit)) units[length++] = raw[k]!;
    else {
      units[length++] = unit;
      k += 5;
    }
  }
  return Buffer.from(units.buffer, 0, 2 * length).toString("utf16le");
}

/** The value of four hexadecimal digits; NaN if they are missing. */
function escaped(raw: Uint8Array, at: number): number {
  let value = 0;
  for (let k = at; k < at + 4; k++) value = 16 * value + hexDigit(raw[k]);
  return value;
}
