// Safetensors: what is written reads back, and all damage is noticed and explained.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  type NamedArray,
} from "../../src/formats/safetensors.ts";

function sample(): Buffer {
  const tensors = new Map<string, NamedArray>([
    ["weight", { shape: [2, 3], values: Float32Array.of(1, -2.5, 3e-40, 0, 5, Number.NaN) }],
    ["curve", { shape: [2], values: Float64Array.of(0.1, 1 / 3) }],
    ["empty", { shape: [0, 4], values: new Float32Array(0) }],
    ["scalar", { shape: [], values: Float32Array.of(7) }],
  ]);
  return Buffer.from(encodeSafetensors({ tensors, metadata: { b: "2", a: "ä" } }));
}

/** Makes a file with the given header and number of data bytes. */
function crafted(header: unknown, data = 8): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, Buffer.alloc(data)]);
}

test("arrays, shapes and metadata come back bit for bit", () => {
  const { tensors, metadata } = decodeSafetensors(sample(), "x");
  assert.deepEqual(metadata, { a: "ä", b: "2" });
  assert.deepEqual([...tensors.keys()].sort(), ["curve", "empty", "scalar", "weight"]);
  assert.deepEqual(tensors.get("weight"), {
    shape: [2, 3],
    values: Float32Array.of(1, -2.5, 3e-40, 0, 5, Number.NaN),
  });
  assert.deepEqual(tensors.get("curve")?.values, Float64Array.of(0.1, 1 / 3));
  assert.deepEqual(tensors.get("scalar")?.shape, []);
});

test("the order of insertion does not change the bytes, and the data start aligned", () => {
  const one: NamedArray = { shape: [1], values: Float32Array.of(1) };
  const two: NamedArray = { shape: [1], values: Float32Array.of(2) };
  const pairs: [string, NamedArray][] = [
    ["one", one],
    ["two", two],
  ];
  const forwards = encodeSafetensors({ tensors: new Map(pairs), metadata: { a: "1", b: "2" } });
  const backwards = encodeSafetensors({
    tensors: new Map(pairs.reverse()),
    metadata: { b: "2", a: "1" },
  });
  assert.deepEqual(forwards, backwards);
  assert.equal(Buffer.from(forwards).readBigUInt64LE() % 8n, 0n);
});

test("every truncation is rejected", () => {
  const whole = sample();
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeSafetensors(whole.subarray(0, length), "cut"), FormatError);
  }
  assert.throws(() => decodeSafetensors(Buffer.concat([whole, Buffer.alloc(1)]), "long"), {
    name: "FormatError",
    message: /^long is not a whole safetensors file: its arrays end at byte/,
  });
});

test("every flipped bit of the header is rejected or leaves readable arrays", () => {
  const whole = sample();
  const end = 8 + Number(whole.readBigUInt64LE());
  for (let at = 0; at < end; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << bit;
      try {
        decodeSafetensors(flipped, "flipped");
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }
  }
});

test("headers with false claims are rejected, with the reason", () => {
  const entry = (change: object): object => ({
    x: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...change },
  });
  assert.equal(decodeSafetensors(crafted(entry({})), "good").tensors.size, 1);
  const cases: [header: unknown, message: RegExp][] = [
    ["{", /header is not valid JSON/],
    ["[]", /header is not an object/],
    [{ x: 3 }, /"x" is not an object/],
    [entry({ dtype: "I64" }), /type I64/],
    [entry({ shape: [-2] }), /no proper shape/],
    [entry({ shape: [1.5] }), /no proper shape/],
    [entry({ shape: [2 ** 40, 2 ** 40] }), /claims the bytes/],
    [entry({ data_offsets: [0, 16] }), /claims the bytes 0 to 16 of 8/],
    [entry({ data_offsets: [8, 0] }), /claims the bytes/],
    [entry({ data_offsets: [0] }), /no proper offsets/],
    [entry({ shape: [1], data_offsets: [4, 8] }), /gap or overlap/],
    [{ ...entry({}), y: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, /overlap/],
    [{ __metadata__: { a: 1 } }, /metadata "a" is not text/],
  ];
  for (const [header, message] of cases) {
    assert.throws(() => decodeSafetensors(crafted(header), "lie"), message);
  }
  const huge = Buffer.alloc(16);
  huge.writeBigUInt64LE(2n ** 63n);
  assert.throws(() => decodeSafetensors(huge, "huge"), /does not fit/);
});
