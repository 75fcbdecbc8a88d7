// A shelter from what cells do to built-ins: the runner's own work finds them as they were at the start.
//
// A cell may replace Array.prototype.map or define Object.prototype.toJSON, and the runner, its libraries and parts of
// Node would use that. So each piece of the runner's work first puts the built-ins back, and cells' changes again
// when it has ended. What runs meanwhile in a cell's name is taken outside. A cell that freezes its change keeps it.

import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { Session } from "node:inspector";
import { StringDecoder } from "node:string_decoder";
import { apply, uncurry } from "../originals.ts";
import { critical } from "./critical.ts";

/** An object's properties at the start. */
interface Kept {
  readonly object: object;
  readonly keys: readonly PropertyKey[];
  readonly properties: readonly PropertyDescriptor[];
  /** Those with a value, which can be compared without a descriptor, and their values. */
  readonly valued: readonly PropertyKey[];
  readonly values: readonly unknown[];
  /** Where the others are in `keys`. */
  readonly accessors: readonly number[];
  /** Well-known symbols that it did not have. */
  readonly absent: readonly symbol[];
}

/** A property as a cell has left it; undefined if the cell deleted it. */
interface Change {
  readonly object: object;
  readonly key: PropertyKey;
  readonly property: PropertyDescriptor | undefined;
  readonly next: Change | undefined;
}

const { getOwnPropertyDescriptor, getPrototypeOf, hasOwn, is, setPrototypeOf } = Object;
const { defineProperty, deleteProperty, ownKeys } = Reflect;
const then = uncurry(Promise.prototype.then);
const ObjectPrototype = Object.prototype;
const ArrayPrototype = Array.prototype;

/** What the runner, acorn and Node's type stripper use; these two come first, because they can disturb the search. */
const FIRST = [Object, Array];
const CLASSES =
  "Function String Number Boolean Symbol BigInt Promise RegExp Date Map Set WeakMap WeakSet WeakRef Error AggregateError " +
  "EvalError RangeError ReferenceError SyntaxError TypeError URIError ArrayBuffer SharedArrayBuffer DataView Uint8Array " +
  "Int32Array Iterator AsyncDisposableStack URL TextDecoder TextEncoder Event EventTarget Buffer";
const NAMESPACES = "Math JSON Reflect Atomics WebAssembly";
/** Other names that they look up: of the hundred more that Node has, none. */
const NAMES = "globalThis process console queueMicrotask structuredClone performance";
/** Settings that the runner itself follows. */
const SETTINGS: ReadonlySet<PropertyKey> = new Set(["stackTraceLimit", "prepareStackTrace"]);

const { isConcatSpreadable, iterator, asyncIterator, toPrimitive, species, hasInstance } = Symbol;
const WELL_KNOWN = [isConcatSpreadable, iterator, asyncIterator, toPrimitive, species, hasInstance];

const kept: Kept[] = [];
/** Whether the built-ins are as at the start, because the runner works. */
let isSheltered = false;
let changes: Change | undefined;

/** Notes the built-ins. Must be called before the first cell, once the runner has installed its own. */
export function installShelter(): void {
  const of = (name: string) => (globalThis as Record<string, unknown>)[name] as object;
  const classes = [
    ...CLASSES.split(" ").map(of),
    AsyncLocalStorage,
    EventEmitter,
    Session,
    StringDecoder,
  ];
  const samples = [
    [].values(),
    new Map().keys(),
    new Set().keys(),
    ""[Symbol.iterator](),
    "".matchAll(/./g),
  ];
  const all = new Set<object>();
  const add = (object: object): void => {
    if (!all.has(object) && all.add(object) && getPrototypeOf(object)) add(getPrototypeOf(object));
  };
  for (const each of [...FIRST, ...classes]) {
    add((each as { prototype: object }).prototype);
    add(each);
  }
  for (const each of [...samples, (function* () {})()]) add(getPrototypeOf(each));
  for (const each of [...NAMESPACES.split(" ").map(of), globalThis, process]) add(each);
  const names: ReadonlySet<PropertyKey> = new Set(
    `${FIRST.map(({ name }) => name).join(" ")} ${CLASSES} ${NAMESPACES} ${NAMES}`.split(" "),
  );
  for (const object of all) {
    const keys = ownKeys(object).filter((key) =>
      object === globalThis ? names.has(key) : !SETTINGS.has(key),
    );
    const properties = keys.map((key) =>
      setPrototypeOf(getOwnPropertyDescriptor(object, key), null),
    );
    const has = (k: number): boolean => hasOwn(properties[k]!, "value");
    const places = keys.map((_, k) => k);
    const valued = places.filter((k) => has(k) && !is(properties[k]!.value, Number.NaN));
    kept.push({
      ...{ object, keys, properties },
      valued: valued.map((k) => keys[k]!),
      values: valued.map((k) => properties[k]!.value),
      accessors: places.filter((k) => !has(k)),
      absent: WELL_KNOWN.filter((symbol) => !hasOwn(object, symbol)),
    });
  }
}

