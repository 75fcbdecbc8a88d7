// A restricted unpickler for protocols 0 to 2: it builds numpy and scipy arrays, and runs nothing.
import { BadFileError } from "./errors.ts";
import {
  asText,
  build,
  construct,
  type Dict,
  lookUpGlobal,
  type PickleValue,
  printable,
  Refusal,
  Tuple,
} from "./pickle-values.ts";

/** More pushed values than this are refused (NELL's graph, the largest known, has 600,000). */
const MAX_VALUES = 4_000_000;

const NAMES: Readonly<Record<number, string>> = {
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

/**
 * The value that a pickle holds. Byte strings are views of `bytes`: nothing is copied, and
 * nothing is allocated from a length before the file is known to have that many bytes.
 *
 * @param file for messages only.
 * @throws BadFileError naming file, offset and opcode for anything but the arrays, dtypes,
 *   csr matrices, dicts, lists and numbers that graph datasets hold.
 */
export function unpickle(bytes: Uint8Array, file: string): PickleValue {
  return new Unpickler(bytes, file).run();
}

class Unpickler {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly file: string;
  private position = 0;
  private opcodeAt = 0;
  private pushed = 0;
  private decoded = 0;
  private readonly stack: PickleValue[] = [];
  /** Stack heights at which a MARK stands. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
  }

  run(): PickleValue {
    try {
      while (this.step());
      return this.pop();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new BadFileError(this.file, `${this.where()}: ${error.message}`);
    }
  }

  private where(): string {
    const code = this.bytes[this.opcodeAt];
    if (code === undefined) return `offset ${this.opcodeAt}, no opcode`;
    const hex = `0x${code.toString(16).padStart(2, "0")}`;
    return `offset ${this.opcodeAt}, opcode ${NAMES[code] ?? "unknown"} (${hex})`;
  }

  /** One opcode; false after STOP. */
  private step(): boolean {
    this.opcodeAt = this.position;
    const code = this.bytes[this.position++];
    switch (code) {
      case undefined:
        throw new Refusal("the file ends before its STOP opcode: it is cut short");
      case 0x2e:
        return false;
      case 0x80: {
        const protocol = this.take(1)[0]!;
        if (protocol > 2) throw new Refusal(`pickle protocol ${protocol}; 0 to 2 are read`);
        return true;
      }
      case 0x28:
        if (this.marks.length >= MAX_VALUES) throw new Refusal("too many marks");
        this.marks.push(this.stack.length);
        return true;
      case 0x30:
        this.pop();
        return true;
      case 0x31:
        this.popToMark();
        return true;
      case 0x32:
        return this.push(this.top());
      default:
        return this.number(code) || this.text(code) || this.container(code) || this.object(code);
    }
  }

  private number(code: number): boolean {
    switch (code) {
      case 0x4e:
        return this.push(null);
      case 0x88:
        return this.push(true);
      case 0x89:
        return this.push(false);
      case 0x4a:
        return this.push(this.view.getInt32(this.skip(4), true));
      case 0x4b:
        return this.push(this.bytes[this.skip(1)]!);
      case 0x4d:
        return this.push(this.view.getUint16(this.skip(2), true));
      case 0x47:
        return this.push(this.view.getFloat64(this.skip(8), false));
      case 0x46:
        return this.push(decimal(this.line(), /^[+-]?[\d.]+(e[+-]?\d+)?$/i));
      case 0x49: {
        const text = this.line();
        if (text === "00" || text === "01") return this.push(text === "01");
        return this.push(integer(text));
      }
      case 0x4c:
        return this.push(integer(this.line().replace(/L$/, "")));
      case 0x8a:
        return this.push(this.long(this.bytes[this.skip(1)]!));
      case 0x8b:
        return this.push(this.long(this.view.getUint32(this.skip(4), true)));
      default:
        return false;
    }
  }

  private text(code: number): boolean {
    switch (code) {
      case 0x54:
        return this.push(this.take(this.view.getUint32(this.skip(4), true)));
      case 0x55:
        return this.push(this.take(this.bytes[this.skip(1)]!));
      case 0x58:
        return this.push(this.utf8(this.take(this.view.getUint32(this.skip(4), true))));
      case 0x53:
        return this.push(unquote(this.rawLine()));
      case 0x56:
        return this.push(rawUnicode(this.line()));
      default:
        return false;
    }
  }

  private container(code: number): boolean {
    switch (code) {
      case 0x29:
        return this.push(new Tuple([]));
      case 0x85:
      case 0x86:
      case 0x87:
        return this.push(new Tuple(this.popMany(code - 0x84)));
      case 0x74:
        return this.push(new Tuple(this.popToMark()));
      case 0x5d:
        return this.push([]);
      case 0x6c:
        return this.push(this.popToMark());
      case 0x7d:
        return this.push(new Map());
      case 0x64: {
        const items = this.popToMark();
        const dict: Dict = new Map();
        setItems(dict, items);
        return this.push(dict);
      }
      case 0x61: {
        const item = this.pop();
        listAt(this.top()).push(item);
        return true;
      }
      case 0x65: {
        const items = this.popToMark();
        const list = listAt(this.top());
        for (const item of items) list.push(item);
        return true;
      }
      case 0x73:
      case 0x75: {
        const items = code === 0x73 ? this.popMany(2) : this.popToMark();
        setItems(dictAt(this.top()), items);
        return true;
      }
      default:
        return false;
    }
  }

  private object(code: number): boolean {
    switch (code) {
      case 0x63:
        return this.push(lookUpGlobal(this.line(), this.line()));
      case 0x52:
      case 0x81: {
        const args = this.pop();
        const value = construct(this.pop(), args);
        if (value instanceof Uint8Array) this.budget(value.length);
        return this.push(value);
      }
      case 0x62: {
        const state = this.pop();
        build(this.top(), state);
        return true;
      }
      case 0x70:
        this.memo.set(slot(this.line()), this.top());
        return true;
      case 0x71:
        this.memo.set(this.bytes[this.skip(1)]!, this.top());
        return true;
      case 0x72:
        this.memo.set(this.view.getUint32(this.skip(4), true), this.top());
        return true;
      case 0x67:
        return this.push(this.recall(slot(this.line())));
      case 0x68:
        return this.push(this.recall(this.bytes[this.skip(1)]!));
      case 0x6a:
        return this.push(this.recall(this.view.getUint32(this.skip(4), true)));
      default:
        throw new Refusal("not an opcode that a graph dataset needs; nothing was run");
    }
  }

  private push(value: PickleValue): true {
    if (++this.pushed > MAX_VALUES) throw new Refusal(`more than ${MAX_VALUES} values`);
    this.stack.push(value);
    return true;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.length--;
    return value;
  }

  private top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new Refusal("the stack is empty");
    return this.stack[this.stack.length - 1]!;
  }

  private popMany(count: number): PickleValue[] {
    if (this.stack.length - count < (this.marks.at(-1) ?? 0)) {
      throw new Refusal("the stack is empty");
    }
    return this.stack.splice(this.stack.length - count);
  }

  private popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw new Refusal("no mark on the stack");
    return this.stack.splice(mark);
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw new Refusal(`memo ${index} was never written`);
    return value;
  }

  /** Moves over `count` bytes that must be there; gives their offset. */
  private skip(count: number): number {
    const at = this.position;
    const left = this.bytes.length - at;
    if (count > left) {
      throw new Refusal(`${count} bytes are announced, ${left} are left: the file is cut short`);
    }
    this.position += count;
    return at;
  }

  private take(count: number): Uint8Array {
    const at = this.skip(count);
    return this.bytes.subarray(at, at + count);
  }

  /** The bytes up to the next line feed, which is consumed. */
  private rawLine(): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new Refusal("a line without an end: the file is cut short");
    const line = this.bytes.subarray(this.position, end);
    this.position = end + 1;
    return line;
  }

  private line(): string {
    const raw = this.rawLine();
    this.budget(raw.length);
    return Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1");
  }

  private utf8(raw: Uint8Array): string {
    this.budget(raw.length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    } catch {
      throw new Refusal("text that is not UTF-8");
    }
  }

  private budget(length: number): void {
    this.decoded += length;
    if (this.decoded > 2 * this.bytes.length) throw new Refusal("more text than the file holds");
  }

  private long(length: number): number {
    const raw = this.take(length);
    if (length > 8) throw new Refusal(`an integer of ${length} bytes`);
    let value = 0n;
    for (let k = length - 1; k >= 0; k--) value = (value << 8n) | BigInt(raw[k]!);
    return exact(Number(BigInt.asIntN(8 * length, value)));
  }
}

function listAt(value: PickleValue): PickleValue[] {
  if (!Array.isArray(value)) throw new Refusal("items for something that is not a list");
  return value;
}

function dictAt(value: PickleValue): Dict {
  if (!(value instanceof Map)) throw new Refusal("items for something that is not a dict");
  return value;
}

function setItems(dict: Dict, items: readonly PickleValue[]): void {
  if (items.length % 2 !== 0) throw new Refusal("a key without a value");
  for (let k = 0; k < items.length; k += 2) {
    const raw = items[k]!;
    const key = typeof raw === "number" ? raw : asText(raw);
    if (key === null) throw new Refusal("a key that is neither a number nor a short string");
    dict.set(key, items[k + 1]!);
  }
}

function integer(text: string): number {
  return exact(decimal(text, /^[+-]?\d{1,17}$/));
}

function slot(text: string): number {
  return decimal(text, /^\d{1,10}$/);
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Refusal(`the integer ${value} is too large`);
  return value;
}

function decimal(text: string, form: RegExp): number {
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
function unquote(raw: Uint8Array): Uint8Array {
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
function rawUnicode(line: string): string {
  return line.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
