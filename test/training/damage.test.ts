// Files that were damaged, altered or made by others: nothing damaged is accepted, in any format.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { jsonText, sealed } from "../../src/base/sealed-json.ts";
import { BadFileError } from "../../src/formats/errors.ts";
import { encodeNpz, type NpyArray } from "../../src/formats/npz-writer.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
} from "../../src/formats/safetensors.ts";
import { decodeModel, encodeModel, encodeModelNpz } from "../../src/training/model-file.ts";
import { accepted, spread } from "./flips.ts";
import { crafted, type Kind, kinds, model, resealed, result } from "./own-files.ts";
import { temporaryFolder } from "./small.ts";

function kindOf(name: string): Kind {
  return kinds.find((kind) => kind.name === name)!;
}

for (const kind of kinds) {
  test(`${kind.name}: 500 flipped bits are refused in one line each, and so are cuts and extra bytes`, (t) => {
    const folder = temporaryFolder(t);
    const whole = kind.bytes(folder);
    kind.read(`${folder}/${kind.name}`, whole);
    const bits = spread(whole, 500);
    assert.equal(new Set(bits).size, 500);
    assert.deepEqual(accepted(kind, whole, bits, folder), []);
    const longer = [Buffer.alloc(1), Buffer.from("\n"), Buffer.from("}")];
    const cuts = Array.from({ length: 50 }, (_, k) => Math.floor((k * whole.length) / 50));
    for (const bytes of [
      ...cuts.map((length) => whole.subarray(0, length)),
      whole.subarray(0, -1),
      ...longer.map((more) => Buffer.concat([whole, more])),
    ]) {
      assert.throws(() => kind.read(`${folder}/${kind.name}`, bytes), UserError);
    }
  });
}

test("an edited accuracy, best epoch or step is refused, even with a corrected digest", (t) => {
  const folder = temporaryFolder(t);
  const edits: [string, string, string][] = [
    ["run.json", '"test": 0.8169', '"test": 0.9169'],
    ["record.json", '"test": 0.8169', '"test": 0.9169'],
    ["checkpoint.safetensors", '\\"bestEpoch\\":1', '\\"bestEpoch\\":2'],
    ["checkpoint.safetensors", '\\"step\\":2', '\\"step\\":9'],
  ];
  for (const [name, from, to] of edits) {
    const kind = kindOf(name);
    const whole = kind.bytes(folder).toString("latin1");
    assert.ok(whole.includes(from), from);
    const bytes = Buffer.from(whole.replace(from, to), "latin1");
    assert.throws(() => kind.read(`${folder}/${name}`, bytes), {
      message: /digest does not match/,
    });
  }
  const { bytes, read } = kindOf("checkpoint.safetensors");
  for (const [from, to] of [
    ['\\"step\\":2', '\\"step\\":9'],
    ['\\"bestEpoch\\":1', '\\"bestEpoch\\":3'],
  ] as const) {
    const altered = bytes(folder).toString("latin1").replace(from, to);
    const file = resealed(Buffer.from(altered, "latin1"));
    assert.throws(() => read(`${folder}/checkpoint.safetensors`, file), {
      message: /its state contradicts itself/,
    });
  }
});

test("a result is checked even if its digest fits", (t) => {
  const folder = temporaryFolder(t);
  const { read } = kindOf("run.json");
  const cases: [object, RegExp][] = [
    [{ accuracy: { train: 1, val: 1, test: 1.5 } }, /its accuracy\.test is not/],
    [{ accuracy: null }, /its accuracy is not/],
    [{ curve: { ...result.curve, loss: ["1"] } }, /its curve\.loss\[0\] is not/],
    [{ timing: { seconds: "1" } }, /its timing\.seconds is not/],
    [{ config: { ...result.config, seed: 4 } }, /its id is not that of its configuration/],
    [{ config: { ...result.config, dataset: { toString: 1 } } }, /its config\.dataset is not/],
  ];
  for (const [change, message] of cases) {
    const bytes = Buffer.from(jsonText(sealed({ ...result, ...change })));
    assert.throws(() => read(`${folder}/run.json`, bytes), { name: "FormatError", message });
  }
});

