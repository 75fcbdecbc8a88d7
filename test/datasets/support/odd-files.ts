// Twenty files that are odd but legal: each must load with the plain toy's contents unless stated.
import { rawNpy, writeNpy } from "./npz-writer.ts";
import {
  type Files,
  f4,
  i4,
  npzToy,
  planetoidToy,
  range,
  splitToy,
  TOY,
  TOY_TEST_NODES,
  toyArcs,
  toyColumns,
  toyCsr,
  toyLabel,
  toyNeighbours,
  toyOneHot,
  u1,
} from "./toy.ts";

export interface Case {
  readonly name: string;
  readonly dataset: "cora" | "amazon-photo";
  readonly files: Files;
  /** What `info --json` prints where it differs from the plain toy. */
  readonly expected?: Readonly<Record<string, number>>;
}

/** Makes a case of Planetoid files, or of a split of them. */
export function cora(name: string, files: Files, expected?: Case["expected"]): Case {
  return { name, dataset: "cora", files, ...(expected && { expected }) };
}

/** Makes a case of an npz graph. */
export function photo(name: string, files: Files, expected?: Case["expected"]): Case {
  return { name, dataset: "amazon-photo", files, ...(expected && { expected }) };
}

const reversed = (node: number): number[] => toyColumns(node).reverse();

