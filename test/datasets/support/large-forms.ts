// Fuzzed csv.gz, npz, npy, json and csv files of the larger datasets, each in a folder where all others are sound.
import { gzipSync } from "node:zlib";
import { encodeNpy, encodeNpz, type NpyArray } from "../../../src/formats/npz-writer.ts";
import { type RandomStream, randomStream } from "../../../src/graph/random.ts";
import { type Layout, plainLayout, typedLayout } from "./ogb-layout.ts";

export interface FuzzedFile {
  readonly what: string;
  readonly dataset: string;
  /** By their names below the data folder. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Whether the graph could still be sound. */
  readonly maybeSound: boolean;
}

type Files = Readonly<Record<string, Uint8Array>>;

const ints = (...values: number[]): Int32Array => Int32Array.from(values);
const floats = (...values: number[]): Float32Array => Float32Array.from(values);
const npy = (values: NpyArray["values"]): Uint8Array =>
  encodeNpy({ shape: [values.length], values });
const npz = (arrays: Record<string, NpyArray["values"]>): Uint8Array =>
  encodeNpz(
    new Map(
      Object.entries(arrays).map(([key, values]) => [key, { shape: [values.length], values }]),
    ),
  );

function packed(folder: string, layout: Layout): Files {
  return Object.fromEntries(
    Object.entries(layout).map(([file, text]) => [`${folder}/${file}`, gzipSync(text)]),
  );
}

/** A small sound graph in each form. */
const SOUND: Readonly<Record<string, Files>> = {
  "ogbn-arxiv": packed("ogbn_arxiv", plainLayout()),
  "ogbn-mag": packed("ogbn_mag", typedLayout()),
  facebook: {
    "musae-facebook/facebook.json": Buffer.from('{"0": [2, 0], "1": [], "2": [1, 1]}'),
    "musae-facebook/facebook_edges.csv": Buffer.from("id_1,id_2\n0,1\n1,0\n2,2\n2,1\n"),
    "musae-facebook/facebook_target.csv": Buffer.from("id,name,page_type\n0,a,x\n1,b,y\n2,c,x\n"),
  },
  acm: {
    "heco-acm/labels.npy": npy(ints(0, 1, 0)),
    "heco-acm/p_feat.npz": npz({
      ...{ shape: ints(3, 2), indptr: ints(0, 1, 2, 3), indices: ints(0, 1, 0) },
      data: floats(1, 2, 3),
    }),
    "heco-acm/a_feat.npz": npz({
      ...{ shape: ints(2, 2), row: ints(0, 1), col: ints(1, 0) },
      data: floats(1, 2),
    }),
    "heco-acm/pa.txt": Buffer.from("0\t1\n1\t0\n2\t0\n"),
    "heco-acm/ps.txt": Buffer.from("0\t0\n1\t1\n2\t0\n"),
    "heco-acm/train_20.npy": npy(ints(0)),
    "heco-acm/val_20.npy": npy(ints(1)),
    "heco-acm/test_20.npy": npy(ints(2)),
  },
  "arxiv-topology": {
    "ogbn-arxiv/graphsaint/adj_full.npz": npz({
      ...{ shape: ints(3, 3), indptr: ints(0, 1, 2, 3), indices: ints(1, 0, 1) },
      data: floats(1, 1, 1),
    }),
    "ogbn-arxiv/graphsaint/class_map.json": Buffer.from('{"0": 0, "1": 1, "2": 0}'),
    "ogbn-arxiv/graphsaint/role.json": Buffer.from('{"tr": [0], "va": [1], "te": [2]}'),
    "ogbn-arxiv/raw/node_year.csv.gz": gzipSync("2010\n2018\n2019\n"),
  },
};

/** Damage to a file's bytes. */
type Damage = (bytes: Buffer, random: RandomStream) => Uint8Array;

/** After these, nothing of a file is left that could be read. */
const FATAL: Readonly<Record<string, Damage>> = {
  "is empty": () => Buffer.alloc(0),
  "is noise": (bytes, random) => Buffer.from(bytes.map(() => random.below(256))).fill(255, 0, 1),
  "is cut in half": (bytes) => bytes.subarray(0, bytes.length >> 1),
};

/** After these, it may be that nothing is lost: a byte of a time, a digit. */
const MAYBE: Readonly<Record<string, Damage>> = {
  "has a flipped bit": (bytes, random) => {
    const flipped = Buffer.from(bytes);
    flipped[random.below(flipped.length)]! ^= 1 << random.below(8);
    return flipped;
  },
  "lost some bytes": (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
  },
  "gained some bytes": (bytes, random) => {
    const at = random.below(bytes.length);
    const more = Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256)));
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  },
};

