// A container's first entries, found without running any of its code.
import { inspect, types } from "node:util";

export interface Entry {
  /** The text in front of the value: a property's name, a map's key. */
  readonly label?: string;
  /** The text between the label and the value; ": " by default. */
  readonly joint?: string;
  readonly value: unknown;
}

export interface Children {
  readonly entries: readonly Entry[];
  /** How many entries follow those. */
  readonly more: number;
  /** Whether the entries are items of a list, rather than the parts of one thing. */
  readonly isList: boolean;
  /** The word for one entry, and for several. */
  readonly noun: readonly [string, string];
}

/** The most entries of one container in any view: a screenful. */
export const ITEMS = 100;
/** How many levels of containers are shown. */
export const DEPTH = 12;
/** An object with more properties than this is a list by name. */
const RECORD = 30;
/** Naming all the indices of a longer array takes longer than printing it. */
export const NAMED = 10_000;

/** How many indices of one array are searched for items between its holes: some 10 ms. */
const SEARCHED = 1_000_000;

/** The longest name of a property or key of a map, in characters. */
const LONGEST = 100;

const NOUNS = ["item", "items"] as const;
const PROPERTIES = ["property", "properties"] as const;
const predicates = Object.values(types);

/** Returns an object that is inspected as exactly this text. */
export function standIn(text: string): object {
  return { [inspect.custom]: () => text };
}

/** Whether a value is an array, a map, a set, or an object that has nothing but its properties. */
export function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  if (inspect.custom in value) return false;
  return Array.isArray(value) || types.isMap(value) || types.isSet(value) || isOrdinary(value);
}

/** Whether an object has no internal slots, which a copy would lack. */
function isOrdinary(value: object): boolean {
  const proto = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) return true;
  return !ArrayBuffer.isView(value) && !predicates.some((is) => is(value as never));
}

/** Returns what Node prints in front of the brackets: the class, and the number of items if Node shows it. */
export function headOf(container: object): string {
  const proto: object | null = Object.getPrototypeOf(container);
  if (proto === Object.prototype || proto === Array.prototype) return "";
  const empty = Object.setPrototypeOf(emptyLike(container), proto);
  const text = inspect(empty, { customInspect: false, breakLength: Number.POSITIVE_INFINITY });
  return text.replace("(0)", `(${sizeOf(container)})`).replace(/[[{][\]}]$/, "");
}

function emptyLike(container: object): object {
  if (Array.isArray(container)) return [];
  if (types.isMap(container)) return new Map();
  return types.isSet(container) ? new Set() : {};
}

/** Returns the number of items, whatever a subclass claims. */
export function sizeOf(container: object): number {
  if (Array.isArray(container)) return container.length;
  const owner = types.isMap(container) ? Map.prototype : Set.prototype;
  return types.isMap(container) || types.isSet(container)
    ? Number(Reflect.get(owner, "size", container))
    : 0;
}

/** Returns a container's first entries. Getters are not run. */
export function childrenOf(container: object): Children {
  if (Array.isArray(container)) return itemsOf(container);
  if (types.isMap(container)) {
    const pairs = Map.prototype.entries.call(container).take(ITEMS).toArray();
    const entries = pairs.map(([key, value]) => ({ label: keyText(key), joint: " => ", value }));
    return { entries, more: sizeOf(container) - entries.length, isList: true, noun: NOUNS };
  }
  if (types.isSet(container)) {
    const items = Set.prototype.values.call(container).take(ITEMS);
    const entries = items.map((value) => ({ value })).toArray();
    return { entries, more: sizeOf(container) - entries.length, isList: true, noun: NOUNS };
  }
  const symbols = Object.getOwnPropertySymbols(container);
  const keys = [
    ...Object.keys(container),
    ...symbols.filter((key) => isEnumerable(container, key)),
  ];
  const entries = keys.slice(0, ITEMS).map((key) => propertyOf(container, key));
  const isList = keys.length > RECORD;
  return { entries, more: keys.length - entries.length, isList, noun: PROPERTIES };
}

/** Returns items, with runs of holes as one entry as in Node, then named properties. */
function itemsOf(array: readonly unknown[]): Children {
  const entries: Entry[] = [];
  let at = 0;
  let left = SEARCHED;
  while (at < array.length && entries.length < ITEMS && left > 0) {
    const next = afterHoles(array, at, left);
    left -= next - at;
    if (next > at) {
      const text = `<${next - at} empty item${next - at > 1 ? "s" : ""}>`;
      entries.push({ value: standIn(text) });
      at = next;
    } else {
      entries.push({ value: readProperty(array, String(at++)) });
    }
  }
  const more = array.length - at;
  if (array.length <= NAMED && more === 0) {
    const named = Object.keys(array).slice(array.length - holesOf(array));
    entries.push(...named.slice(0, ITEMS).map((key) => propertyOf(array, key)));
  }
  return { entries, more, isList: true, noun: NOUNS };
}

/** Returns the first index from `at` on that holds an item, searching at most so many. */
function afterHoles(array: readonly unknown[], at: number, most: number): number {
  const end = Math.min(array.length, at + most);
  let next = at;
  while (next < end && !Object.hasOwn(array, next)) next++;
  return next;
}

function holesOf(array: readonly unknown[]): number {
  let holes = 0;
  for (let at = 0; at < array.length; at++) if (!Object.hasOwn(array, at)) holes++;
  return holes;
}

function propertyOf(object: object, key: string | symbol): Entry {
  return { label: labelOf(key), value: readProperty(object, key) };
}

function readProperty(object: object, key: string | symbol): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (!property || "value" in property) return property?.value;
  const { get, set } = property;
  return standIn(get && set ? "[Getter/Setter]" : get ? "[Getter]" : "[Setter]");
}

function labelOf(key: string | symbol): string {
  if (typeof key === "symbol") return `[${String(key)}]`;
  return /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(key) ? key : inspect(key, { maxStringLength: LONGEST });
}

/** Prints a map's key on one line. */
function keyText(key: unknown): string {
  const options = { depth: 0, maxArrayLength: 4, maxStringLength: LONGEST };
  return inspect(key, { ...options, breakLength: Number.POSITIVE_INFINITY }).replace(/\s+/g, " ");
}

function isEnumerable(object: object, key: symbol): boolean {
  return Object.prototype.propertyIsEnumerable.call(object, key);
}
