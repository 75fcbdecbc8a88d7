// Splits into training, validation and test nodes: read, drawn or derived.

import { refuse } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { toInt32 } from "../formats/arrays.ts";
import { BadFileError } from "../formats/errors.ts";
import { NpzFile } from "../formats/npz.ts";
import { largestComponent } from "../graph/components.ts";
import { type Graph, type Split, UNLABELLED } from "../graph/graph.ts";
import { randomStream, shuffle } from "../graph/random.ts";
import { UnfitSplitError } from "./errors.ts";
import type { ReadFile } from "./locate.ts";

/** Node numbers as a source gives them, including unlabelled ones. */
export interface RawSplit {
  readonly train: Int32Array;
  readonly val: Int32Array;
  readonly test: Int32Array;
}

/** A split's name, parsed. */
export type SplitSpec =
  | { readonly kind: "geom-gcn"; readonly index: number }
  | { readonly kind: "fold"; readonly index: number }
  | { readonly kind: "public" }
  | { readonly kind: "pyg-full" }
  | {
      readonly kind: "random";
      readonly train: number;
      readonly val: number;
      readonly test: number;
      readonly seed: number;
    }
  | {
      readonly kind: "per-class";
      readonly train: number;
      readonly val: number;
      readonly seed: number;
      /** Whether only nodes of the largest component are drawn. */
      readonly largest?: true;
    }
  | { readonly kind: "time"; readonly train: number; readonly val: number }
  // Sets of a program's own, see nameSets(): they cannot be written by hand.
  | { readonly kind: "sets"; readonly digest: string };

/** The default split of a dataset that comes without one. */
export const USUAL_RANDOM = "random:48/32/20:0";

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** Names of splits that Tab offers; a drawn split may have any numbers. */
export type SplitName =
  | `geom-gcn:${Digit}`
  | `fold:${Digit}`
  | Exclude<SplitSpec["kind"], "geom-gcn" | "fold" | "random" | "per-class" | "time" | "sets">
  | typeof USUAL_RANDOM
  | "per-class:20/30:0"
  | "time:60/20";

/** All forms of names, for messages and help. */
export const SPLIT_FORMS =
  "geom-gcn:0..9, fold:0..9, public, pyg-full, random:<train>/<val>/<test>:<seed>, per-class:<train>/<val>:<seed>, per-class-largest:<train>/<val>:<seed> or time:<train>/<val>";

/** @throws OptionError for anything but one of these forms. */
export function parseSplit(name: string): SplitSpec {
  if (typeof name !== "string") refuse(name, "split", SPLIT_FORMS);
  if (name === "public" || name === "pyg-full") return { kind: name };
  const sets = /^sets:([0-9a-f]{16})$/.exec(name);
  if (sets) return { kind: "sets", digest: sets[1]! };
  const geom = /^geom-gcn:([0-9])$/.exec(name);
  if (geom) return { kind: "geom-gcn", index: Number(geom[1]) };
  const fold = /^fold:([0-9])$/.exec(name);
  if (fold) return { kind: "fold", index: Number(fold[1]) };
  const random = /^random:(\d{1,9})\/(\d{1,9})\/(\d{1,9}):(\d{1,10})$/.exec(name);
  const perClass = /^per-class(?:-largest)?:(\d{1,9})\/(\d{1,9}):(\d{1,10})$/.exec(name);
  const time = /^time:(\d{1,2})\/(\d{1,2})$/.exec(name);
  if (time) {
    const [train, val] = [Number(time[1]), Number(time[2])];
    if (train > 0 && val > 0 && train + val < 100) return { kind: "time", train, val };
    const fault = "both are percentages above 0, and below 100 together";
    throw new OptionError(`split "${printable(name)}": ${fault}`);
  }
  const drawn = random ?? perClass;
  if (!drawn) throw new OptionError(`split "${printable(name)}": expected ${SPLIT_FORMS}`);
  const numbers = drawn.slice(1).map(Number);
  const [train, val] = numbers as [number, number];
  const seed = numbers.at(-1)!;
  if (train === 0) throw new OptionError(`split "${printable(name)}": no training nodes`);
  if (seed > 0xffffffff)
    throw new OptionError(`split "${printable(name)}": the seed is at most 4294967295`);
  return random
    ? { kind: "random", train, val, test: numbers[2]!, seed }
    : {
        ...{ kind: "per-class", train, val, seed },
        ...(name.startsWith("per-class-largest") && { largest: true }),
      };
}

