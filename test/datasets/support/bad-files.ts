// A hundred and eighty broken files: each must be refused, in one line, quickly, with nothing run.
import { randomStream } from "../../../src/graph/random.ts";
import { rawNpy, type ZipStyle } from "./npz-writer.ts";
import type { Case } from "./odd-files.ts";
import { type ArraySpec, PickleWriter, PLAIN } from "./pickle-writer.ts";
import {
  type Files,
  f4,
  i4,
  NPZ_FILE,
  npzToy,
  type PlanetoidParts,
  planetoidToy,
  range,
  SPLIT_FILE,
  splitToy,
  TOY,
  TOY_TEST_NODES,
  toyCsr,
  toyOneHot,
} from "./toy.ts";

const PICKLES = ["x", "tx", "allx", "y", "ty", "ally", "graph"] as const;

/** @param marker a file that the pickles would make if they were run. */
export function badCases(marker: string): Case[] {
  const cases = [
    ...truncatedPickles(),
    ...hostilePickles(marker),
    ...brokenPickles(),
    ...contradictions(),
    ...brokenText(),
    ...brokenArchives(),
    ...brokenArrays(),
    ...brokenSplits(),
  ];
  return [...cases, ...flippedArchives(180 - cases.length)];
}

function cora(name: string, files: Files): Case {
  return { name, dataset: "cora", files };
}

function photo(name: string, files: Files): Case {
  return { name, dataset: "amazon-photo", files };
}

/** The toy with one of its files replaced. */
function withFile(part: string, bytes: Buffer): Files {
  return planetoidToy().set(`planetoid/ind.cora.${part}`, bytes);
}

function changed(name: string, change: (parts: PlanetoidParts) => void): Case {
  return cora(name, planetoidToy(change));
}

function truncatedPickles(): Case[] {
  return PICKLES.flatMap((part) =>
    [0, 0.3, 0.95].map((share) => {
      const whole = planetoidToy().get(`planetoid/ind.cora.${part}`)!;
      const length = Math.floor(whole.length * share);
      return cora(`${part} cut to ${length} bytes`, withFile(part, whole.subarray(0, length)));
    }),
  );
}

function hostilePickles(marker: string): Case[] {
  const call = (module: string, name: string, argument: string): Buffer =>
    Buffer.from(`c${module}\n${name}\n(S'${argument}'\ntR.`, "latin1");
  const touch = `touch ${marker}`;
  const make = `require("fs").writeFileSync("${marker}", "")`;
  const texts: [string, Buffer][] = [
    ["os.system", call("os", "system", touch)],
    ["posix.system", call("posix", "system", touch)],
    ["nt.system", call("nt", "system", touch)],
    ["subprocess.Popen", call("subprocess", "Popen", touch)],
    ["eval", call("__builtin__", "eval", `__import__("os").system("${touch}")`)],
    ["exec", call("builtins", "exec", `import os; os.system("${touch}")`)],
    ["open", call("__builtin__", "open", marker)],
    ["JavaScript's constructor", call("constructor", "constructor", make)],
    ["__proto__", call("__proto__", "__proto__", make)],
    ["a name that spans the allowed list", call("numpy", "ndarray; os.system", touch)],
    ["INST", Buffer.from(`(S'${touch}'\nios\nsystem\n.`)],
    ["OBJ", Buffer.from(`(cos\nsystem\nS'${touch}'\no.`)],
    ["PERSID", Buffer.from(`P${touch}\n.`)],
    ["BINPERSID", Buffer.from(`S'${touch}'\nQ.`)],
    ["EXT1", Buffer.from([0x80, 2, 0x82, 1, 0x2e])],
    ["EXT4", Buffer.from([0x80, 2, 0x84, 1, 0, 0, 0, 0x2e])],
    [
      "reconstruct of another class",
      Buffer.from("cnumpy.core.multiarray\n_reconstruct\n(N(I0\ntS'b'\ntR."),
    ],
    [
      "_reconstructor of another class",
      Buffer.from("ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR."),
    ],
    [
      "defaultdict of another factory",
      Buffer.from("ccollections\ndefaultdict\n(c__builtin__\nobject\ntR."),
    ],
    ["a call of a number", Buffer.from("I1\n(tR.")],
    ["a state for a list", Buffer.from("(l(db.")],
  ];
  return texts.map(([name, bytes], k) => cora(name, withFile(PICKLES[k % PICKLES.length]!, bytes)));
}

