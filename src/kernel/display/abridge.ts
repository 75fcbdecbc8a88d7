// A copy of a value that is cheap to print: bounded, and with short views of what is long inside.
import { inspect, types } from "node:util";

const HIDDEN = 10_000;
const predicates = Object.values(types);

export interface Bounds {
  readonly depth: number;
  /** Items of an array, entries of a map, properties of an object. */
  readonly items: number;
}

/** Something inspected as exactly this text. */
function standIn(text: string): object {
  return { [inspect.custom]: () => text };
}

/**
 * A copy of the containers in a value (arrays, maps, sets, objects), down to a depth. Nothing of the
 * value is run: getters stay getters, proxies are left alone.
 * @param shortView a line for what is too long to print inside another value
 * @returns the copy; nothing where it would have more than `most` parts
 */
export function abridge(
  root: unknown,
  bounds: Bounds,
  most: number,
  shortView: (value: object) => string | undefined,
): { readonly copy: unknown } | undefined {
  const { depth, items } = bounds;
  const copies = new Map<object, object>();
  let parts = 0;

  function copyOf(value: unknown, level: number): unknown {
    parts++;
    if (typeof value !== "object" || value === null || types.isProxy(value)) return value;
    const known = copies.get(value);
    if (known) return known;
    const short = level > 0 ? shortView(value) : undefined;
    if (short !== undefined) return standIn(short);
    if (level > depth || parts > most) return value;
    if (Array.isArray(value)) return copyArray(value, level);
    if (types.isMap(value)) return copyMap(value, level);
    if (types.isSet(value)) return copySet(value, level);
    return isOrdinary(value) ? copyObject(value, level) : value;
  }

  function copyArray(array: unknown[], level: number): unknown {
    const copy: unknown[] = [];
    copies.set(array, copy);
    copy.length = array.length;
    Object.setPrototypeOf(copy, Object.getPrototypeOf(array));
    // naming all the indices of a long array takes longer than printing it
    const keys =
      array.length > HIDDEN
        ? Array.from({ length: items }, (_, index) => String(index))
        : Object.keys(array).filter((key) => !(Number(key) >= items));
    copyProperties(array, copy, keys, level);
    return copy;
  }

  function copyObject(value: object, level: number): object {
    const copy = Object.create(Object.getPrototypeOf(value));
    copies.set(value, copy);
    const keys = Object.keys(value);
    const symbols = Object.getOwnPropertySymbols(value);
    copyProperties(value, copy, [...keys.slice(0, items), ...symbols.slice(0, items)], level);
    if (keys.length > items) copy["..."] = standIn(`${keys.length - items} more properties`);
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
    if (map.size > HIDDEN) return map;
    const copy = new Map();
    copies.set(map, copy);
    for (const [key, item] of Map.prototype.entries.call(map)) {
      if (copy.size < items) copy.set(copyOf(key, level + 1), copyOf(item, level + 1));
      else copy.set(Symbol(), 0); // not printed, but counted
    }
    return Object.setPrototypeOf(copy, Object.getPrototypeOf(map));
  }

  function copySet(set: Set<unknown>, level: number): object {
    if (set.size > HIDDEN) return set;
    const copy = new Set();
    copies.set(set, copy);
    for (const item of Set.prototype.values.call(set)) {
      copy.add(copy.size < items ? copyOf(item, level + 1) : Symbol());
    }
    return Object.setPrototypeOf(copy, Object.getPrototypeOf(set));
  }

  const copy = copyOf(root, 0);
  return parts > most ? undefined : { copy };
}

/** An object without inner slots that a copy would lack, and without a text view of its own. */
function isOrdinary(value: object): boolean {
  const proto = Object.getPrototypeOf(value);
  if (inspect.custom in value) return false;
  if (proto === Object.prototype || proto === null) return true;
  return !ArrayBuffer.isView(value) && !predicates.some((is) => is(value as never));
}
