// Looks up an object's properties without running any of its code.
import { types } from "node:util";
import { outside } from "../runner/shelter.ts";

export interface Found {
  readonly owner: object;
  readonly property: PropertyDescriptor;
}

/** Finds a property of a value or of its prototypes; undefined if a proxy would have to be asked. */
export function findProperty(value: object, name: PropertyKey): Found | undefined {
  for (let owner: object | null = value; owner; owner = Object.getPrototypeOf(owner)) {
    if (types.isProxy(owner)) return undefined;
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property) return { owner, property };
  }
  return undefined;
}

/** Whether a value is an object with methods of all these names. */
export function hasMethods(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof findProperty(value, name)?.property.value === "function");
}

/**
 * Reads an object's own data, or runs a getter of its class. A getter that the object itself has is
 * not run.
 */
export function readMember(value: object, name: string): unknown {
  const found = findProperty(value, name);
  if (!found) return undefined;
  const { owner, property } = found;
  if ("value" in property) return property.value;
  return owner === value ? undefined : outside(() => property.get?.call(value));
}

/** Calls a method that `hasMethods` found, without arguments. */
export function callMethod(value: object, name: string): unknown {
  const method: unknown = readMember(value, name);
  return typeof method === "function" ? outside(() => method.call(value)) : undefined;
}