function brokenPickles(): Case[] {
  const random = randomStream(7);
  const noise = (): Buffer => Buffer.from(range(200).map(() => random.below(256)));
  const aliased = Buffer.concat([
    Buffer.from([0x80, 2, 0x5d, 0x71, 0, 0x28]),
    Buffer.alloc(4000, Buffer.from([0x4b, 1])),
    Buffer.from([0x65, 0x30, 0x7d, 0x28]),
    ...range(3000).map((k) => Buffer.from([0x4d, k & 255, k >> 8, 0x68, 0])),
    Buffer.from([0x75, 0x2e]),
  ]);
  const graphs: [string, Buffer][] = [
    ["no opcode at all", Buffer.from([0xff])],
    ["protocol 3", Buffer.from([0x80, 3, 0x7d, 0x2e])],
    ["protocol 5 with a frame", Buffer.from([0x80, 5, 0x95, 1, 0, 0, 0, 0, 0, 0, 0, 0x7d, 0x2e])],
    ["a memo never written", Buffer.from([0x80, 2, 0x68, 9, 0x2e])],
    ["a memo far away", Buffer.from([0x80, 2, 0x6a, 255, 255, 255, 255, 0x2e])],
    ["an empty stack", Buffer.from([0x80, 2, 0x30, 0x2e])],
    ["a tuple without a mark", Buffer.from([0x80, 2, 0x74, 0x2e])],
    [
      "a string of 4 GB in 12 bytes",
      Buffer.from([0x80, 2, 0x54, 255, 255, 255, 255, 65, 65, 0x2e]),
    ],
    ["text of 2 GB in 12 bytes", Buffer.from([0x80, 2, 0x58, 255, 255, 255, 127, 65, 65, 0x2e])],
    ["text that is not UTF-8", Buffer.from([0x80, 2, 0x58, 2, 0, 0, 0, 0xc3, 0x28, 0x2e])],
    [
      "an integer of 255 bytes",
      Buffer.concat([Buffer.from([0x80, 2, 0x8a, 255]), Buffer.alloc(255, 1), Buffer.from(".")]),
    ],
    ["an integer beyond 2^53", Buffer.from("L99999999999999999L\n.")],
    ["a number that is none", Buffer.from("Ifour\n.")],
    ["a string without quotes", Buffer.from("Sabc\n.")],
    ["a dict with a key that is a list", Buffer.from([0x80, 2, 0x7d, 0x5d, 0x4b, 1, 0x73, 0x2e])],
    ["a dict with half a pair", Buffer.from([0x80, 2, 0x7d, 0x28, 0x4b, 1, 0x75, 0x2e])],
    [
      "a list within itself",
      Buffer.from([0x80, 2, 0x7d, 0x4b, 0, 0x5d, 0x71, 0, 0x68, 0, 0x61, 0x73, 0x2e]),
    ],
    ["a dict within itself", Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x4b, 0, 0x68, 0, 0x73, 0x2e])],
    ["one list at three thousand nodes, six million arcs", aliased],
    [
      "five million values",
      Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(5_000_000, 0x5d), Buffer.from(".")]),
    ],
    ["five million marks", Buffer.alloc(5_000_000, 0x28)],
    ["text", Buffer.from("<!DOCTYPE html><html>404: Not Found</html>")],
    [
      "a Git LFS pointer",
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
    ],
    ["zeros", Buffer.alloc(300)],
    ["noise", noise()],
    ["more noise", noise()],
  ];
  const array = new PickleWriter(PLAIN).array(i4([1, 2, 3])).finish();
  return [
    ...graphs.map(([name, bytes]) => cora(name, withFile("graph", bytes))),
    cora("a graph that is an array", withFile("graph", array)),
    cora("features that are an array", withFile("allx", array)),
    cora("labels that are a vector", withFile("ally", array)),
    cora(
      "labels that are a matrix of words",
      withFile("y", new PickleWriter(PLAIN).csr(toyCsr([0])).finish()),
    ),
  ];
}

