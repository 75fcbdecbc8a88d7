// Copies a value for Node to print: bounded, and with short views of long parts inside.
import { types } from "node:util";
import { DEPTH, ITEMS, isContainer, NAMED, sizeOf, standIn } from "./children.ts";

/** The parts of a value that Node may print; more never fit on a screen. */
const PARTS = 2000;

/**
 * Copies the containers in a value (arrays, maps, sets, objects). None of the value's code runs: getters
 * stay getters, proxies are left alone.
 * @param shortView returns a text for what is not copied
 * @returns the copy; undefined if it would be too large
 */
export function abridge(
  root: unknown,
  shortView: (value: object) => string | undefined,
): { readonly copy: unknown } | undefined {
  const copies = new Map<object, object>();
  let parts = 0;

  function copyOf(value: unknown, level: number): unknown {
    parts++;
    if (typeof value !== "object" || value === null || parts > PARTS) return value;
    const known = copies.get(value);
    if (known) return known;
    const short = level > 0 ? shortView(value) : undefined;
    if (short !== undefined) return standIn(short);
    if (level > DEPTH || !isContainer(value)) return value;
    if (Array.isArray(value)) return copyArray(value, level);
    if (types.isMap(value)) return copyMap(value, level);
    if (types.isSet(value)) return copySet(value, level);
    return copyObject(value, level);
  }

  function copyArray(array: unknown[], level: number): unknown {
    const copy: unknown[] = [];
    copies.set(array, copy);
    copy.length = array.length;
    Object.setPrototypeOf(copy, Object.getPrototypeOf(array));
    const keys =
      array.length > NAMED
        ? Array.from({ length: ITEMS }, (_, index) => String(index))
        : Object.keys(array).filter((key) => !(Number(key) >= ITEMS));
    // Node would miscount holes after the copied items.
    const first = keys.slice(0, ITEMS);
    const isDense = first.length === ITEMS && first.every((key) => Object.hasOwn(array, key));
    if (mayCopy(array.length <= ITEMS || isDense ? 0 : array.length)) {
      copyProperties(array, copy, keys, level);
    }
    return copy;
  }

  function copyObject(value: object, level: number): object {
    const copy = Object.create(Object.getPrototypeOf(value));
    copies.set(value, copy);
    const keys = [...Object.keys(value), ...Object.getOwnPropertySymbols(value)];
    if (mayCopy(keys.length)) copyProperties(value, copy, keys, level);
    return copy;
  }

  function copyProperties(from: object, to: object, keys: PropertyKey[], level: number): void {
    for (const key of keys) {
      const property = Object.getOwnPropertyDescriptor(from, key);
      if (!property) continue;
      if ("value" in property) property.value = copyOf(property.value, level + 1);
      Object.defineProperty(to, key, { ...property, configurable: true });
    }
  }

  function copyMap(map: Map<unknown, unknown>, level: number): object {
    const copy = new Map();
    copies.set(map, copy);
    if (!mayCopy(sizeOf(map))) return copy;
    for (const [key, item] of Map.prototype.entries.call(map)) {
      copy.set(copyOf(key, level + 1), copyOf(item, level + 1));
    }
    return Object.setPrototypeOf(copy, Object.getPrototypeOf(map));
  }

  function copySet(set: Set<unknown>, level: number): object {
    const copy = new Set();
    copies.set(set, copy);
    if (!mayCopy(sizeOf(set))) return copy;
    for (const item of Set.prototype.values.call(set)) copy.add(copyOf(item, level + 1));
    return Object.setPrototypeOf(copy, Object.getPrototypeOf(set));
  }

  function mayCopy(entries: number): boolean {
    if (entries > ITEMS) parts += PARTS;
    return entries <= ITEMS;
  }

  const copy = copyOf(root, 0);
  return parts > PARTS ? undefined : { copy };
}
