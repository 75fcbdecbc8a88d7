// Makes tensors, data frames, tables and elements print in Node's inspection as a cell shows them.
import { type InspectOptions, inspect, types } from "node:util";
import { uncurry } from "../originals.ts";
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
  // A cell may have made the functions below print, or throw.
  if (isTeaching || typeof value !== "object" || value === null) return;
  isTeaching = true;
  let left = MOST;
  const seen = new WeakSet<object>();
  const look = (part: unknown, depth: number): void => {
    if (typeof part !== "object" || part === null || isIn(seen, part) || --left < 0) return;
    addTo(seen, part);
    if (isProxy(part) || (!isPlain(part) && teach(part)) || depth === DEPTH) return;
    lookInside(part, (each) => look(each, depth + 1));
  };
  try {
    look(value, 0);
  } catch {
    // It is then printed as Node does.
  } finally {
    isTeaching = false;
  }
}

let isTeaching = false;

const { getOwnPropertyDescriptor, getPrototypeOf, keys } = Object;
const { isArray } = Array;
const { isMap, isProxy, isSet } = types;
const [ObjectPrototype, ArrayPrototype] = [Object.prototype, Array.prototype];
const isIn = uncurry(WeakSet.prototype.has);
const addTo = uncurry(WeakSet.prototype.add);

/** Whether an object has no class to teach, as most printed objects. */
function isPlain(value: object): boolean {
  const proto: unknown = getPrototypeOf(value);
  return proto === ObjectPrototype || proto === ArrayPrototype || proto === null;
}

/** Calls `look` with the first parts of a container. */
function lookInside(value: object, look: (part: unknown) => void): void {
  const data = (key: PropertyKey): unknown => getOwnPropertyDescriptor(value, key)?.value;
  if (isArray(value)) {
    for (let i = 0; i < value.length && i < ITEMS; i++) look(data(i));
  } else if (isMap(value) || isSet(value)) {
    for (const { value: part } of childrenOf(value).entries) look(part);
  } else if (isContainer(value)) {
    const names = keys(value);
    for (let i = 0; i < names.length && i < ITEMS; i++) look(data(names[i]!));
  }
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