export const ODD_CASES: readonly Case[] = [
  cora(
    "protocol 0 of Python 2",
    planetoidToy(() => {}, { protocol: 0, python: 2 }),
  ),
  cora(
    "protocol 1 of Python 2",
    planetoidToy(() => {}, { protocol: 1, python: 2 }),
  ),
  cora(
    "protocol 0 of Python 3",
    planetoidToy(() => {}, { protocol: 0, python: 3 }),
  ),
  cora(
    "protocol 2 of Python 3",
    planetoidToy(() => {}, { protocol: 2, python: 3 }),
  ),
  cora(
    "unsorted columns",
    planetoidToy((parts) => {
      parts.allx = toyCsr(range(TOY.stacked), reversed);
      parts.tx = toyCsr(TOY_TEST_NODES, reversed);
    }),
  ),
  cora(
    "an entry in two halves",
    planetoidToy((parts) => {
      const columns = [...toyColumns(0), toyColumns(0)[0]!];
      const doubled = (nodes: readonly number[]) => {
        const spec = toyCsr(nodes, (node) => (node === 0 ? columns : toyColumns(node)));
        const values = Array<number>(spec.indices.shape[0]!).fill(1);
        values[0] = 0.5;
        values[columns.length - 1] = 0.5;
        return { ...spec, data: f4(values) };
      };
      parts.allx = doubled(range(TOY.stacked));
      parts.x = doubled(range(TOY.trained));
    }),
  ),
  cora(
    "stored zeros",
    planetoidToy((parts) => {
      const spec = toyCsr(TOY_TEST_NODES, (node) =>
        [...new Set([...toyColumns(node), 9])].sort((a, b) => a - b),
      );
      const columns = TOY_TEST_NODES.flatMap((node) => {
        const own = toyColumns(node);
        return [...new Set([...own, 9])]
          .sort((a, b) => a - b)
          .map((c) => (own.includes(c) ? 1 : 0));
      });
      parts.tx = { ...spec, data: f4(columns) };
    }),
  ),
  cora(
    "repeated neighbours and self loops",
    planetoidToy((parts) => {
      for (const [node, list] of parts.graph) parts.graph.set(node, [node, ...list, ...list, node]);
    }),
  ),
  cora(
    "an isolated node without an entry",
    planetoidToy((parts) => {
      parts.graph.delete(3);
      for (const [node, list] of parts.graph) {
        parts.graph.set(
          node,
          list.filter((other) => other !== 3),
        );
      }
    }),
    { arcs: toyArcs() - 2 * toyNeighbours().get(3)!.length, isolated: 1 },
  ),
  cora(
    "each edge listed once",
    planetoidToy((parts) => {
      for (const [node, list] of parts.graph) {
        parts.graph.set(
          node,
          list.filter((other) => other > node),
        );
      }
    }),
  ),
  cora(
    "labels in Fortran order",
    planetoidToy((parts) => {
      const columns = range(TOY.classes).flatMap((c) =>
        range(TOY.stacked).map((node) => (toyLabel(node) === c ? 1 : 0)),
      );
      parts.ally = { ...i4(columns, [TOY.stacked, TOY.classes]), fortranOrder: true };
    }),
  ),
  cora(
    "big-endian indices, float64 values, int64 row starts",
    planetoidToy((parts) => {
      const { shape, indptr, indices } = toyCsr(TOY_TEST_NODES);
      const count = indices.shape[0]!;
      const starts = new Int32Array(indptr.bytes.slice().buffer);
      parts.tx = {
        shape,
        indptr: {
          dtype: "<i8",
          shape: indptr.shape,
          bytes: new Uint8Array(BigInt64Array.from(starts, BigInt).buffer),
        },
        indices: { dtype: ">i4", shape: [count], bytes: Buffer.from(indices.bytes).swap32() },
        data: {
          dtype: "<f8",
          shape: [count],
          bytes: new Uint8Array(new Float64Array(count).fill(1).buffer),
        },
      };
    }),
  ),
  cora(
    "a test node left out, Windows line ends, none at the end",
    planetoidToy((parts) => {
      const kept = TOY_TEST_NODES.filter((node) => node !== 15);
      parts.tx = toyCsr(kept);
      parts.ty = toyOneHot(kept);
      parts.testIndex = kept.join("\r\n");
    }),
    { unlabelled: 1, featureNonzeros: toyNonzeros() - toyColumns(15).length },
  ),
  cora(
    "empty rows and labels of zeros",
    planetoidToy((parts) => {
      parts.allx = toyCsr(range(TOY.stacked), (node) => (node === 7 ? [] : toyColumns(node)));
      parts.ally = toyOneHot(range(TOY.stacked), (node) => (node === 7 ? -1 : toyLabel(node)));
    }),
    { unlabelled: 1, featureNonzeros: toyNonzeros() - toyColumns(7).length },
  ),
  cora(
    "masks of type |b1, stored",
    splitToy(
      (members) => {
        for (const [name, mask] of members) members.set(name, { ...mask, dtype: "|b1" });
      },
      { deflate: false },
    ),
  ),
  photo(
    "deflated members with zip64 fields in their local headers",
    npzToy(() => {}, { deflate: true, zip64Local: true }),
  ),
  photo(
    "sizes after the data, a comment after the archive",
    npzToy(() => {}, { deflate: true, dataDescriptor: true, comment: "made by hand" }),
  ),
  photo(
    "names as strings, a pickled object that is never opened",
    npzToy(
      () => {},
      {},
      new Map([
        ["node_names", writeNpy({ dtype: "<U1", shape: [1], bytes: Buffer.from("a\0\0\0") })],
        ["class_names", writeNpy({ dtype: "|O", shape: [], bytes: Buffer.from("cos\nsystem\n.") })],
      ]),
    ),
  ),
  photo(
    "an npy header of version 2 with long integers in any order, fortran_order of a vector",
    npzToy(
      (members) => members.delete("labels"),
      {},
      new Map([
        [
          "labels",
          rawNpy(
            `{'shape': (${TOY.nodes}L,), 'fortran_order': True, 'descr': '|i1'}`,
            Uint8Array.from(range(TOY.nodes).map(toyLabel)),
            2,
          ),
        ],
      ]),
    ),
  ),
  photo(
    "labels of -1, self loops, one direction only, counts as features",
    npzToy((members) => {
      const pairs = [...toyNeighbours()].map(([node, list]) => [
        node,
        ...list.filter((other) => other < node).reverse(),
      ]);
      const starts = [0];
      for (const row of pairs) starts.push(starts.at(-1)! + row.length);
      members.set("adj_indptr", i4(starts));
      members.set("adj_indices", i4(pairs.flat()));
      members.set("adj_data", f4(pairs.flat().map(() => 1)));
      members.set("attr_data", u1(Array(toyNonzeros()).fill(3)));
      members.set("labels", i4(range(TOY.nodes).map((node) => (node === 2 ? -1 : toyLabel(node)))));
    }),
    { unlabelled: 1 },
  ),
];

/** Counts the plain toy's feature entries. */
export function toyNonzeros(): number {
  return range(TOY.nodes).reduce((sum, node) => sum + toyColumns(node).length, 0);
}