test("weights that are not finite are refused in every format", (t) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const bias = { shape: [3], values: Float32Array.of(0, bad, 0) };
    const altered = { ...model, parameters: new Map([...model.parameters, ["output.bias", bias]]) };
    const message = new RegExp(`output\\.bias holds ${bad} at 1`);
    assert.throws(() => decodeModel(Buffer.from(encodeModel(altered)), "x"), { message });
    assert.throws(() => decodeModel(Buffer.from(encodeModelNpz(altered)), "x"), {
      message: /^x: output\.bias: entry 1 is not a finite number$/,
    });
  }
  const folder = temporaryFolder(t);
  const { bytes, read } = kindOf("checkpoint.safetensors");
  for (const array of ["parameters/w", "best/w", "adam/w.first"]) {
    const whole = bytes(folder);
    const { tensors, metadata } = decodeSafetensors(whole, "x");
    tensors.get(array)!.values[1] = Number.NaN;
    const altered = Buffer.from(encodeSafetensors({ tensors, metadata }));
    assert.throws(() => read(`${folder}/checkpoint.safetensors`, altered), {
      message: new RegExp(`${array} holds NaN at 1`),
    });
  }
});

test("a file of ours without a digest is refused; another program's is accepted and marked as such", () => {
  const { tensors, metadata } = decodeSafetensors(Buffer.from(encodeModel(model)), "x");
  const { config, shape } = metadata;
  const header = (texts: object): [object, Uint8Array] => {
    let at = 0;
    const entries = [...tensors].map(([name, { shape: sides, values }]) => {
      const begin = at;
      at += values.byteLength;
      return [name, { dtype: "F32", shape: sides, data_offsets: [begin, at] }] as const;
    });
    const data = Buffer.concat(
      [...tensors.values()].map(({ values }) => Buffer.from(values.buffer)),
    );
    return [{ __metadata__: texts, ...Object.fromEntries(entries) }, data];
  };
  assert.throws(() => decodeModel(crafted(...header(metadata)), "old.safetensors"), {
    message:
      /^old\.safetensors has no digest: .* before abkd kept digests; train or export it again$/,
  });
  assert.throws(() => decodeModel(crafted(...header({ ...metadata, digest: "0" })), "x"), {
    message: /its digest does not match/,
  });
  const others = decodeModel(crafted(...header({ config, shape })), "x");
  assert.equal(others.ours, false);
  assert.deepEqual(others.parameters, model.parameters);
  assert.equal(decodeModel(Buffer.from(encodeModel(model)), "x").ours, true);
  assert.throws(() => decodeModel(crafted(...header({})), "x"), { message: /not an abkd model/ });

  const npz = (texts: object): Buffer => {
    const written = Buffer.from(JSON.stringify(texts));
    const text: [string, NpyArray] = ["metadata", { shape: [written.length], values: written }];
    const bytes = Buffer.from(encodeNpz(new Map([text, ...model.parameters])));
    // Without the zip comment, as numpy writes it.
    const bare = bytes.subarray(0, bytes.length - 76);
    bare.writeUInt16LE(0, bare.length - 2);
    return bare;
  };
  assert.throws(() => decodeModel(npz(metadata), "x"), { message: /has no digest/ });
  assert.equal(decodeModel(npz({ config, shape }), "x").ours, false);
});

test("headers and archives that lie are refused with the reason, briefly", () => {
  const entry = '"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const long = "k".repeat(1_000_000);
  const cases: [Buffer, RegExp][] = [
    [crafted(`{${entry},${entry}}`), /names "x" twice/],
    [crafted(`{${entry},"\\u0078":{}}`), /names "\\u0078" twice/],
    [crafted(`{"x":${deep}}`), /nested deeper than 500/],
    [crafted('{"x":{"dtype":"F32","shape":[1e999]}}'), /the number 1e999/],
    [crafted({ [long]: 1 }), /the entry "k+\.\.\." is not an object/],
    [crafted({ "\x1b]0;owned\x07": 1 }), /the entry "\\x1b\]0;owned\\x07" is not an object/],
    [
      crafted({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8] }, b: 0 }),
      /"b" is not an object/,
    ],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(
      () => decodeSafetensors(bytes, "lie"),
      (error) =>
        error instanceof FormatError && message.test(error.message) && error.message.length < 300,
      String(message),
    );
  }
  const overlap = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  assert.throws(() => decodeSafetensors(crafted({ a: overlap, b: overlap }), "lie"), /overlap/);

  // Two members with one name: the second's name is changed to the first's in both places.
  const two = encodeNpz(
    new Map([model.parameters, model.parameters].map((m, k) => [`w${k}`, m.get("input.bias")!])),
  );
  const twice = Buffer.from(
    Buffer.from(two).toString("latin1").replaceAll("w1.npy", "w0.npy"),
    "latin1",
  );
  assert.throws(
    () => decodeModel(twice, "twice.npz"),
    (error) =>
      error instanceof BadFileError && /two members are called w0\.npy/.test(error.message),
  );
});
