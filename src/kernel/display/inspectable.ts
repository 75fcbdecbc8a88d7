// Makes tensors, data frames, tables and elements print in Node's inspection as a cell shows them.
import { type InspectOptions, inspect, types } from "node:util";
import { childrenOf, ITEMS, isContainer } from "./children.ts";
import { kindText } from "./kinds.ts";
import { setTaught } from "./leaves.ts";
import { findProperty } from "./property.ts";

/** Console methods print no deeper than this; looking at more values than this takes too long. */
const DEPTH = 4;
const MOST = 10_000;

/** Members that mark these classes: the class that has one is taught. */
const MARKS = ["dataSync", "outerHTML", "getChildAt", "columnNames", "$isSeries"];

/**
 * Searches what is about to be printed for library objects that have a view in cells, and makes their
 * classes print themselves that way. Runs none of a value's code, and leaves classes with their own view.
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

/** Whether an object has no class to teach, as most printed objects. */
function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === Array.prototype || proto === null;
}

/** Returns the first parts of a container. */
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