function contradictions(): Case[] {
  const allx = () => toyCsr(range(TOY.stacked));
  const count = allx().indices.shape[0]!;
  const numbers = (array: ArraySpec): number[] => [...new Int32Array(array.bytes.slice().buffer)];
  const withIndices = (edit: (values: number[]) => void) => (parts: PlanetoidParts) => {
    const values = numbers(allx().indices);
    edit(values);
    parts.allx = { ...allx(), indices: i4(values) };
  };
  const withStarts = (edit: (values: number[]) => void) => (parts: PlanetoidParts) => {
    const values = numbers(allx().indptr);
    edit(values);
    parts.allx = { ...allx(), indptr: i4(values) };
  };
  const withValue = (value: number) => (parts: PlanetoidParts) => {
    parts.allx = { ...allx(), data: f4(range(count).map((k) => (k === 5 ? value : 1))) };
  };
  const neighbour = (value: number) => (parts: PlanetoidParts) =>
    void parts.graph.set(1, [0, value]);
  return [
    changed("more rows than row starts", (p) => (p.allx = { ...allx(), shape: [13, 10] })),
    changed("fewer rows than row starts", (p) => (p.allx = { ...allx(), shape: [11, 10] })),
    changed("fewer columns than indices", (p) => (p.allx = { ...allx(), shape: [12, 9] })),
    changed("2^40 rows", (p) => (p.allx = { ...allx(), shape: [2 ** 40, 10] })),
    changed("2^31 columns", (p) => (p.allx = { ...allx(), shape: [12, 2 ** 31] })),
    changed("a negative shape", (p) => (p.allx = { ...allx(), shape: [12, -10] })),
    changed(
      "a column beyond the last",
      withIndices((v) => (v[3] = TOY.features)),
    ),
    changed(
      "a negative column",
      withIndices((v) => (v[3] = -1)),
    ),
    changed(
      "an index too many",
      withIndices((v) => v.push(0)),
    ),
    changed(
      "row starts that fall",
      withStarts((v) => (v[4] = 1)),
    ),
    changed(
      "row starts that begin at 1",
      withStarts((v) => (v[0] = 1)),
    ),
    changed(
      "row starts beyond the indices",
      withStarts((v) => (v[12] = 1000)),
    ),
    changed("a value that is not a number", withValue(Number.NaN)),
    changed("an infinite value", withValue(Number.POSITIVE_INFINITY)),
    changed("an index as a fraction", (p) => (p.allx = { ...allx(), indices: f4(range(count)) })),
    changed(
      "objects for values",
      (p) => (p.allx = { ...allx(), data: { ...allx().data, dtype: "|O4" } }),
    ),
    changed(
      "text for values",
      (p) => (p.allx = { ...allx(), data: { ...allx().data, dtype: "<U1" } }),
    ),
    changed("an array shorter than its shape", (p) => (p.ally = { ...p.ally, shape: [13, 3] })),
    changed("an array of 2^60 entries", (p) => (p.ally = { ...p.ally, shape: [2 ** 30, 2 ** 30] })),
    changed("a label of 2", (p) => (p.ty = i4([2, ...Array<number>(14).fill(0)], [5, 3]))),
    changed("two labels at once", (p) => (p.ty = i4(Array<number>(15).fill(1), [5, 3]))),
    changed("a label row too few", (p) => (p.ty = toyOneHot(TOY_TEST_NODES.slice(1)))),
    changed(
      "another number of classes",
      (p) =>
        (p.ty = i4(
          range(5).flatMap(() => [1, 0]),
          [5, 2],
        )),
    ),
    changed("another number of features", (p) => (p.tx = { ...p.tx, shape: [5, 11] })),
    changed("x that is not the beginning of allx", (p) => (p.x = toyCsr([1, 0, 2, 3]))),
    changed("y that is not the beginning of ally", (p) => (p.y = toyOneHot([1, 0, 2, 3]))),
    changed("a neighbour beyond the last", neighbour(TOY.nodes)),
    changed("a negative neighbour", neighbour(-1)),
    changed("a neighbour far away", neighbour(2 ** 31 - 1)),
    changed("a node beyond the last", (p) => void p.graph.set(99, [0])),
  ];
}

