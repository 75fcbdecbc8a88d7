// Corrupted graphs in every form: bad numbers written by each form's own writer, and damaged bytes.
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { Csr } from "../../../../src/graph/csr.ts";
import type { Graph } from "../../../../src/graph/graph.ts";
import { makeGraph } from "../../../../src/graph/make.ts";
import { type RandomStream, randomStream } from "../../../../src/graph/random.ts";
import { FORMS, type Folder } from "./write-forms.ts";

export interface Corrupted {
  readonly what: string;
  readonly files: Folder;
  /** The file that is named, of a form that is one file; absent: the folder. */
  readonly file?: string;
  /** Whether the graph could still be sound: a flipped bit may be a digit. */
  readonly maybeSound?: true;
}

/** 60 nodes in a row, so that each has an edge: an edge to nowhere follows from any node that is missing. */
export const SMALL = makeGraph({
  edges: { from: [...Array(59).keys()], to: [...Array(59).keys()].map((k) => k + 1) },
  features: Array.from({ length: 60 }, (_, k) => [k % 2, 1 + (k % 3), 0.5]),
  labels: Array.from({ length: 60 }, (_, k) => k % 3),
});

type Change = (graph: Graph, random: RandomStream) => Graph;

function withFeature(graph: Graph, random: RandomStream, bad: number): Graph {
  const values = graph.features.values!.slice();
  values[random.below(values.length)] = bad;
  return { ...graph, features: { ...graph.features, values } };
}

const CHANGES: Readonly<Record<string, Change>> = {
  "a feature that is NaN": (graph, random) => withFeature(graph, random, Number.NaN),
  "an infinite feature": (graph, random) => withFeature(graph, random, Number.NEGATIVE_INFINITY),
  "an edge to nowhere": (graph, random) => {
    const indices = graph.adjacency.indices.slice();
    indices[random.below(indices.length)] = graph.nodes + random.below(1000);
    return { ...graph, adjacency: { ...graph.adjacency, indices } };
  },
  "a node without features": (graph) => {
    const { indptr, indices, values } = graph.features;
    const [rows, end] = [graph.nodes - 1, indptr[graph.nodes - 1]!];
    const features: Csr = {
      ...{ ...graph.features, rows, indptr: indptr.slice(0, -1) },
      ...{ indices: indices.slice(0, end), values: values!.slice(0, end) },
    };
    return { ...graph, features };
  },
  "no edges": (graph) => {
    const { rows, columns } = graph.adjacency;
    const adjacency = {
      rows,
      columns,
      indptr: new Int32Array(rows + 1),
      indices: new Int32Array(),
    };
    return { ...graph, adjacency };
  },
};

/** Matrix Market states the shape, and what is not listed is 0. */
const SOUND: readonly string[] = ["Matrix Market: a node without features"];

const TEXT = /\.(csv|tsv|txt|json|mtx|cites|content|edgelist)$/;
/** Files of which nothing is read. */
const OPTIONAL = /^adj_train|_split_|^meta\.yaml/;
/** Files without which the rest is a graph without features, or without labels. */
const SOUND_WITHOUT = /^(raw\/node-)?(x|y|feat|feature|features|label|labels)\./;
/** Forms in which their features and labels are not optional. */
const ALL_NEEDED = /Matrix Market|market/;

type Damage = (bytes: Buffer, random: RandomStream) => Buffer | string | undefined;

const DAMAGES: Readonly<
  Record<string, { readonly of: "text" | "binary" | "any"; damage: Damage }>
> = {
  "is empty": { of: "any", damage: () => "" },
  "is missing": { of: "any", damage: () => undefined },
  "is something else": { of: "any", damage: () => "hello, world\n" },
  "has a byte 0": { of: "text", damage: (bytes) => inserted(bytes, bytes.length / 2, "\0") },
  "is not UTF-8": {
    of: "text",
    damage: (bytes) => inserted(bytes, bytes.length / 2, Buffer.from([0xe9, 0xff])),
  },
  "is UTF-16": {
    of: "text",
    damage: (bytes) => Buffer.concat([Buffer.from([255, 254]), Buffer.from(`${bytes}`, "utf16le")]),
  },
  "is cut short": {
    of: "binary",
    damage: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  },
};

