// Prints a large value within a screenful: its first entries in full, then how many more there are.
import { inspect } from "node:util";
import { type Children, childrenOf, DEPTH, type Entry, headOf, isContainer } from "./children.ts";
import { count, fill } from "./numbers.ts";

/** The cost of a line, in characters: a screenful is limited both in lines and in characters. */
const LINE = 112;
const ROOM = 38 * LINE;
const WIDTH = 80;
const ONE_LINE = { breakLength: Number.POSITIVE_INFINITY };
/** The least that is shown of a shortened string. */
const SHORTEST = 60;
/** Lists up to this length are treated as tuples, whose items differ. */
const TUPLE = 6;

/** Lines of text, without the indentation of their surroundings. */
type Text = readonly string[];

/** How single values look inside others. */
export interface Leaves {
  /** Whether an object is not taken apart. */
  isLeaf(value: object): boolean;
  /** Returns the text of a value, other than a string, that is not taken apart. */
  text(value: unknown): string;
}

/**
 * Prints a value in Node's notation. If it does not fit, entries are left out at the end and inner
 * lists get shorter; only what still has no room loses its depth and the ends of its strings.
 */
export function outline(value: unknown, leaves: Leaves): string {
  return new Outline(leaves).fitted(value, ROOM).join("\n");
}

/** Whether a value's text shows all of it. */
export function isTextWhole(value: unknown, leaves: Leaves): boolean {
  return new Outline(leaves).whole(value, ROOM) !== undefined;
}

/** Prints all of a value on a line of at most `most` characters; undefined if it needs more. */
export function wholeLine(value: unknown, most: number, leaves: Leaves): string | undefined {
  const [line, ...others] = new Outline(leaves).whole(value, most) ?? [];
  return line !== undefined && others.length === 0 && line.length <= most ? line : undefined;
}

class Outline {
  readonly #leaves: Leaves;
  readonly #children = new Map<object, Children>();
  /** The containers around what is printed, and the numbers of those that are referred to inside. */
  readonly #around: object[] = [];
  readonly #references = new Map<object, number>();

  constructor(leaves: Leaves) {
    this.#leaves = leaves;
  }

