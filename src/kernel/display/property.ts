// Where an object has a property from, found without running anything of it.
import { types } from "node:util";

export interface Found {
  readonly owner: object;
  readonly property: PropertyDescriptor;
}

/** A property of a value or of its prototypes; nothing where a proxy would have to be asked. */
export function findProperty(value: object, name: PropertyKey): Found | undefined {
  for (let owner: object | null = value; owner; owner = Object.getPrototypeOf(owner)) {
    if (types.isProxy(owner)) return undefined;
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property) return { owner, property };
  }
  return undefined;
}

/** Whether a value is an object that has methods of all of these names. */
export function hasMethods(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof findProperty(value, name)?.property.value === "function");
}

/**
 * What a class's getter, or the object's own data, says under a name. A getter that the object itself
 * has is not run.
 */
export function readMember(value: object, name: string): unknown {
  const found = findProperty(value, name);
  if (!found) return undefined;
  const { owner, property } = found;
  if ("value" in property) return property.value;
  return owner === value ? undefined : property.get?.call(value);
}

/** What a method that `hasMethods` found gives without arguments. */
export function callMethod(value: object, name: string): unknown {
  const method: unknown = readMember(value, name);
  return typeof method === "function" ? method.call(value) : undefined;
}