const MAYBE: Readonly<Record<string, Damage>> = {
  "has a flipped bit": (bytes, random) => {
    const out = Buffer.from(bytes);
    out[random.below(out.length)]! ^= 1 << random.below(8);
    return out;
  },
  "lost its end": (bytes, random) => bytes.subarray(0, 1 + random.below(bytes.length - 1)),
  "has a stretch twice": (bytes, random) => {
    const at = random.below(bytes.length);
    return inserted(bytes, at, bytes.subarray(at, at + random.below(300)));
  },
  "has other text in it": (bytes, random) => inserted(bytes, random.below(bytes.length), "9,\t;x"),
  "has a stretch of 255": (bytes, random) => {
    const out = Buffer.from(bytes);
    const at = random.below(out.length);
    return out.fill(255, at, Math.min(out.length, at + 1 + random.below(8)));
  },
};

function inserted(bytes: Buffer, where: number, what: string | Uint8Array): Buffer {
  const at = Math.floor(where);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(what as string), bytes.subarray(at)]);
}

interface Form {
  readonly name: string;
  readonly files: Folder;
  readonly file?: string;
}

/** Every form as this project's tests write it, and as the libraries wrote it (made/). */
function forms(): Form[] {
  const ours = Object.entries(FORMS).map(([name, write]): Form => form(name, write(SMALL)));
  const made = path.join(import.meta.dirname, "..", "made");
  const theirs = readdirSync(made).flatMap((name): Form[] => {
    const place = path.join(made, name);
    if (name.endsWith(".py")) return [];
    const folder = statSync(place).isDirectory();
    const files = folder ? readdirSync(place) : [name];
    const read = (file: string) => readFileSync(folder ? path.join(place, file) : place);
    return [form(`made/${name}`, Object.fromEntries(files.map((file) => [file, read(file)])))];
  });
  return [...ours, ...theirs];
}

function form(name: string, files: Folder): Form {
  const [file, more] = Object.keys(files);
  return { name, files, ...(more === undefined && { file: file! }) };
}

/** All that must be refused. */
export function corrupted(seed: number): Corrupted[] {
  const random = randomStream(seed);
  const bad = Object.entries(FORMS).flatMap(([name, write]) =>
    Object.entries(CHANGES).flatMap(([change, make]) => {
      const what = `${name}: ${change}`;
      if (SOUND.includes(what)) return [];
      return [{ ...form(name, write(make(SMALL, random))), what }];
    }),
  );
  const damaged = forms().flatMap(({ name, ...rest }) =>
    Object.keys(rest.files).flatMap((file) =>
      Object.entries(DAMAGES).flatMap(([what, { of, damage }]) => {
        if (OPTIONAL.test(file) || (of !== "any" && (of === "text") !== TEXT.test(file))) return [];
        if (what === "is missing" && SOUND_WITHOUT.test(file) && !ALL_NEEDED.test(name)) return [];
        const changed = damage(Buffer.from(rest.files[file]!), random);
        const { [file]: _, ...others } = rest.files;
        const files = changed === undefined ? others : { ...others, [file]: changed };
        return [{ ...rest, what: `${name}: ${file} ${what}`, files }];
      }),
    ),
  );
  return [...bad, ...damaged];
}

/** Damage at random places, after which a graph may still be there. */
export function damagedAnywhere(count: number, seed: number): Corrupted[] {
  const random = randomStream(seed);
  const all = forms();
  const kinds = Object.entries(MAYBE);
  return Array.from({ length: count }, (_, k): Corrupted => {
    const { name, ...rest } = all[k % all.length]!;
    const names = Object.keys(rest.files);
    const file = names[random.below(names.length)]!;
    const [what, damage] = kinds[random.below(kinds.length)]!;
    const files = { ...rest.files, [file]: damage(Buffer.from(rest.files[file]!), random)! };
    return { ...rest, files, what: `${name}: ${file} ${what} (${k})`, maybeSound: true };
  });
}
