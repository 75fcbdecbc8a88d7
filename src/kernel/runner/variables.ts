// Variables as a debugger's tree: one line each, and their parts on demand. Runs no getter and no other code of theirs.
import { inspect, types } from "node:util";
import type { Variable } from "../debug/dap.ts";
import { columnarLine, isColumnar } from "../display/columnar.ts";
import { frameLine, isFrame } from "../display/frame.ts";
import { signatureOf } from "../display/functions.ts";
import { hasOwnView } from "../display/leaves.ts";
import { isNumbers, typedArrayLine } from "../display/numbers.ts";
import { isTensor, tensorLine } from "../display/tensor.ts";

/** A part of a value, or what stands for a getter. */
export type Part = { readonly name: string } & (
  | { readonly value: unknown }
  | { readonly text: string }
);

/** A value whose parts can be asked for, and the first of them. */
interface Holder {
  readonly from: number;
  readonly page: (from: number) => Page;
}

interface Page {
  readonly parts: readonly Part[];
  /** How many parts follow. */
  readonly more: number;
}

/** How many parts are shown at once; the last row leads to more. */
const PAGE = 100;
/** The longest line, name, and text within a line, in characters. */
const LINE = 200;
const NAME = 100;
const INNER = 40;
/** How many parts a line names. */
const SHOWN = 5;

export class Variables {
  /** What references stand for, in the newest view and in the one before, which a front end may still show. */
  #newest = new Map<number, Holder>();
  #before = new Map<number, Holder>();
  #last = 0;

  /** Begins a view: references of the one before the last are no longer valid. */
  renew(): void {
    this.#before = this.#newest;
    this.#newest = new Map();
  }

  /** Ends all views: no reference is valid any longer. */
  clear(): void {
    this.#newest = new Map();
    this.#before = new Map();
  }

  /** Returns a variable's line. */
  variable(name: string, value: unknown): Variable {
    return { name, value: lineOf(value), variablesReference: this.reference(value) };
  }

  /** Returns what asks for a value's parts; 0 if it has none. */
  reference(value: unknown): number {
    return hasParts(value) ? this.#hold({ from: 0, page: (from) => partsOf(value, from) }) : 0;
  }

  /** Returns what asks for variables that are no object's parts. */
  scope(parts: readonly Part[]): number {
    return this.#hold({ from: 0, page: () => ({ parts, more: 0 }) });
  }

  #hold(holder: Holder): number {
    this.#newest.set(++this.#last, holder);
    return this.#last;
  }

  /** Returns a value's parts; undefined if the reference belongs to an older view. */
  parts(reference: number): Variable[] | undefined {
    const holder = this.#newest.get(reference) ?? this.#before.get(reference);
    if (!holder) return undefined;
    const { from, page } = holder;
    const { parts, more } = page(from);
    const variables = parts.map((part) =>
      "value" in part
        ? this.variable(part.name, part.value)
        : { name: part.name, value: part.text, variablesReference: 0 },
    );
    if (more > 0) {
      const variablesReference = this.#hold({ from: from + PAGE, page });
      variables.push({ name: "...", value: `${more} more`, variablesReference });
    }
    return variables;
  }
}

/** Returns a value in one line. Never throws. */
export function lineOf(value: unknown): string {
  try {
    return shortened(textOf(value), LINE);
  } catch {
    return `[${typeof value}]`;
  }
}

function textOf(value: unknown): string {
  if (typeof value === "function") return types.isProxy(value) ? "Proxy" : signatureOf(value);
  if (typeof value !== "object" || value === null) {
    return inspect(value, { maxStringLength: LINE, breakLength: Number.POSITIVE_INFINITY });
  }
  return knownText(value) ?? `${headOf(value)}${contentOf(value)}`;
}

/** Returns the line of what has a view of its own in cells. */
function knownText(value: object): string | undefined {
  if (types.isProxy(value)) return "Proxy";
  if (inheritsFromProxy(value)) return undefined;
  if (isNumbers(value)) return typedArrayLine(value);
  if (types.isDate(value)) return `Date ${dateText.call(value)}`;
  if (types.isRegExp(value)) return `RegExp /${String(sourceOf?.call(value))}/`;
  if (types.isNativeError(value))
    return `${classOf(value)}: ${String(dataOf(value, "message") ?? "")}`;
  // Tensors and frames keep these as plain data; another object's getters are not run.
  const isPlain = (names: readonly string[]): boolean =>
    names.every((name) => dataOf(value, name) !== undefined);
  if (hasOwnView(value)) return undefined;
  if (isPlain(["dtype", "shape"]) && isTensor(value)) return tensorLine(value);
  if (isPlain(["$isSeries"]) && isFrame(value)) return frameLine(value);
  return isColumnar(value) ? columnarLine(value) : undefined;
}

/** Whether looking up a name in an object would ask a proxy. */
function inheritsFromProxy(value: object): boolean {
  for (let owner = value; owner; owner = Object.getPrototypeOf(owner)) {
    if (types.isProxy(owner)) return true;
  }
  return false;
}

const dateText = (Date.prototype as { toJSON: (this: Date) => string | null }).toJSON;
const sourceOf = Object.getOwnPropertyDescriptor(RegExp.prototype, "source")?.get;