/** What a malicious csv.gz holds. */
const HOSTILE_TABLES: Readonly<Record<string, () => string | Buffer>> = {
  "has 64 MB of rows": () => "0,0\n".repeat(1 << 24),
  "is a line of 64 MB": () => Buffer.alloc(1 << 26, "0"),
  "has a line of 16 million commas": () => Buffer.alloc(1 << 24, ","),
  "holds a huge number": () => `${"9".repeat(1000)}\n`,
  "holds NaN": () => "nan\n",
  "holds -1": () => "-1,-1\n-1,-1\n",
  "holds the largest count": () => "2147483647\n",
  "holds a plausible count": () => "200000000\n",
  "holds escapes": () => "\u001b]0;title\u0007,\u202e\n",
  "holds a path": () => "../../etc/passwd,a\n1,1\n",
  "has a header": () => "src,dst\n0,1\n",
  "is UTF-16": () => Buffer.from("0,1\n1,0\n", "utf16le"),
};

/** What a malicious JSON file holds. */
const HOSTILE_JSON: Readonly<Record<string, () => string>> = {
  "is nested a million deep": () => "[".repeat(1 << 20),
  "is a list": () => "[1, 2]",
  "is a number": () => "7",
  "is null": () => "null",
  "names __proto__": () => '{"__proto__": [0], "constructor": [1]}',
  "holds 1e999": () => '{"0": 1e999}',
  "holds a huge key": () => `{"${"9".repeat(1 << 20)}": 0}`,
  "holds objects": () => '{"0": {}, "1": {}, "2": {}}',
  "holds fractions": () => '{"0": 0.5, "1": [0.5], "2": 1}',
  "holds negative numbers": () => '{"0": -1, "1": [-1], "2": 0}',
  "has a lone surrogate": () => '{"\\ud800": 0}',
  "holds huge lists": () => `{"0": [${"0,".repeat(1 << 20)}4194304]}`,
};

/** What a malicious npz holds: shapes that claim more than there is, columns that are none, text in place of numbers. */
const HOSTILE_NPZ: Readonly<Record<string, () => Uint8Array>> = {
  "claims four million rows": () =>
    npz({ shape: ints(1 << 22, 1 << 22), indptr: ints(0), indices: ints(), data: floats() }),
  "claims a negative shape": () =>
    npz({ shape: ints(-1, -1), indptr: ints(), indices: ints(), data: floats() }),
  "has a column too far": () =>
    npz({
      shape: ints(3, 3),
      indptr: ints(0, 1, 2, 3),
      indices: ints(1, 3, 0),
      data: floats(1, 1, 1),
    }),
  "has rows that go back": () =>
    npz({
      shape: ints(3, 3),
      indptr: ints(0, 2, 1, 3),
      indices: ints(1, 0, 0),
      data: floats(1, 1, 1),
    }),
  "has values that are NaN": () =>
    npz({
      ...{ shape: ints(3, 3), indptr: ints(0, 1, 2, 3), indices: ints(1, 0, 1) },
      data: floats(Number.NaN, 1, 1),
    }),
  "lacks its rows": () => npz({ shape: ints(3, 3), indices: ints(1), data: floats(1) }),
  "has a shape of one side": () =>
    npz({ shape: ints(3), indptr: ints(0), indices: ints(), data: floats() }),
  "has no members": () => npz({}),
};

/** `data info` reads these too late, or not at all. */
const UNREAD = /edge_reltype|nodetype-has-split/;
/** A missing or broken count of years is a split less. */
const NAMED = [
  ["csv.gz", /\.csv\.gz$/],
  ["npz", /\.npz$/],
  ["json", /\.json$/],
  ["npy or text", /\.(npy|csv|txt)$/],
] as const;

/** The fuzzed files of a seed, by kind. */
export function fuzzedFiles(seed: number): ReadonlyMap<string, readonly FuzzedFile[]> {
  const random = randomStream(seed);
  const tables = Object.entries(HOSTILE_TABLES).map(
    ([what, text]) => [what, gzipSync(text())] as const,
  );
  const found = new Map<string, FuzzedFile[]>(NAMED.map(([kind]) => [kind, []]));
  for (const [dataset, files] of Object.entries(SOUND)) {
    for (const [file, bytes] of Object.entries(files)) {
      if (UNREAD.test(file)) continue;
      const [kind] = NAMED.find(([, pattern]) => pattern.test(file))!;
      const add = (what: string, changed: Uint8Array, maybeSound: boolean): void => {
        const all = { ...files, [file]: changed };
        found.get(kind)!.push({ what: `${file} ${what}`, dataset, files: all, maybeSound });
      };
      const each = (damages: Readonly<Record<string, Damage>>, maybeSound: boolean): void => {
        for (const [what, damage] of Object.entries(damages)) {
          add(what, damage(Buffer.from(bytes), random), maybeSound);
        }
      };
      // Half of a short text may be a shorter text, and half of an array's file is none.
      each(FATAL, kind === "npy or text" && !file.endsWith(".npy"));
      each(MAYBE, true);
      if (kind === "csv.gz") {
        // Some of these are what some file may hold: a count of 200 million, for one.
        for (const [what, text] of tables) add(what, text, true);
      }
      if (kind === "json") {
        for (const [what, text] of Object.entries(HOSTILE_JSON))
          add(what, Buffer.from(text()), true);
      }
      if (kind === "npz") {
        for (const [what, make] of Object.entries(HOSTILE_NPZ)) add(what, make(), false);
      }
    }
  }
  return found;
}
