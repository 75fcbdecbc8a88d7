// What a value has at run time, for completions: names, found without running anything.
import { types } from "node:util";
import type { Inspector } from "./inspect.ts";

const MAX_NAMES = 5000;

/**
 * Node offers `process` and `Buffer` by getters, which nothing may run that only looks. From here on they
 * are plain properties, as they were before Node 12: assigned to and deleted as ever.
 */
export function installPlainGlobals(): void {
  const { process, Buffer } = globalThis;
  for (const [name, value] of Object.entries({ process, Buffer })) {
    const plain = { value, writable: true, configurable: true, enumerable: false };
    Object.defineProperty(globalThis, name, plain);
  }
}

/** The names of a value's properties, its own first; with no expression, what cells can refer to. */
export function membersOf(inspector: Inspector, expression: string): string[] {
  if (expression.trim() === "") {
    return [...new Set([...inspector.declared(), ...Object.getOwnPropertyNames(globalThis)])];
  }
  const found = inspector.peek(expression);
  if (!found || found.value === undefined || found.value === null) return [];
  const names = new Set<string>();
  let object: unknown = Object(found.value);
  // Reflect asks a proxy's traps, which are the user's code; they have no names to offer.
  for (let depth = 0; object !== null && depth < 20; depth++) {
    if (types.isProxy(object)) break;
    // What every object has would bury what this one has; the types know it all.
    if (depth > 0 && object === Object.prototype) break;
    for (const name of Object.getOwnPropertyNames(object)) {
      if (names.size < MAX_NAMES && !/^\d+$/.test(name)) names.add(name);
    }
    object = Object.getPrototypeOf(object);
  }
  return [...names];
}
