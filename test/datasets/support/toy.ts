// A graph of 17 nodes in the formats of the real files, in which every part can be broken.
import { writeNpy, writeZip, type ZipStyle } from "./npz-writer.ts";
import {
  type ArraySpec,
  type CsrSpec,
  type PickleStyle,
  PickleWriter,
  PLAIN,
} from "./pickle-writer.ts";

export const TOY = { nodes: 17, trained: 4, stacked: 12, features: 10, classes: 3 };
/** The node of each row of tx. */
export const TOY_TEST_NODES = [14, 12, 16, 13, 15];

/** Makes an array of little-endian int32. */
export function i4(
  values: readonly number[],
  shape: readonly number[] = [values.length],
): ArraySpec {
  return { dtype: "<i4", shape, bytes: new Uint8Array(Int32Array.from(values).buffer) };
}

export function f4(values: readonly number[]): ArraySpec {
  return {
    dtype: "<f4",
    shape: [values.length],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  };
}

export function u1(values: readonly number[], dtype = "|u1"): ArraySpec {
  return { dtype, shape: [values.length], bytes: Uint8Array.from(values) };
}

/** A node's feature columns: two or three of ten, sorted. */
export function toyColumns(node: number): number[] {
  return [...new Set([node % 10, (node * 3 + 1) % 10, (node * 7 + 5) % 10])].sort((a, b) => a - b);
}

export function toyLabel(node: number): number {
  return node % TOY.classes;
}

/** A ring with chords: symmetric, sorted, without self loops. */
export function toyNeighbours(): Map<number, number[]> {
  const sets = Array.from({ length: TOY.nodes }, () => new Set<number>());
  for (let a = 0; a < TOY.nodes; a++) {
    for (const b of [(a + 1) % TOY.nodes, (a * 5 + 2) % TOY.nodes]) {
      if (a === b) continue;
      sets[a]!.add(b);
      sets[b]!.add(a);
    }
  }
  return new Map(sets.map((set, node) => [node, [...set].sort((a, b) => a - b)]));
}

export function toyArcs(): number {
  return [...toyNeighbours().values()].reduce((sum, list) => sum + list.length, 0);
}

/** Returns the feature rows of the given nodes. */
export function toyCsr(nodes: readonly number[], columnsOf = toyColumns): CsrSpec {
  const rows = nodes.map(columnsOf);
  const indptr = [0];
  for (const row of rows) indptr.push(indptr.at(-1)! + row.length);
  const indices = rows.flat();
  return {
    shape: [nodes.length, TOY.features],
    indptr: i4(indptr),
    indices: i4(indices),
    data: f4(indices.map(() => 1)),
  };
}

export function toyOneHot(
  nodes: readonly number[],
  labelOf: (node: number) => number = toyLabel,
): ArraySpec {
  const rows = nodes.flatMap((node) =>
    Array.from({ length: TOY.classes }, (_, c) => (labelOf(node) === c ? 1 : 0)),
  );
  return i4(rows, [nodes.length, TOY.classes]);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}

/** The parts of the toy's Planetoid files that may be changed before they are written. */
export interface PlanetoidParts {
  x: CsrSpec;
  tx: CsrSpec;
  allx: CsrSpec;
  y: ArraySpec;
  ty: ArraySpec;
  ally: ArraySpec;
  graph: Map<number, number[]>;
  testIndex: string;
}

export type Files = Map<string, Buffer>;

/** Writes the eight files under cora's names. */
export function planetoidToy(
  change: (parts: PlanetoidParts) => void = () => {},
  style: PickleStyle = PLAIN,
): Files {
  const parts: PlanetoidParts = {
    x: toyCsr(range(TOY.trained)),
    tx: toyCsr(TOY_TEST_NODES),
    allx: toyCsr(range(TOY.stacked)),
    y: toyOneHot(range(TOY.trained)),
    ty: toyOneHot(TOY_TEST_NODES),
    ally: toyOneHot(range(TOY.stacked)),
    graph: toyNeighbours(),
    testIndex: `${TOY_TEST_NODES.join("\n")}\n`,
  };
  change(parts);
  const { x, tx, allx, y, ty, ally, graph, testIndex } = parts;
  const csr = (spec: CsrSpec): Buffer => new PickleWriter(style).csr(spec).finish();
  const array = (spec: ArraySpec): Buffer => new PickleWriter(style).array(spec).finish();
  return new Map([
    ["planetoid/ind.cora.x", csr(x)],
    ["planetoid/ind.cora.tx", csr(tx)],
    ["planetoid/ind.cora.allx", csr(allx)],
    ["planetoid/ind.cora.y", array(y)],
    ["planetoid/ind.cora.ty", array(ty)],
    ["planetoid/ind.cora.ally", array(ally)],
    ["planetoid/ind.cora.graph", new PickleWriter(style).graph(graph).finish()],
    ["planetoid/ind.cora.test.index", Buffer.from(testIndex)],
  ]);
}

/** The toy's npz members, each of which becomes an npy file. */
export function npzMembers(): Map<string, ArraySpec> {
  const adjacency = [...toyNeighbours().values()];
  const indptr = [0];
  for (const list of adjacency) indptr.push(indptr.at(-1)! + list.length);
  const features = toyCsr(range(TOY.nodes));
  return new Map([
    ["adj_data", f4(adjacency.flat().map(() => 1))],
    ["adj_indices", i4(adjacency.flat())],
    ["adj_indptr", i4(indptr)],
    ["adj_shape", i4([TOY.nodes, TOY.nodes])],
    ["attr_data", features.data],
    ["attr_indices", features.indices],
    ["attr_indptr", features.indptr],
    ["attr_shape", i4([TOY.nodes, TOY.features])],
    ["labels", i4(range(TOY.nodes).map(toyLabel))],
  ]);
}

export const NPZ_FILE = "gnn-benchmark/amazon_electronics_photo.npz";
export const SPLIT_FILE = "geom-gcn-splits/cora_split_0.6_0.2_0.npz";

export function npzToy(
  change: (members: Map<string, ArraySpec>) => void = () => {},
  style: ZipStyle = {},
  extra: ReadonlyMap<string, Buffer> = new Map(),
): Files {
  const members = npzMembers();
  change(members);
  return new Map([[NPZ_FILE, writeZip(npyMembers(members, extra), style)]]);
}

export function npyMembers(
  members: ReadonlyMap<string, ArraySpec>,
  extra: ReadonlyMap<string, Buffer> = new Map(),
): Map<string, Buffer> {
  const files = new Map([...members].map(([name, array]) => [`${name}.npy`, writeNpy(array)]));
  for (const [name, bytes] of extra) files.set(`${name}.npy`, bytes);
  return files;
}

/** Geom-GCN masks of the toy: node k is in set k mod 3. */
export function splitToy(
  change: (members: Map<string, ArraySpec>) => void = () => {},
  style: ZipStyle = { deflate: true },
): Files {
  const mask = (set: number): ArraySpec => u1(range(TOY.nodes).map((k) => (k % 3 === set ? 1 : 0)));
  const members = new Map([
    ["train_mask", mask(0)],
    ["val_mask", mask(1)],
    ["test_mask", mask(2)],
  ]);
  change(members);
  return new Map([...planetoidToy(), [SPLIT_FILE, writeZip(npyMembers(members), style)]]);
}