/**
 * Reads Geom-GCN's masks. Nodes outside all three are in no set (223 in Cora).
 *
 * @throws BadFileError for masks of another length, values beyond 0 and 1, or an overlap.
 */
export async function geomGcnSplit(file: string, nodes: number, read: ReadFile): Promise<RawSplit> {
  const { bytes, path } = await read(file);
  const npz = new NpzFile(bytes, path);
  const taken = new Uint8Array(nodes);
  const members = (name: string): Int32Array => {
    const array = npz.array(name);
    if (array.shape.length !== 1 || array.shape[0] !== nodes) {
      const shape = array.shape.join(", ");
      throw new UnfitSplitError(npz.where(name), `shape (${shape}) for a graph of ${nodes} nodes`);
    }
    const mask = toInt32(array, npz.where(name));
    const chosen: number[] = [];
    for (let node = 0; node < nodes; node++) {
      if (mask[node] === 0) continue;
      if (mask[node] !== 1) {
        throw new BadFileError(npz.where(name), `node ${node} has the value ${mask[node]}`);
      }
      if (taken[node]) throw new BadFileError(npz.where(name), `node ${node} is in two sets`);
      taken[node] = 1;
      chosen.push(node);
    }
    return Int32Array.from(chosen);
  };
  return { train: members("train_mask"), val: members("val_mask"), test: members("test_mask") };
}

/**
 * Draws a stratified split of the labelled nodes. Three numbers that sum to at most 100 are percentages
 * of the labelled nodes (if they sum to 100, the test set is what the others leave); otherwise they are
 * counts. Each class is shuffled, and the classes are dealt out in proportion to their sizes, so
 * that each set holds each class's share to within one node and has exactly the requested size.
 */
export function randomSplit(
  { labels, classes }: Pick<Graph, "labels" | "classes">,
  spec: Extract<SplitSpec, { kind: "random" }>,
): RawSplit {
  const order = stratifiedOrder(labels, classes, spec.seed);
  const labelled = order.length;
  const total = spec.train + spec.val + spec.test;
  const percent = total <= 100;
  if (!percent && total > labelled) {
    throw new OptionError(
      `split random:${spec.train}/${spec.val}/${spec.test}: ${total} nodes requested, but ` +
        `${labelled} have a label (numbers that sum to at most 100 are percentages)`,
    );
  }
  const upTo = (share: number): number => (percent ? Math.round((share * labelled) / 100) : share);
  const valStart = upTo(spec.train);
  const testStart = upTo(spec.train + spec.val);
  return {
    train: order.slice(0, valStart).sort(),
    val: order.slice(valStart, testStart).sort(),
    test: order.slice(testStart, upTo(total)).sort(),
  };
}

/**
 * Draws as many nodes of each class to train and to validate; the rest are the test set. With `largest`, nodes
 * outside the largest component are in no set. A class without enough nodes is refused.
 * @throws OptionError naming the class
 */
export function perClassSplit(
  { labels: all, classes, adjacency }: Pick<Graph, "labels" | "classes" | "adjacency">,
  { train, val, seed, largest }: Extract<SplitSpec, { kind: "per-class" }>,
): RawSplit {
  const random = randomStream(seed);
  const within = largest && largestComponent(adjacency);
  const labels = within ? all.map((label, node) => (within[node] ? label : UNLABELLED)) : all;
  const sets: number[][] = [[], [], []];
  for (const [c, members] of membersOf(labels, classes).entries()) {
    // A class that no node has is none that could be learned.
    if (members.length === 0) continue;
    if (members.length < train + val) {
      throw new OptionError(
        `split per-class:${train}/${val}: class ${c} has ${members.length} nodes, fewer than ${train} + ${val}`,
      );
    }
    const shuffled = Int32Array.from(members);
    shuffle(shuffled, random);
    for (const [k, node] of shuffled.entries()) {
      sets[k < train ? 0 : k < train + val ? 1 : 2]!.push(node);
    }
  }
  const [first, second, rest] = sets.map((nodes) => Int32Array.from(nodes).sort());
  return { train: first!, val: second!, test: rest! };
}

