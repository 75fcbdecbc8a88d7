// Files of a teacher's outputs: npz, safetensors and .npy files give the same; broken ones are refused in a line.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { GivenTeacher } from "../../src/distillation/given-teacher.ts";
import { encodeNpy, encodeNpz } from "../../src/formats/npz-writer.ts";
import { encodeSafetensors, type NamedArray } from "../../src/formats/safetensors.ts";
import { describeOutputs, loadTeacherOutputs } from "../../src/training/teacher-outputs.ts";
import { spread } from "./flips.ts";
import { temporaryFolder } from "./small.ts";

const folder = temporaryFolder({ after } as TestContext);
const matrix = (rows: number, width: number, seed: number) => ({
  shape: [rows, width],
  values: Float32Array.from({ length: rows * width }, (_, k) => Math.sin(seed + k)),
});
const arrays = {
  logits: matrix(5, 3, 1),
  hidden: matrix(5, 4, 2),
  "layer.0": matrix(5, 2, 3),
  "layer.1": matrix(5, 6, 4),
};
const entries = new Map(Object.entries(arrays));

function saved(name: string, bytes: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

const safetensors = (tensors: ReadonlyMap<string, NamedArray>): Uint8Array =>
  encodeSafetensors({ tensors, metadata: {} });

/** A .npy file of any type and order. */
function npy(descr: string, shape: string, data: NodeJS.TypedArray, fortran = "False"): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape}), }\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    length,
    Buffer.from(header),
    bytes,
  ]);
}

test("the same arrays in every form have one fingerprint", async () => {
  const side = join(folder, "side");
  mkdirSync(side);
  for (const [name, array] of entries) writeFileSync(join(side, `${name}.npy`), encodeNpy(array));
  const doubles = new Map(
    [...entries].map(([name, { shape, values }]) => [
      name,
      { shape, values: Float64Array.from(values) },
    ]),
  );
  const others = new Map(
    [...entries].map(([name, array]) => [name.replace("layer.", "layer_"), array]),
  );
  const sources = [
    saved("one.npz", encodeNpz(entries)),
    saved("underscores.npz", encodeNpz(others)),
    saved("one.safetensors", safetensors(entries)),
    saved("doubles.safetensors", safetensors(doubles)),
    side,
    {
      logits: arrays.logits,
      hidden: arrays.hidden,
      layers: [arrays["layer.0"], arrays["layer.1"]],
    },
  ];
  const [first, ...rest] = await Promise.all(sources.map((source) => loadTeacherOutputs(source)));
  for (const other of rest) {
    assert.deepEqual(other.config, first!.config);
    assert.deepEqual(other.outputs, first!.outputs);
  }
  assert.deepEqual(first!.config.widths, [2, 6]);
  assert.match(
    describeOutputs(first!),
    /^logits 5 x 3, last hidden map 4 wide, 2 layers \(2, 6\); fingerprint [0-9a-f]{16}$/,
  );
});

test("a change of any number, and a part more or less, changes the fingerprint", async () => {
  const seen = new Set<string>();
  const note = async (map: ReadonlyMap<string, NamedArray>): Promise<void> => {
    const { config } = await loadTeacherOutputs(saved("any.safetensors", safetensors(map)));
    seen.add(config.fingerprints.join());
  };
  await note(entries);
  for (const [name, { shape, values }] of entries) {
    const changed = values.slice();
    changed[2]! += 1e-3;
    await note(new Map([...entries, [name, { shape, values: changed }]]));
    await note(new Map([...entries].filter(([other]) => other !== name)));
  }
  assert.equal(seen.size, 9);
});

test("a lone .npy file is the logits; types and the order of storage do not matter", async () => {
  const whole = Int32Array.of(1, 2, 3, 4, 5, 6);
  const turned = Float64Array.of(1, 3, 5, 2, 4, 6);
  const one = await loadTeacherOutputs(saved("whole.npy", npy("<i4", "3, 2", whole)));
  const two = await loadTeacherOutputs(saved("turned.npy", npy("<f8", "3, 2", turned, "True")));
  assert.deepEqual([...one.outputs.logits!.values], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(one.config, two.config);
});

test("an array that is stored as it is may be larger than what is unpacked at most", async () => {
  const large = { shape: [70, 1 << 18], values: new Float32Array(70 << 18) };
  const found = await loadTeacherOutputs(
    saved("large.npz", encodeNpz(new Map([["hidden", large]]))),
  );
  assert.equal(found.config.hidden, 1 << 18);
});

test("files with any one bit flipped are read or refused in one line, never more", async () => {
  const outcomes = new Set<string>();
  for (const [name, whole] of [
    ["flip.npz", encodeNpz(entries)],
    ["flip.safetensors", safetensors(entries)],
    ["flip.npy", encodeNpy(arrays.logits)],
  ] as const) {
    for (const bit of spread(Buffer.from(whole), 500)) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const source = saved(name, bytes);
      try {
        await loadTeacherOutputs(source);
        outcomes.add("read");
      } catch (error) {
        const { message } = error as Error;
        assert.ok(error instanceof UserError, (error as Error).stack);
        assert.match(message, /^[\P{C}]{1,400}$/u);
        assert.ok(message.includes(source), message);
        outcomes.add("refused");
      }
    }
  }
  assert.equal(outcomes.size, 2);
});