function brokenText(): Case[] {
  const index = (name: string, testIndex: string): Case =>
    changed(name, (parts) => {
      parts.testIndex = testIndex;
    });
  return [
    index("no test nodes", "\n"),
    index("a test node too few", "14\n12\n16\n13\n"),
    index("a test node twice", "14\n12\n16\n13\n13\n"),
    index("a negative test node", "14\n12\n16\n13\n-15\n"),
    index("a test node in words", "14\n12\n16\n13\nfifteen\n"),
    index("a test node of 2 thousand million", "14\n12\n13\n15\n2000000000\n"),
    index("test nodes that begin too late", "15\n13\n17\n14\n16\n"),
    index("a pickle for a list", "(lp0\nI14\na."),
  ];
}

function npzBytes(style: ZipStyle = {}): Buffer {
  return npzToy(() => {}, style).get(NPZ_FILE)!;
}

function npzFile(bytes: Buffer): Files {
  return new Map([[NPZ_FILE, bytes]]);
}

function brokenArchives(): Case[] {
  const whole = npzBytes({ deflate: true });
  const edited = (edit: (bytes: Buffer) => void): Files => {
    const bytes = Buffer.from(whole);
    edit(bytes);
    return npzFile(bytes);
  };
  const tampered = (change: object, style: ZipStyle = { deflate: true }): Files =>
    npzToy(() => {}, {
      ...style,
      tamper: (name, entry) => (name === "labels.npy" ? { ...entry, ...change } : entry),
    });
  const zeros = npzToy(
    (members) => members.delete("labels"),
    { deflate: true },
    new Map([["labels", Buffer.alloc(63 * 1024 * 1024)]]),
  );
  return [
    ...[0, 1, 21, 100, 700, whole.length - 22, whole.length - 1].map((length) =>
      photo(`an archive cut to ${length} bytes`, npzFile(whole.subarray(0, length))),
    ),
    photo("something after the archive", npzFile(Buffer.concat([whole, Buffer.alloc(9)]))),
    photo("an archive that begins too late", npzFile(whole.subarray(40))),
    photo("a member that claims 4 GB", tampered({ size: 0xfffffff0 })),
    photo("a member that claims 60 MB out of 60 bytes", tampered({ size: 60_000_000 })),
    photo("a member that claims 2 bytes", tampered({ size: 2 })),
    photo("63 MB of zeros in 60 KB", zeros),
    photo("a wrong CRC", tampered({ crc: 1 })),
    photo("an unknown method", tampered({ method: 99 })),
    photo("stored, says the directory", tampered({ method: 0 })),
    photo("deflated, says the directory", tampered({ method: 8 }, {})),
    photo("an encrypted member", tampered({ flags: 1 })),
    photo("a member at the wrong place", tampered({ offset: 0 })),
    photo("a member beyond the end", tampered({ offset: 0x7fffffff })),
    photo("a member without an end", tampered({ packed: 0x7fffffff })),
    photo("another name in the directory", tampered({ name: "babels.npy" })),
    photo("two members of a name", tampered({ name: "adj_data.npy" })),
    photo(
      "more members than there are",
      edited((b) => {
        b.writeUInt16LE(60_000, b.length - 12);
        b.writeUInt16LE(60_000, b.length - 14);
      }),
    ),
    photo(
      "two disks",
      edited((b) => b.writeUInt16LE(1, b.length - 18)),
    ),
    photo(
      "a directory beyond the end",
      edited((b) => b.writeUInt32LE(0x7fffffff, b.length - 6)),
    ),
  ];
}

