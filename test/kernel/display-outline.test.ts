// Values too large for a screen: their first entries are shown in full, with the number of the others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { bundleOf } from "../../src/kernel/display/bundle.ts";
import { randomOf } from "./fuzz-messages.ts";

function view(value: unknown, type = "text/plain"): string | undefined {
  const bundle = bundleOf(value);
  assert.ok(!(bundle instanceof Promise));
  const text = bundle[type];
  assert.ok(text === undefined || typeof text === "string");
  return text;
}

const text = (value: unknown): string => view(value) ?? assert.fail("no text");

const many = <T>(length: number, make: (i: number) => T): T[] =>
  Array.from({ length }, (_, i) => make(i));

const user = (id: number) => ({
  id,
  name: `User ${id}`,
  email: `user${id}@example.org`,
  address: { city: "Paris", geo: { lat: 48.85 + id, lon: 2.35 } },
});

const flat = (i: number) => ({
  id: i,
  name: `Name ${i}`,
  mail: `m${i}@example.org`,
  age: 20 + i,
  city: "Berlin",
  zip: "10115",
  active: i % 2 === 0,
  score: i / 7,
});

const MORE = /,?\s*\.\.\. ([\d,]+) more (?:items?|property|properties)/g;
const MORE_CHARACTERS = /\.\.\. \d+ more characters?/g;

/** Reads a text back with V8; counts the entries and string ends that it says it leaves out. */
function readBack(shown: string) {
  const left = [...shown.matchAll(MORE)].map(([, digits]) => Number(digits?.replaceAll(",", "")));
  const code = shown.replace(MORE, "").replace(MORE_CHARACTERS, "");
  const value: unknown = runInNewContext(`(${code})`);
  return { value, left: left.reduce((sum, each) => sum + each, 0) };
}

/** Counts the entries of `whole` missing in `part`, whose own entries must be the first ones. */
function missing(part: unknown, whole: unknown): number {
  if (typeof whole === "string" && typeof part === "string") {
    assert.ok(whole.startsWith(part));
    return 0;
  }
  if (typeof whole !== "object" || whole === null) {
    assert.ok(Object.is(part, whole), `${inspect(part)} for ${inspect(whole)}`);
    return 0;
  }
  assert.ok(typeof part === "object" && part !== null, inspect(part));
  const [keys, all] = [Object.keys(part), Object.keys(whole)];
  assert.deepEqual(keys, all.slice(0, keys.length));
  let count = all.length - keys.length;
  for (const key of keys) count += missing(Reflect.get(part, key), Reflect.get(whole, key));
  return count;
}

/** Asserts that a view is a screenful of the value's first entries, with the right count of the others. */
function assertHonest(value: unknown): string {
  const shown = text(value);
  assert.ok(shown.split("\n").length <= 40, shown);
  assert.ok(shown.length <= 4500, `${shown.length} characters`);
  assert.doesNotMatch(shown, /\[(Object|Array)\]/);
  const { value: read, left } = readBack(shown);
  assert.equal(left, missing(read, value), shown);
  return shown;
}

test("entries are left out before depth", () => {
  const ten = assertHonest(many(10, user));
  assert.match(ten, /id: 9, /);
  assert.doesNotMatch(ten, /more/);
  const reply = { page: 1, data: many(12, user), next: null };
  assert.equal(missing(readBack(assertHonest(reply)).value, reply), 0);
  assert.match(assertHonest({ page: 1, data: many(90, user), next: null }), /next: null\n\}$/);
  const thirty = assertHonest(many(30, flat));
  assert.match(thirty, /id: 11, /, "half a screen of records at least");
  assert.match(assertHonest(many(10_000, flat)), /\.\.\. 9,9\d\d more items\n\]$/);
  assertHonest(many(100, (i) => many(100, (j) => i * j)));
  const state = {
    weights: many(1000, (i) => i),
    users: many(1000, user),
    config: { rate: 0.1, layers: many(64, (i) => ({ i, shape: [64, 64] })) },
    names: many(300, (i) => `n${i}`),
  };
  const shown = assertHonest(state);
  for (const part of ["weights: [", "id: 2,", "rate: 0.1", "shape: [ 64, 64 ]", "'n20'"]) {
    assert.ok(shown.includes(part), `${part} in ${shown}`);
  }
  const byName = Object.fromEntries(many(200, (i) => [`user ${i}`, user(i)]));
  assert.match(assertHonest(byName), /lat: 53.85.*\.\.\. 1\d\d more properties\n\}$/s);
  const features = many(30, (i) => ({
    type: "Feature",
    geometry: { type: "Polygon", coordinates: [many(200, (j) => [i, j])] },
  }));
  const map = assertHonest({ type: "FeatureCollection", features });
  assert.match(map, /\[ 0, 19 \].*\.\.\. 29 more items/s);
});