test("a last layer's map that is the logits is known as that, as a GCN's is", async () => {
  const twice = new Map([...entries, ["layer.2", arrays.logits]]);
  twice.delete("hidden");
  const { config, outputs } = await loadTeacherOutputs(saved("twice.npz", encodeNpz(twice)));
  assert.deepEqual([config.widths, config.endsInLogits], [[2, 6, 3], true]);
  const { outline } = new GivenTeacher({ known: outputs }, 3);
  assert.deepEqual([outline.hidden, outline.endsInLogits], [6, true], "layer.1 is the hidden map");
  const once = await loadTeacherOutputs(saved("once.npz", encodeNpz(entries)));
  assert.equal(once.config.endsInLogits, undefined);
});

test("files that hold no outputs are refused in one line that says where and what to do", async () => {
  const logits = arrays.logits;
  const nan = { shape: [5, 3], values: logits.values.with(7, Number.NaN) };
  const npz = (map: Record<string, { shape: number[]; values: Float32Array }>) =>
    encodeNpz(new Map(Object.entries(map)));
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const cases: [string, RegExp][] = [
    [
      saved("nan.npz", npz({ logits: nan })),
      /nan\.npz: logits: row 2, column 1 is not a finite number$/,
    ],
    [saved("nan.safetensors", safetensors(new Map([["hidden", nan]]))), /hidden: row 2, column 1/],
    [
      saved("flat.npz", npz({ logits: { shape: [15], values: logits.values } })),
      /shape \(15\), not a matrix$/,
    ],
    [
      saved("cube.npz", npz({ logits: { shape: [5, 3, 1], values: logits.values } })),
      /shape \(5, 3, 1\), not a matrix$/,
    ],
    [
      saved("typo.npz", npz({ logit: logits })),
      /unknown array "logit"; legal: logits, hidden, layer\.0/,
    ],
    [
      saved("both.npz", npz({ "layer.1": logits, layer_1: logits })),
      /both layer\.1 and layer_1 are there$/,
    ],
    [
      saved("gap.npz", npz({ "layer.0": logits, "layer.2": logits })),
      /layers are missing between layer\.0 and layer\.2; number those that you give without a gap$/,
    ],
    [saved("out.onnx", Buffer.from("\b\u0008model")), /it is called \.onnx: exported models are/],
    [saved("model.pt", npz({ logits })), /nothing is unpickled; save the arrays by numpy\.savez/],
    [
      saved("text.npz", Buffer.from("logits: 1 2 3")),
      /text\.npz is no safetensors file, nor npz: it is called \.npz, but does not begin as such/,
    ],
    [
      saved("garbage.npy", Buffer.from([7, 0, 0, 0, 0, 0, 0, 0, 200, 201])),
      /garbage\.npy is no safetensors file, nor npz: it is called \.npy, but does not begin as such/,
    ],
    [
      saved("logits.csv", Buffer.from("a,b\n1,2\n")),
      /logits\.csv is no safetensors file, nor npz: it is text$/,
    ],
    [
      saved("pickled.npz", Buffer.from("\x80\x04\x95abcdefgh", "latin1")),
      /pickled\.npz is no safetensors file, nor npz: it is a pickle/,
    ],
    [
      saved("nothing.npz", Buffer.alloc(0)),
      /the file is empty; write it anew, or take it out of the folder$/,
    ],
    [saved("cut.npz", npz({ logits }).subarray(0, 150)), /cut\.npz/],
    [saved("complex.npy", npy("<c8", "2, 2", new Float32Array(8))), /type '<c8' found$/],
    [
      saved("big.npy", npy("<f8", "1, 2", Float64Array.of(1, 1e300))),
      /row 0, column 1 is not a finite/,
    ],
    [empty, /empty: it has no arrays \(logits, hidden, layer\.0/],
    [join(folder, "missing.npz"), /missing\.npz: no such file or folder$/],
  ];
  for (const [source, message] of cases) {
    await assert.rejects(loadTeacherOutputs(source), (error: Error) => {
      assert.ok(error instanceof UserError, error.stack ?? "");
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n") && error.message.includes(source));
      return true;
    });
  }
});
