// Tensors, data frames, tables and elements print themselves in Node's inspection as a cell shows them.
import { type InspectOptions, inspect, types } from "node:util";
import { childrenOf, ITEMS, isContainer } from "./children.ts";
import { kindText } from "./kinds.ts";
import { setTaught } from "./leaves.ts";
import { findProperty } from "./property.ts";

/** The deepest that a method of the console prints, and more values than are worth the time. */
const DEPTH = 4;
const MOST = 10_000;

/** What one of these has from its class: where that is found, the class is taught. */
const MARKS = ["dataSync", "outerHTML", "getChildAt", "columnNames", "$isSeries"];

/**
 * Looks through what is about to be printed for objects of libraries that have a view in cells, and
 * makes their classes print themselves by it. Nothing of a value is run; what prints itself stays.
 */
export function teachInspection(value: unknown): void {
  let left = MOST;
  const seen = new Set<object>();
  const look = (part: unknown, depth: number): void => {
    if (typeof part !== "object" || part === null || seen.has(part) || --left < 0) return;
    seen.add(part);
    if (types.isProxy(part) || (!isPlain(part) && teach(part)) || depth === DEPTH) return;
    for (const each of partsOf(part)) look(each, depth + 1);
  };
  look(value, 0);
}

/** Most of what is printed: it has no class to teach. */
function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === Array.prototype || proto === null;
}

/** The first parts of what is printed part by part. */
function partsOf(value: object): readonly unknown[] {
  const data = (key: PropertyKey): unknown => Object.getOwnPropertyDescriptor(value, key)?.value;
  if (Array.isArray(value))
    return Array.from({ length: Math.min(value.length, ITEMS) }, (_, i) => data(i));
  if (types.isMap(value) || types.isSet(value))
    return childrenOf(value).entries.map((entry) => entry.value);
  return isContainer(value) ? Object.keys(value).slice(0, ITEMS).map(data) : [];
}

/** @returns whether the value prints itself */
function teach(value: object): boolean {
  if (findProperty(value, inspect.custom)) return true;
  const mark = MARKS.find((name) => findProperty(value, name));
  if (mark === undefined || kindText(value, true) === undefined) return false;
  const owner = findProperty(value, mark)?.owner;
  const teachable = owner === value ? Object.getPrototypeOf(value) : owner;
  if (!teachable || teachable === Object.prototype || !Object.isExtensible(teachable)) return false;
  Object.defineProperty(teachable, inspect.custom, {
    value: inspectKind,
    configurable: true,
    writable: true,
  });
  return true;
}

function inspectKind(this: object, depth: number, options: InspectOptions): string {
  const isWithin = depth !== options.depth;
  return kindText(this, isWithin) ?? inspect(this, { ...options, customInspect: false });
}

setTaught(inspectKind);
