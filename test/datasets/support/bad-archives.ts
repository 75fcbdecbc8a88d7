// Broken npz archives of graphs, of their arrays and of splits.
import { randomStream } from "../../../src/graph/random.ts";
import { rawNpy, type ZipStyle } from "./npz-writer.ts";
import { type Case, cora, photo } from "./odd-files.ts";
import type { ArraySpec } from "./pickle-writer.ts";
import { type Files, f4, i4, NPZ_FILE, npzToy, range, SPLIT_FILE, splitToy, TOY } from "./toy.ts";

/** Invalid zip archives, arrays that are invalid npy or no graph, and invalid masks. */
export function brokenNpz(): Case[] {
  return [...brokenArchives(), ...brokenArrays(), ...brokenSplits()];
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
    photo("two members with the same name", tampered({ name: "adj_data.npy" })),
    photo(
      "more members than exist",
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
    header("an unknown type", `{'descr': '<q9', ${sound}}`),
    header("a structured type", `{'descr': [('a', '<i4')], ${sound}}`),
    header(
      "pickled objects",
      `{'descr': '|O', ${sound}}`,
      Buffer.from("cos\nsystem\n(S'true'\ntR."),
    ),
    header("strings", `{'descr': '<U1', ${sound}}`, Buffer.alloc(68)),
    header(
      "a call instead of a shape",
      `{'descr': '<i4', 'fortran_order': False, 'shape': (exit(),)}`,
    ),
    header("a negative shape", `{'descr': '<i4', 'fortran_order': False, 'shape': (-17,)}`),
    header(
      "2^70 entries",
      `{'descr': '<i4', 'fortran_order': False, 'shape': (1180591620717411303424,)}`,
    ),
    header("a shape too long", `{'descr': '<i4', 'fortran_order': False, 'shape': (18,)}`),
    header("no fortran_order", `{'descr': '<i4', 'shape': (17,)}`),
    header("fractional labels", `{'descr': '<f4', ${sound}}`),
    photo(
      "nonsense instead of an array",
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
    member("too few values", "attr_data", f4([1, 1])),
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
      "one mask too few",
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

/** One bit flipped in the data of a member that is read, which its CRC must reveal. */
export function flippedArchives(count: number): Case[] {
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

/** Whether an offset is in a member's packed data rather than a header; adj_data is never read. */
function isReadData(zip: Buffer, at: number): boolean {
  const header = zip.lastIndexOf("PK\x03\x04", at, "latin1");
  const nameLength = zip.readUInt16LE(header + 26);
  const name = zip.toString("latin1", header + 30, header + 30 + nameLength);
  return at >= header + 30 + nameLength && name !== "adj_data.npy";
}
