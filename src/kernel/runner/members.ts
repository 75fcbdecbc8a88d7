// A value's names at run time, for completion, found without running any user code.
import { types } from "node:util";
import { type Shadows, unmarked } from "../cell/shadows.ts";
import type { Inspector } from "./inspect.ts";

const MAX_NAMES = 5000;

/**
 * Makes `process` and `Buffer` plain properties, as before Node 12: they can be assigned and deleted as
 * ever. Node defines them by getters, which completion must not run.
 */
export function installPlainGlobals(): void {
  const { process, Buffer } = globalThis;
  for (const [name, value] of Object.entries({ process, Buffer })) {
    const plain = { value, writable: true, configurable: true, enumerable: false };
    Object.defineProperty(globalThis, name, plain);
  }
}

/** Returns the names of a value's properties, its own first; without an expression, all that cells can use. */
export function membersOf(inspector: Inspector, expression: string, shadows: Shadows): string[] {
  if (expression.trim() === "") {
    return [
      ...new Set([
        ...inspector.declared().map(unmarked),
        ...Object.getOwnPropertyNames(globalThis),
      ]),
    ];
  }
  const found = inspector.peek(shadows.markedFirst(expression));
  if (!found || found.value === undefined || found.value === null) return [];
  const names = new Set<string>();
  let object: unknown = Object(found.value);
  // Reflection would run a proxy's traps, which are user code, so proxies offer no names.
  for (let depth = 0; object !== null && depth < 20; depth++) {
    if (types.isProxy(object)) break;
    // What every object has would bury the value's own names, and the types know it anyway.
    if (depth > 0 && object === Object.prototype) break;
    for (const name of Object.getOwnPropertyNames(object)) {
      if (names.size < MAX_NAMES && !/^\d+$/.test(name)) names.add(name);
    }
    object = Object.getPrototypeOf(object);
  }
  return [...names];
}