/**
 * Splits by time: the oldest of the labelled nodes train, the next validate, the newest test. Nodes of one
 * time are in one set, so the sizes are the nearest ones to those percentages.
 * @param times of each node, in any unit
 * @throws OptionError if a set would be empty
 */
export function timeSplit(
  { labels }: Pick<Graph, "labels">,
  times: Float64Array,
  { train, val }: Extract<SplitSpec, { kind: "time" }>,
): RawSplit {
  const order = Int32Array.from(labels.keys()).filter((node) => labels[node] !== UNLABELLED);
  order.sort((a, b) => times[a]! - times[b]! || a - b);
  const isStart = (k: number): boolean =>
    k === 0 || k >= order.length || times[order[k]!]! > times[order[k - 1]!]!;
  const nearest = (percent: number): number => {
    const wanted = Math.round((percent * order.length) / 100);
    for (let off = 0; ; off++) {
      if (wanted - off >= 0 && isStart(wanted - off)) return wanted - off;
      if (isStart(wanted + off)) return wanted + off;
    }
  };
  const [first, second] = [nearest(train), nearest(train + val)];
  if (first === 0 || first === second || second >= order.length) {
    const distinct = new Set(times).size;
    throw new OptionError(
      `split time:${train}/${val}: a set would be empty, because nodes of one of the ${distinct} times stay together`,
    );
  }
  return {
    train: order.slice(0, first).sort(),
    val: order.slice(first, second).sort(),
    test: order.slice(second).sort(),
  };
}

/** The labelled nodes of each class, ascending. */
function membersOf(labels: Int32Array, classes: number): number[][] {
  const members: number[][] = Array.from({ length: classes }, () => []);
  for (let node = 0; node < labels.length; node++) {
    if (labels[node] !== UNLABELLED) members[labels[node]!]!.push(node);
  }
  return members;
}

/** Orders labelled nodes so that any stretch holds each class in proportion. */
function stratifiedOrder(labels: Int32Array, classes: number, seed: number): Int32Array {
  const random = randomStream(seed);
  const dealt = membersOf(labels, classes).flatMap((nodes) => {
    const shuffled = Int32Array.from(nodes);
    shuffle(shuffled, random);
    return Array.from(shuffled, (node, rank) => ({ node, place: (rank + 0.5) / nodes.length }));
  });
  dealt.sort((a, b) => a.place - b.place || labels[a.node]! - labels[b.node]!);
  return Int32Array.from(dealt, ({ node }) => node);
}

/** Returns PyG's Planetoid split="full": every node outside validation and test trains. */
export function fullSplit(nodes: number, { val, test }: RawSplit): RawSplit {
  const held = new Set([...val, ...test]);
  const train = Int32Array.from({ length: nodes }, (_, node) => node);
  return { train: train.filter((node) => !held.has(node)), val, test };
}

/** Returns the split without its unlabelled nodes, which are counted. */
export function labelledOnly(name: string, raw: RawSplit, labels: Int32Array): Split {
  const keep = (nodes: Int32Array): Int32Array =>
    nodes.filter((node) => labels[node] !== UNLABELLED);
  const [train, val, test] = [keep(raw.train), keep(raw.val), keep(raw.test)];
  return {
    name,
    train,
    val,
    test,
    unlabelled: {
      train: raw.train.length - train.length,
      val: raw.val.length - val.length,
      test: raw.test.length - test.length,
    },
  };
}