  /** Prints all of a value; undefined if it costs more than `room`. */
  whole(value: unknown, room: number): Text | undefined {
    if (!this.#isContainer(value)) {
      const text = this.#leaf(value);
      return cost(text) <= Math.max(room, LINE) ? text : undefined;
    }
    return this.#within(value, (): Text | undefined => {
      if (this.#around.length > DEPTH) return undefined;
      const { entries, more } = this.#childrenOf(value);
      if (more > 0) return undefined;
      const texts = this.#prefix(entries, room);
      if (texts.length < entries.length) return undefined;
      const text = this.#layout(value, texts, 0);
      return cost(text) <= Math.max(room, LINE) ? text : undefined;
    });
  }

  /** Prints as much of a value as there is room for. */
  fitted(value: unknown, room: number): Text {
    const whole = this.whole(value, room);
    if (whole) return whole;
    if (typeof value === "string") return [shortString(value, room)];
    if (!this.#isContainer(value)) return cutLines(this.#leaf(value), room);
    const text = this.#within(value, () => this.#fitted(value, room));
    return text ?? this.#collapsed(value);
  }

  #fitted(value: object, room: number): Text | undefined {
    if (this.#around.length > DEPTH) return undefined;
    const { entries, more, isList } = this.#childrenOf(value);
    const inner = room - 3 * LINE;
    const isTuple = isList && more === 0 && entries.length <= TUPLE;
    if (!isList || isTuple) {
      const least = this.#leasts(entries, isList, inner);
      if (sum(least) <= inner) {
        return this.#layout(value, this.#shared(entries, least, inner), more);
      }
    }
    const texts = this.#prefix(entries, room);
    const total = entries.length + more;
    for (; texts.length > 0; texts.pop()) {
      const text = this.#layout(value, texts, total - texts.length);
      if (cost(text) <= room) return text;
    }
    const [first] = entries;
    if (!first || inner < LINE) return undefined;
    return this.#layout(value, [labelled(first, this.fitted(first.value, inner))], total - 1);
  }

  /** Returns the first entries in full, as many as may fit. */
  #prefix(entries: readonly Entry[], room: number): Text[] {
    const texts: Text[] = [];
    let left = room;
    for (const entry of entries) {
      const text = this.whole(entry.value, left);
      if (!text) break;
      const shown = labelled(entry, text);
      left -= shown.length > 1 ? cost(shown) : (shown[0]?.length ?? 0) + 2;
      if (left < 0) break;
      texts.push(shown);
    }
    return texts;
  }

  /** Prints all entries: small ones in full, the others with equal shares of the remaining room. */
  #shared(entries: readonly Entry[], least: readonly number[], room: number): Text[] {
    const texts: Text[] = [];
    const sizes = entries.map(({ value }) => {
      const whole = this.whole(value, room);
      return whole ? cost(whole) : room;
    });
    const order = sizes.map((_, i) => i).sort((a, b) => sizes[a]! - sizes[b]!);
    let left = room - sum(least);
    for (const [done, i] of order.entries()) {
      const entry = entries[i]!;
      const own = least[i]! + Math.max(0, left) / (order.length - done);
      const text = this.fitted(entry.value, own);
      left -= Math.max(0, cost(text) - least[i]!);
      texts[i] = labelled(entry, text);
    }
    return texts;
  }

  /** Returns the least room that shows a value without losing depth; any result of at least `most` will do. */
  #least(value: unknown, wholeStrings: boolean, most: number): number {
    if (typeof value === "string") {
      return Math.max(LINE, wholeStrings ? value.length : Math.min(value.length, SHORTEST));
    }
    if (!this.#isContainer(value)) return Math.min(cost(this.#leaf(value)), 4 * LINE);
    if (this.#around.length >= DEPTH || this.#around.includes(value)) return LINE;
    if (this.whole(value, LINE)) return LINE;
    const { entries, isList } = this.#childrenOf(value);
    this.#around.push(value);
    const kept = isList ? entries.slice(0, 1) : entries;
    const inner = sum(this.#leasts(kept, wholeStrings, most));
    this.#around.pop();
    return inner + 3 * LINE;
  }

  /** Returns the least room of each entry, stopping when the total exceeds `most`. */
  #leasts(entries: readonly Entry[], wholeStrings: boolean, most: number): number[] {
    const least: number[] = [];
    let all = 0;
    for (const { value } of entries) {
      least.push(this.#least(value, wholeStrings, most - all));
      all += least.at(-1)!;
      if (all > most) break;
    }
    return least;
  }

  /** Calls `print` with the value among the surrounding ones; a value inside itself gets a reference. */
  #within(value: object, print: () => Text | undefined): Text | undefined {
    if (this.#around.includes(value)) {
      const number = this.#references.get(value) ?? this.#references.size + 1;
      this.#references.set(value, number);
      return [`[Circular *${number}]`];
    }
    this.#around.push(value);
    try {
      return print();
    } finally {
      this.#around.pop();
    }
  }

  #layout(value: object, texts: readonly Text[], more: number): Text {
    const { isList, noun } = this.#childrenOf(value);
    const reference = this.#references.get(value);
    const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
    const head = `${reference === undefined ? "" : `<ref *${reference}> `}${headOf(value)}${open}`;
    const left = more > 0 ? [`... ${count(more)} more ${more === 1 ? noun[0] : noun[1]}`] : [];
    if (texts.length + left.length === 0) return [`${head}${close}`];
    const width = Math.max(40, WIDTH - 2 * this.#around.length);
    const isFlat = texts.every((text) => text.length === 1);
    const flat = isFlat ? [...texts.flat(), ...left] : [];
    const line = `${head} ${flat.join(", ")} ${close}`;
    if (isFlat && line.length <= width) return [line];
    const isSmall = (item: string) => 3 * item.length <= width;
    if (isFlat && isList && flat.every(isSmall)) {
      return [head, ...fill(flat, width).map((each) => `  ${each}`), close];
    }
    if (isFlat && !isList && this.#around.length > 1 && flat.every((each) => each.length < width)) {
      const filled = fill(flat, width).map((each, i) => `${i === 0 ? `${head} ` : "  "}${each}`);
      return [...filled.slice(0, -1), `${filled.at(-1)} ${close}`];
    }
    const lines = texts.flatMap((text, i) => {
      const isLast = i === texts.length - 1 && left.length === 0;
      return text.map((each, j) => `  ${each}${j === text.length - 1 && !isLast ? "," : ""}`);
    });
    return [head, ...lines, ...left.map((each) => `  ${each}`), close];
  }

  #leaf(value: unknown): Text {
    return typeof value === "string"
      ? [inspect(value, { ...ONE_LINE, maxStringLength: ROOM })]
      : this.#leaves.text(value).split("\n");
  }

  #isContainer(value: unknown): value is object {
    return isContainer(value) && !this.#leaves.isLeaf(value);
  }

  #childrenOf(value: object): Children {
    const children = this.#children.get(value) ?? childrenOf(value);
    this.#children.set(value, children);
    return children;
  }

  #collapsed(value: object): Text {
    const name = headOf(value).trim() || (Array.isArray(value) ? "Array" : "Object");
    return [`[${name}]`];
  }
}

function labelled({ label, joint = ": " }: Entry, text: Text): Text {
  if (label === undefined) return text;
  const [first, ...rest] = text;
  return [`${label}${joint}${first}`, ...rest];
}

function cost(text: Text): number {
  return text.reduce((all, line) => all + Math.max(LINE, line.length + 2), 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

function shortString(text: string, room: number): string {
  const most = Math.max(SHORTEST, Math.floor(room) - SHORTEST);
  return inspect(text, { ...ONE_LINE, maxStringLength: most });
}

function cutLines(text: Text, room: number): Text {
  const most = Math.max(1, Math.floor(room / LINE) - 1);
  const kept = text.slice(0, most).map((line) => line.slice(0, Math.max(room, LINE)));
  const more = text.length - kept.length;
  return more > 0 ? [...kept, `... ${count(more)} more lines`] : kept;
}
