// A restricted unpickler for protocols 0 to 5: it builds numpy and scipy arrays, and runs nothing.
import { BadFileError } from "./errors.ts";
import { decimal, exact, integer, OPCODES, rawUnicode, slot, unquote } from "./pickle-text.ts";
import {
  asText,
  build,
  construct,
  type Dict,
  lookUpGlobal,
  type PickleValue,
  Refusal,
  Tuple,
} from "./pickle-values.ts";

/** More pushed values than this are refused (NELL's graph, the largest known, has 600,000). */
const MAX_VALUES = 1_500_000;
/** More opcodes than this are refused: a push, its use and its memo entry for each value. */
const MAX_STEPS = 3 * MAX_VALUES;
/** More lists, dicts and tuples than this are refused (NELL's graph has 65,755): each costs 200 bytes. */
const MAX_CONTAINERS = 500_000;
/** More bytes of text than this are refused: text may take six times its bytes; NELL's longest has 5 MB. */
const MAX_TEXT = 16 * 1024 * 1024;
/** Deeper nesting than this is refused (the known files nest seven deep). */
const MAX_MARKS = 1_000;

/**
 * Returns the value that a pickle holds. Byte strings are views of `bytes`: nothing is copied, and
 * nothing is allocated for a stated length before the file is known to have that many bytes.
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
  private steps = 0;
  private pushed = 0;
  private containers = 0;
  private decoded = 0;
  private readonly stack: PickleValue[] = [];
  /** Stack heights of the MARKs. */
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
    return `offset ${this.opcodeAt}, opcode ${OPCODES[code] ?? "unknown"} (${hex})`;
  }

  /** Executes one opcode; returns false after STOP. */
  private step(): boolean {
    this.opcodeAt = this.position;
    if (++this.steps > MAX_STEPS) throw tooMuch(`more than ${MAX_STEPS} opcodes`);
    const code = this.bytes[this.position++];
    switch (code) {
      case undefined:
        throw new Refusal("the file ends before its STOP opcode: it is cut short");
      case 0x2e:
        return false;
      case 0x80: {
        const protocol = this.bytes[this.skip(1)]!;
        if (protocol > 5) throw new Refusal(`pickle protocol ${protocol}; 0 to 5 are read`);
        return true;
      }
      case 0x28:
        if (this.marks.length === MAX_MARKS)
          throw new Refusal(`nested more than ${MAX_MARKS} deep`);
        this.marks.push(this.stack.length);
        return true;
      case 0x30:
        this.pop();
        return true;
      case 0x95:
        this.length8();
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
      case 0x42:
      case 0x54:
        return this.push(this.take(this.view.getUint32(this.skip(4), true)));
      case 0x43:
      case 0x55:
        return this.push(this.take(this.bytes[this.skip(1)]!));
      case 0x8e:
      case 0x96:
        return this.push(this.take(this.length8()));
      case 0x58:
        return this.push(this.utf8(this.take(this.view.getUint32(this.skip(4), true))));
      case 0x8c:
        return this.push(this.utf8(this.take(this.bytes[this.skip(1)]!)));
      case 0x8d:
        return this.push(this.utf8(this.take(this.length8())));
      case 0x53:
        return this.push(unquote(this.rawLine()));
      case 0x56:
        return this.push(this.escapedText());
      default:
        return false;
    }
  }

  private container(code: number): boolean {
    switch (code) {
      case 0x29:
        return this.pushNew(new Tuple([]));
      case 0x85:
      case 0x86:
      case 0x87:
        return this.pushNew(new Tuple(this.popMany(code - 0x84)));
      case 0x74:
        return this.pushNew(new Tuple(this.popToMark()));
      case 0x5d:
        return this.pushNew([]);
      case 0x6c:
        return this.pushNew(this.popToMark());
      case 0x7d:
        return this.pushNew(new Map());
      case 0x64: {
        const items = this.popToMark();
        const dict: Dict = new Map();
        setItems(dict, items);
        return this.pushNew(dict);
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
      case 0x93: {
        const name = asText(this.pop());
        const module = asText(this.pop());
        if (name === null || module === null) throw new Refusal("a name that is not a short text");
        return this.push(lookUpGlobal(module, name));
      }
      case 0x52:
      case 0x81: {
        const args = this.pop();
        const value = construct(this.pop(), args);
        if (value instanceof Uint8Array) this.budget(value.length);
        return this.pushNew(value);
      }
      case 0x62: {
        const state = this.pop();
        build(this.top(), state);
        return true;
      }
      case 0x94:
        return this.remember(this.memo.size);
      case 0x70:
        return this.remember(slot(this.line()));
      case 0x71:
        return this.remember(this.bytes[this.skip(1)]!);
      case 0x72:
        return this.remember(this.view.getUint32(this.skip(4), true));
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
    if (++this.pushed > MAX_VALUES) throw tooMuch(`more than ${MAX_VALUES} values`);
    this.stack.push(value);
    return true;
  }

  /** Pushes an object made here, as opposed to a number or a view of the file. */
  private pushNew(value: PickleValue): true {
    if (++this.containers > MAX_CONTAINERS) {
      throw tooMuch(`more than ${MAX_CONTAINERS} lists, dicts, tuples and arrays`);
    }
    return this.push(value);
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

  private remember(index: number): true {
    this.memo.set(index, this.top());
    // Numbers are never memoised, so there are no more entries than containers and names.
    if (this.memo.size > MAX_CONTAINERS) {
      throw tooMuch(`more than ${MAX_CONTAINERS} memo entries`);
    }
    return true;
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw new Refusal(`memo ${index} was never written`);
    return value;
  }

  /** Skips `count` bytes, which must exist, and returns their offset. */
  private skip(count: number): number {
    const at = this.position;
    const left = this.bytes.length - at;
    if (count > left) {
      throw new Refusal(`${count} bytes are announced, ${left} are left: the file is cut short`);
    }
    this.position += count;
    return at;
  }

  private length8(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
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

  private escapedText(): string {
    const raw = this.rawLine();
    this.budget(raw.length);
    return rawUnicode(raw);
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
    if (length > MAX_TEXT) throw tooMuch(`a text of ${length} bytes`);
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

function tooMuch(what: string): Refusal {
  return new Refusal(`${what}, which no known dataset needs: the file is damaged, or no dataset`);
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