/** Does the runner's work, with the built-ins as at the start. */
export function sheltered<T>(work: () => T): T {
  if (isSheltered) return work();
  enter();
  try {
    return work();
  } finally {
    leave();
  }
}

/** Does the runner's work at an end of a cell's code, which may have entered the shelter already. */
export function inShelter<T>(work: () => T): T {
  enter();
  try {
    return work();
  } finally {
    leave();
  }
}

/** Calls a cell's code from within the runner's work. */
export function outside<T>(work: () => T): T {
  // Without changes, inside and outside are the same.
  if (!isSheltered || !changes) return work();
  leave();
  try {
    return work();
  } finally {
    enter();
  }
}

/** Does work in sheltered steps: a promise that it yields is waited for, in between. */
export function inSteps(work: Generator<unknown, void, unknown>): void {
  const step = (resume: () => IteratorResult<unknown, void>): void =>
    sheltered(() => {
      const { done, value } = resume();
      if (done) return;
      then(
        Promise.resolve(value),
        (settled) => step(() => work.next(settled)),
        (error) => step(() => work.throw(error)),
      );
    });
  step(() => work.next());
}

/** Puts the built-ins back. */
export function enter(): void {
  critical(() => {
    if (isSheltered) return;
    isSheltered = true;
    changes = undefined;
    for (let i = 0; i < kept.length; i++) if (isTouched(kept[i]!)) putBack(kept[i]!);
  });
}

/** Makes the cells' changes again. */
export function leave(): void {
  critical(() => {
    if (!isSheltered) return;
    for (let each = changes; each; each = each.next) {
      if (each.property) defineProperty(each.object, each.key, each.property);
      else deleteProperty(each.object, each.key);
    }
    changes = undefined;
    isSheltered = false;
  });
}

/** Makes a function one that an emitter can call: Node looks up its `apply`. */
export function heard<F extends (...args: never[]) => unknown>(listener: F): F {
  const value = (self: unknown, args: never[]): unknown => apply(listener, self, args);
  Object.defineProperty(listener, "apply", { value });
  return listener;
}

/** Whether a cell has given all objects a property, which even fs.writeSync() may take for its own. */
export const isExtended = (): boolean => ownKeys(ObjectPrototype).length !== kept[0]?.keys.length;

/** Whether a promise would take any object for a promise: a script that ends then would never end. */
export const isEveryObjectThenable = (): boolean => hasOwn(ObjectPrototype, "then");

/**
 * Whether a cell has changed one of the properties, or may have added one: quickly, because it is asked at each step.
 * A getter in place of a value is called once.
 */
function isTouched({ object, keys, properties, valued, values, accessors, absent }: Kept): boolean {
  try {
    for (let i = 0; i < valued.length; i++) {
      if ((object as Record<PropertyKey, unknown>)[valued[i]!] !== values[i]) return true;
    }
  } catch {
    return true;
  }
  for (let i = 0; i < accessors.length; i++) {
    const k = accessors[i]!;
    const found = getOwnPropertyDescriptor(object, keys[k]!);
    if (!found || found.get !== properties[k]!.get) return true;
  }
  for (let i = 0; i < absent.length; i++) if (hasOwn(object, absent[i]!)) return true;
  if (object !== ObjectPrototype && object !== ArrayPrototype) return false;
  return ownKeys(object).length !== keys.length;
}

/** Nothing here may use what a cell can have changed: no iterators, no methods, no new items of arrays. */
function putBack({ object, keys, properties }: Kept): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const property = properties[i]!;
    const found = getOwnPropertyDescriptor(object, key);
    if (found && object === ObjectPrototype) setPrototypeOf(found, null);
    if (found && isSame(found, property)) continue;
    if (defineProperty(object, key, property)) note(object, key, found);
  }
  const now = ownKeys(object);
  for (let i = 0; now.length > keys.length && i < now.length; i++) {
    const key = now[i]!;
    const found = getOwnPropertyDescriptor(object, key)!;
    const isNew = !hasKey(keys, key) && isHarmful(object, key);
    if (isNew && deleteProperty(object, key)) note(object, key, found);
  }
}

function note(object: object, key: PropertyKey, found: PropertyDescriptor | undefined): void {
  const property = found && setPrototypeOf(found, null);
  changes = { object, key, property, next: changes };
}

function isSame(a: PropertyDescriptor, b: PropertyDescriptor): boolean {
  return hasOwn(b, "value") ? hasOwn(a, "value") && is(a.value, b.value) : a.get === b.get;
}

function hasKey(keys: readonly PropertyKey[], key: PropertyKey): boolean {
  for (let i = 0; i < keys.length; i++) if (keys[i] === key) return true;
  return false;
}

/** Whether a property that a cell adds changes how the language treats an object. A view of its own, for example,
 *  changes nothing but the view. */
function isHarmful(object: object, key: PropertyKey): boolean {
  if (typeof key === "symbol") return hasKey(WELL_KNOWN, key);
  if (object === ObjectPrototype) return true;
  return object === ArrayPrototype && (key === "toJSON" || key === "then" || +key >= 0);
}