function brokenArrays(): Case[] {
  const bytes = i4(range(TOY.nodes)).bytes;
  const header = (name: string, text: string, contents: Uint8Array = bytes): Case =>
    photo(
      name,
      npzToy(
        (members) => members.delete("labels"),
        {},
        new Map([["labels", rawNpy(text, contents)]]),
      ),
    );
  const member = (name: string, key: string, array: ArraySpec): Case =>
    photo(
      name,
      npzToy((members) => void members.set(key, array)),
    );
  const sound = `'fortran_order': False, 'shape': (17,)`;
  return [
    photo(
      "a missing member",
      npzToy((members) => void members.delete("attr_indices")),
    ),
    header("no type", `{${sound}}`),
    header("a type that is none", `{'descr': '<q9', ${sound}}`),
    header("a structured type", `{'descr': [('a', '<i4')], ${sound}}`),
    header(
      "pickled objects",
      `{'descr': '|O', ${sound}}`,
      Buffer.from("cos\nsystem\n(S'true'\ntR."),
    ),
    header("strings", `{'descr': '<U1', ${sound}}`, Buffer.alloc(68)),
    header("a call for a shape", `{'descr': '<i4', 'fortran_order': False, 'shape': (exit(),)}`),
    header("a negative shape", `{'descr': '<i4', 'fortran_order': False, 'shape': (-17,)}`),
    header(
      "2^70 entries",
      `{'descr': '<i4', 'fortran_order': False, 'shape': (1180591620717411303424,)}`,
    ),
    header("a shape too long", `{'descr': '<i4', 'fortran_order': False, 'shape': (18,)}`),
    header("no fortran_order", `{'descr': '<i4', 'shape': (17,)}`),
    header("fractional labels", `{'descr': '<f4', ${sound}}`),
    photo(
      "nonsense for an array",
      npzToy((m) => m.delete("labels"), {}, new Map([["labels", Buffer.from("not an array")]])),
    ),
    member("a graph that is not square", "adj_shape", i4([TOY.nodes, TOY.nodes + 1])),
    member("a graph of no nodes", "adj_shape", i4([0, 0])),
    member("a graph of 2^30 nodes", "adj_shape", i4([2 ** 30, 2 ** 30])),
    member("a shape of three sides", "adj_shape", i4([TOY.nodes, TOY.nodes, 1])),
    member("a label of -5", "labels", i4(range(TOY.nodes).map(() => -5))),
    member(
      "a label of 2 thousand million",
      "labels",
      i4(range(TOY.nodes).map(() => 2_000_000_000)),
    ),
    member("no labels at all", "labels", i4(range(TOY.nodes).map(() => -1))),
    member("labels of other nodes", "labels", i4(range(TOY.nodes + 1))),
    member("row starts of other nodes", "adj_indptr", i4(range(TOY.nodes))),
    member("neighbours beyond the last", "adj_indices", i4(range(62).map(() => TOY.nodes))),
    member("features of other nodes", "attr_shape", i4([TOY.nodes - 1, TOY.features])),
    member("values too few", "attr_data", f4([1, 1])),
    member("a value that is not a number", "attr_data", f4(range(48).map(() => Number.NaN))),
  ];
}

function brokenSplits(): Case[] {
  const flipped = splitToy();
  const bytes = Buffer.from(flipped.get(SPLIT_FILE)!);
  bytes[60]! ^= 4;
  const mask = (value: number): ArraySpec => ({
    dtype: "|u1",
    shape: [TOY.nodes],
    bytes: new Uint8Array(TOY.nodes).fill(value),
  });
  return [
    cora(
      "a mask too few",
      splitToy((members) => void members.delete("val_mask")),
    ),
    cora(
      "masks that overlap",
      splitToy((members) => void members.set("val_mask", mask(1))),
    ),
    cora(
      "a mask of sevens",
      splitToy((members) => void members.set("train_mask", mask(7))),
    ),
    cora("a flipped bit in a mask", flipped.set(SPLIT_FILE, bytes)),
    cora("half an archive of masks", splitToy().set(SPLIT_FILE, bytes.subarray(0, 300))),
  ];
}

/** One bit flipped within the data of a member that is read: its CRC must show it. */
function flippedArchives(count: number): Case[] {
  const whole = npzBytes({ deflate: true });
  const firstData = 30 + "adj_data.npy".length;
  const end = whole.indexOf("PK\x01\x02", 0, "latin1");
  const random = randomStream(11);
  const cases: Case[] = [];
  while (cases.length < count) {
    const at = firstData + random.below(end - firstData);
    if (!isReadData(whole, at)) continue;
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1 << random.below(8);
    cases.push(photo(`a bit flipped at ${at}`, npzFile(bytes)));
  }
  return cases;
}

/** Whether an offset lies in a member's packed data, not in a header; adj_data is never read. */
function isReadData(zip: Buffer, at: number): boolean {
  const header = zip.lastIndexOf("PK\x03\x04", at, "latin1");
  const nameLength = zip.readUInt16LE(header + 26);
  const name = zip.toString("latin1", header + 30, header + 30 + nameLength);
  return at >= header + 30 + nameLength && name !== "adj_data.npy";
}
