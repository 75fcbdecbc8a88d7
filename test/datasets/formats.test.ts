// Each number type of npy and pickle, and each kind of archive.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseTestIndex } from "../../src/datasets/planetoid-parts.ts";
import { toFloat32, toInt32 } from "../../src/formats/arrays.ts";
import { BadFileError } from "../../src/formats/errors.ts";
import { NpzFile, parseNpy } from "../../src/formats/npz.ts";
import { unpickle } from "../../src/formats/pickle.ts";
import { NdArray } from "../../src/formats/pickle-values.ts";
import { writeNpy, writeZip } from "./support/npz-writer.ts";
import { PickleWriter } from "./support/pickle-writer.ts";

/** Returns the bytes of a typed array in either byte order. */
function bytesOf(values: ArrayBufferView, order: string): Uint8Array {
  const bytes = Buffer.from(values.buffer.slice(0));
  const size = (values as Int32Array).BYTES_PER_ELEMENT;
  if (order !== ">" || size === 1) return bytes;
  return size === 2 ? bytes.swap16() : size === 4 ? bytes.swap32() : bytes.swap64();
}

const INTEGERS: readonly (readonly [type: string, values: ArrayBufferView])[] = [
  ["i1", Int8Array.of(-128, -1, 0, 127)],
  ["u1", Uint8Array.of(0, 1, 128, 255)],
  ["i2", Int16Array.of(-32768, -1, 0, 32767)],
  ["u2", Uint16Array.of(0, 1, 32768, 65535)],
  ["i4", Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1)],
  ["u4", Uint32Array.of(0, 1, 2 ** 31 - 1)],
  ["i8", BigInt64Array.of(-(2n ** 31n), -1n, 0n, 2n ** 31n - 1n)],
  ["u8", BigUint64Array.of(0n, 1n, 2n ** 31n - 1n)],
];

describe("whole numbers of every type, either byte order", () => {
  for (const [type, values] of INTEGERS) {
    test(type, () => {
      for (const order of ["<", ">"]) {
        const shape = [(values as Int32Array).length];
        const spec = { dtype: order + type, shape, bytes: bytesOf(values, order) };
        const expected = Array.from(values as Int32Array, Number);
        assert.deepEqual([...toInt32(parseNpy(writeNpy(spec), "x"), "x")], expected);
        const array = unpickle(
          new PickleWriter({ protocol: 2, python: 2 }).array(spec).finish(),
          "x",
        );
        assert.ok(array instanceof NdArray);
        assert.deepEqual(Buffer.from(array.bytes!), Buffer.from(spec.bytes));
        assert.equal(array.dtype!.littleEndian, order === "<");
      }
    });
  }

  test("beyond int32", () => {
    for (const [dtype, values] of [
      ["<u4", Uint32Array.of(2 ** 31)],
      ["<i8", BigInt64Array.of(2n ** 31n)],
      ["<i8", BigInt64Array.of(-(2n ** 31n) - 1n)],
      ["<u8", BigUint64Array.of(2n ** 32n)],
      ["<u8", BigUint64Array.of(2n ** 31n)],
    ] as const) {
      const array = parseNpy(writeNpy({ dtype, shape: [1], bytes: bytesOf(values, "<") }), "x");
      assert.throws(() => toInt32(array, "x"), BadFileError, `${dtype} ${values[0]}`);
    }
  });
});

test("floating-point numbers in either byte order, rejected unless finite in float32", () => {
  for (const order of ["<", ">"]) {
    const bytes = bytesOf(Float64Array.of(0.5, -3), order);
    const array = parseNpy(writeNpy({ dtype: `${order}f8`, shape: [2], bytes }), "x");
    assert.deepEqual([...toFloat32(array, "x")], [0.5, -3]);
  }
  for (const value of [Number.NaN, Number.NEGATIVE_INFINITY, 1e300]) {
    const bytes = bytesOf(Float64Array.of(value), "<");
    const array = parseNpy(writeNpy({ dtype: "<f8", shape: [1], bytes }), "x");
    assert.throws(() => toFloat32(array, "x"), BadFileError);
  }
});

test("an archive with a 64-bit directory", () => {
  const spec = { dtype: "|u1", shape: [3], bytes: Uint8Array.of(1, 2, 3) };
  const members = new Map([
    ["a.npy", writeNpy(spec)],
    ["b.npy", writeNpy({ ...spec, bytes: Uint8Array.of(4, 5, 6) })],
  ]);
  const npz = new NpzFile(writeZip(members, { deflate: true, zip64Directory: true }), "x");
  assert.deepEqual([...toInt32(npz.array("b"), "x")], [4, 5, 6]);
});

test("numbers, text and memos of protocol 0 in a dict", () => {
  const text = "(dp0\nI1\nI01\nsI-2\nF1.5e-3\nsL7L\nV\\u00e9t\\u00e9\np1\nsI8\ng1\ns.";
  const dict = unpickle(Buffer.from(text, "latin1"), "x");
  assert.deepEqual(
    dict,
    new Map<unknown, unknown>([
      [1, true],
      [-2, 0.0015],
      [7, "été"],
      [8, "été"],
    ]),
  );
});

test("strings of protocol 0 keep every byte", () => {
  const all = Uint8Array.from({ length: 256 }, (_, k) => k);
  for (const python of [2, 3] as const) {
    const bytes = new PickleWriter({ protocol: 0, python }).bytes(all).finish();
    assert.deepEqual(Buffer.from(unpickle(bytes, "x") as Uint8Array), Buffer.from(all));
  }
});

test("an empty list of test nodes is rejected rather than taken for nodes from -1 on", () => {
  for (const text of ["", "\n"]) {
    const file = { bytes: Buffer.from(text), path: "ind.toy.test.index" };
    assert.throws(() => parseTestIndex(file), BadFileError);
  }
  const empty = { bytes: Buffer.alloc(0), path: "ind.toy.test.index" };
  assert.throws(() => parseTestIndex(empty), { message: /test\.index: it names no test node$/ });
});