/** Returns the name of an object's class, with the number of its items: `Map(2)`; nothing for a plain object. */
function headOf(value: object): string {
  const size = countOf(value);
  const name = classOf(value);
  if (size !== undefined) return `${name}(${size})`;
  return name === "Object" ? "" : name;
}

/** Returns an object's first parts between brackets, on one level. */
function contentOf(value: object): string {
  const { parts, more } = partsOf(value, 0);
  const list = Array.isArray(value) || types.isSet(value);
  if (parts.length === 0) return headOf(value) === "" ? "{}" : list ? " []" : "";
  const shown = parts.slice(0, SHOWN).map((part) => {
    const text = "value" in part ? innerText(part.value) : part.text;
    return list && /^\d+$/.test(part.name) ? text : `${part.name}: ${text}`;
  });
  if (parts.length > SHOWN || more > 0) shown.push("...");
  const text = shown.join(", ");
  const head = headOf(value) === "" ? "" : " ";
  return list ? `${head}[${text}]` : `${head}{ ${text} }`;
}

/** Returns the text of a part within its owner's line. */
function innerText(value: unknown): string {
  if (typeof value !== "object" || value === null) return shortened(textOf(value), INNER);
  const head = knownText(value) ?? headOf(value);
  return shortened(head === "" ? "{...}" : head, INNER);
}

function shortened(text: string, most: number): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > most ? `${line.slice(0, most)}...` : line;
}

/** Returns the name of an object's class, as its prototypes have it. */
function classOf(value: object): string {
  for (let owner: object | null = value; owner; owner = Object.getPrototypeOf(owner)) {
    if (types.isProxy(owner)) break;
    const made: unknown = dataOf(owner, "constructor");
    if (typeof made !== "function" || types.isProxy(made)) continue;
    const name = dataOf(made, "name");
    if (typeof name === "string" && name !== "") return name.slice(0, NAME);
  }
  return types.isModuleNamespaceObject(value) ? "Module" : "Object";
}

/** Returns an own property's value; undefined for a getter's. */
function dataOf(value: object, name: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

const lengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "length",
)?.get;
const mapSize = Object.getOwnPropertyDescriptor(Map.prototype, "size")?.get;
const setSize = Object.getOwnPropertyDescriptor(Set.prototype, "size")?.get;

/** Returns the number of a collection's items, whatever a subclass claims; undefined for other objects. */
function countOf(value: object): number | undefined {
  if (Array.isArray(value)) return value.length;
  if (types.isTypedArray(value)) return lengthOf?.call(value) as number;
  if (types.isMap(value)) return mapSize?.call(value) as number;
  return types.isSet(value) ? (setSize?.call(value) as number) : undefined;
}

function hasParts(value: unknown): value is object {
  const isObject = typeof value === "object" && value !== null;
  if ((!isObject && typeof value !== "function") || types.isProxy(value)) return false;
  if ((countOf(value as object) ?? 0) > 0) return true;
  return keysOf(value as object).length > 0;
}

/** Returns the names of an object's own properties, apart from indices and from what every function has. */
function keysOf(value: object): PropertyKey[] {
  const isIndexed = Array.isArray(value) || types.isTypedArray(value);
  // Naming all indices of a long array takes longer than anybody waits.
  if (isIndexed && (countOf(value) ?? 0) > 10_000) return [];
  const keys = Reflect.ownKeys(value);
  if (isIndexed) return keys.filter((key) => !/^\d+$/.test(String(key)) && key !== "length");
  if (typeof value !== "function") return keys;
  return keys.filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
}

/** Returns a page of an object's parts: its items, then its properties. */
function partsOf(value: object, from: number): Page {
  const count = countOf(value) ?? 0;
  const parts = itemsOf(value, from, Math.min(count, from + PAGE));
  const keys = keysOf(value);
  const first = Math.max(0, from - count);
  const room = Math.max(0, from + PAGE - count) - first;
  const shown = keys.slice(first, first + room);
  parts.push(...shown.map((key) => propertyOf(value, key)));
  return { parts, more: Math.max(0, count + keys.length - from - PAGE) };
}

function itemsOf(value: object, from: number, to: number): Part[] {
  if (from >= to) return [];
  if (types.isMap(value)) {
    const entries = Map.prototype.entries
      .call(value)
      .drop(from)
      .take(to - from);
    return entries.map(([key, item]) => ({ name: innerText(key), value: item })).toArray();
  }
  if (types.isSet(value)) {
    const items = Set.prototype.values
      .call(value)
      .drop(from)
      .take(to - from)
      .toArray();
    return items.map((item, i) => ({ name: String(from + i), value: item }));
  }
  const indices = Array.from({ length: to - from }, (_, i) => String(from + i));
  return indices
    .filter((index) => Object.hasOwn(value, index))
    .map((index) => propertyOf(value, index));
}

/** Returns a property as a part; a getter is not run. */
export function propertyOf(value: object, key: PropertyKey, shown = key): Part {
  const name = shortened(typeof shown === "symbol" ? `[${String(shown)}]` : String(shown), NAME);
  try {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (!property || "value" in property) return { name, value: property?.value };
    return { name, text: property.get ? "[Getter]" : "[Setter]" };
  } catch {
    // A variable whose declaration has not run yet, or an export of a module that is still loading.
    return { name, text: "[no value yet]" };
  }
}