test("strings are cut last", () => {
  const long = (id: number) => ({ id, body: `text ${id} `.repeat(100) });
  const shown = assertHonest(many(12, long));
  assert.ok(shown.includes(`'${long(2).body}'`), "whole where entries can be left out");
  const one = assertHonest([{ id: 1, body: "x".repeat(9000), tags: ["a", "b"] }]);
  assert.match(one, /x{1000}'\.\.\. \d+ more characters/);
  assert.match(one, /tags: \[ 'a', 'b' \]/);
  const ten = Object.fromEntries(many(10, (i) => [`field${i}`, `${i}`.repeat(5000)]));
  assert.match(assertHonest(ten), /field9: '9{60}/);
});

test("maps, sets, classes, holes, getters, cycles and odd values", () => {
  assert.match(
    text(new Map(many(100, (i) => [`k${i}`, user(i)]))),
    /^Map\(100\) \{\n {2}'k0' => \{ id: 0,.*lon: 2.35 \} \} \},.*\.\.\. \d\d more items\n\}$/s,
  );
  assert.match(text(new Set(many(5000, user))), /^Set\(5000\) \{\n {2}\{ id: 0.* more items\n\}$/s);
  class Person {
    name = "Ada";
    users = many(30, user);
  }
  class People extends Array {}
  const people = text(People.from(many(50, () => new Person())));
  assert.match(
    people,
    /^People\(50\) \[\n {2}Person \{\n {4}name: 'Ada',\n.*\.\.\. 49 more items\n\]$/s,
  );
  const bare = text(many(50, (i) => Object.assign(Object.create(null), { user: user(i), n: 10n })));
  assert.match(bare, /^\[\n {2}\[Object: null prototype\] \{.*lon: 2.35.*n: 10n/s);
  const sparse = text(Object.assign(Array(5000), { 3: user(1), 4000: many(500, user), named: 5 }));
  assert.match(
    sparse,
    /<3 empty items>,.*<3996 empty items>,.*more items\n {2}\],\n {2}<999 empty/s,
  );
  assert.match(sparse, /named: 5\n\]$/);
  let ran = 0;
  const odd = text(
    many(100, (i) => ({
      get loud() {
        return ran++;
      },
      user: user(i),
      at: new Date(0),
      pattern: /a/g,
      [Symbol("s")]: i,
      "with space": undefined,
      error: new RangeError("no"),
      proxy: new Proxy({ i }, { get: () => ran++ }),
      data: new Float32Array(1000),
      f: (x: number) => x,
    })),
  );
  assert.equal(ran, 0);
  for (const part of [
    "loud: [Getter]",
    "at: 1970-01-01T00:00:00.000Z",
    "pattern: /a/g",
    "[Symbol(s)]: 0",
    "'with space': undefined",
    "RangeError: no",
    "proxy: { i: 0 }",
    "data: Float32Array(1000) [ 0, 0,",
    "f: [Function: f]",
    "... 98 more items",
  ]) {
    assert.ok(odd.includes(part), `${part} in ${odd}`);
  }
  const circular: { self?: unknown; list: object[] } = {
    list: many(80, (i) => ({ ...user(i), up: {} })),
  };
  circular.self = circular;
  for (const item of circular.list) Reflect.set(item, "up", circular);
  const ring = text(circular);
  assert.match(
    ring,
    /^<ref \*1> \{\n {2}list: \[.*up: \[Circular \*1\].*self: \[Circular \*1\]\n\}$/s,
  );
});

test("what looks small and is not takes no longer than a screenful", () => {
  const shared = many(50, (i) => ({ i }));
  const doubled: unknown[] = [1];
  for (let i = 0; i < 60; i++) doubled.push([doubled.at(-1), doubled.at(-1)]);
  const values: unknown[] = [
    many(1_000_000, (i) => (i % 2 ? i : { i })),
    Object.fromEntries(many(100_000, (i) => [`k${i}`, { i }])),
    new Map(many(100_000, (i) => [{ i }, [i]])),
    many(100, () => many(100, () => many(100, () => shared))),
    doubled,
    many(
      100,
      () =>
        new Proxy(
          many(100, () => new Proxy({ shared }, {})),
          {},
        ),
    ),
    new Proxy(many(1000, user), {}),
    Object.assign(new Error("e"), { response: { data: many(1000, user) } }),
  ];
  for (const value of values) {
    const start = performance.now();
    const shown = text(value);
    // Printed in full, each takes minutes.
    assert.ok(performance.now() - start < 20_000);
    assert.ok(shown.split("\n").length <= 41);
  }
});

test("of 120 random values, each view is honest", () => {
  const next = randomOf(1);
  const random = () => next(1e6) / 1e6;
  for (let i = 0; i < 120; i++) {
    const size = () => Math.floor(1 / (0.01 + random()));
    const make = (depth: number): unknown => {
      const kind = random();
      if (depth === 0 || kind < 0.2) return Math.round(random() * 1e4) / 4;
      if (kind < 0.35) return "a b'c\n".repeat(size() % 40);
      if (kind < 0.4) return [null, undefined, true, 5n][size() % 4];
      if (kind < 0.7) return many(size(), () => make(depth - 1));
      return Object.fromEntries(many(size() % 45, (i) => [`key_${i}`, make(depth - 1)]));
    };
    const value = [make(4), make(3), make(2)];
    assertHonest(value);
  }
});

test("records become a table with head and tail, whatever their number", () => {
  const table = (value: unknown): string => view(value, "text/html") ?? assert.fail(inspect(value));
  const rowsOf = (html: string) => html.match(/<tr>/g)?.length ?? 0;
  const heads = (html: string) =>
    [...html.matchAll(/<th>([^<\d]+)<\/th>/g)].map(([, name]) => name);
  for (const [length, rows] of [
    [2, 2],
    [20, 20],
    [25, 21],
    [60, 21],
    [10_000, 21],
  ] as const) {
    const html = table(many(length, flat));
    assert.equal(rowsOf(html), 1 + rows, `${length} records`);
    assert.deepEqual(heads(html).slice(0, 8), Object.keys(flat(0)));
    assert.ok(html.includes(`<td>Name ${length - 1}</td>`), "the tail");
    assert.equal(html.includes("10,000 records × 8 fields"), length === 10_000);
  }
  assert.match(
    table(many(10, user)),
    /<td>\{ city: &#39;Paris&#39;, geo: \{ lat: 48.85, lon: 2.35 \} \}</,
  );
  // Fields that some records lack, dates, large integers, no prototype.
  const uneven = many(30, (i) => ({ i, ...(i % 3 === 0 ? {} : { at: new Date(0) }), n: 10n }));
  // Columns come in the order in which they are found: the first record has no `at`.
  assert.deepEqual(heads(table(uneven)).slice(0, 3), ["i", "n", "at"]);
  assert.match(table(uneven), /<td>10<\/td><td>1970-01-01T00:00:00.000Z<\/td>/);
  table(many(30, (i) => Object.assign(Object.create(null), { i, j: i })));
  // Some are too long for a cell, and there are too many for text.
  assert.match(
    table(many(12, (id) => ({ id, body: "word ".repeat(200) }))),
    /<td>(word ){9}wo\.\.\.<\/td>/, // 50 characters
  );
  const large = many(1_000_000, () => ({ a: 1, b: "x" }));
  assert.match(table(large), /1,000,000 records × 2 fields/);
  for (const other of [
    many(60, (i) => (i % 2 ? { a: 1 } : { b: 1 })),
    many(60, () => ({ a: {}, b: [1], c: 1 })),
    many(60, (i) => (i === 59 ? 5 : { i })),
    many(60, () => ({
      get a() {
        return assert.fail("a getter ran");
      },
    })),
    many(3, () => ({ id: 1, list: many(30, (i) => i) })),
    many(60, (i) => new Map([[i, i]])),
  ]) {
    assert.equal(view(other, "text/html"), undefined, inspect(other[0]));
  }
});
