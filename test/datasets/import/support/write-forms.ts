// Writes a graph in each form that can be imported, as its authors' own programs write it.
import { gzipSync } from "node:zlib";
import { type Csr, nonzeros } from "../../../../src/graph/csr.ts";
import type { Graph } from "../../../../src/graph/graph.ts";
import { writeNpy, writeZip } from "../../support/npz-writer.ts";
import type { ArraySpec } from "../../support/pickle-writer.ts";

/** Files by name. */
export type Folder = Readonly<Record<string, string | Uint8Array>>;

export function int(values: ArrayLike<number>, shape = [values.length], dtype = "<i8"): ArraySpec {
  const bytes =
    dtype === "<i8"
      ? new Uint8Array(BigInt64Array.from(Array.from(values, BigInt)).buffer)
      : new Uint8Array(Int32Array.from(values).buffer);
  return { dtype, shape, bytes };
}

export function float(
  values: ArrayLike<number>,
  shape = [values.length],
  dtype = "<f4",
): ArraySpec {
  const Type = dtype === "<f8" ? Float64Array : Float32Array;
  return { dtype, shape, bytes: new Uint8Array(Type.from(values).buffer) };
}

export function bool(values: ArrayLike<number>, shape = [values.length]): ArraySpec {
  return { dtype: "|b1", shape, bytes: Uint8Array.from(values) };
}

export function npz(arrays: Readonly<Record<string, ArraySpec>>): Buffer {
  return writeZip(new Map(Object.entries(npys(arrays))), { deflate: true });
}

export function npys(arrays: Readonly<Record<string, ArraySpec>>): Record<string, Buffer> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [`${name}.npy`, writeNpy(array)]),
  );
}

/** Both ends of each arc. */
export function arcsOf({ adjacency }: Graph): { from: number[]; to: number[] } {
  const from: number[] = [];
  for (let r = 0; r < adjacency.rows; r++) {
    for (let k = adjacency.indptr[r]!; k < adjacency.indptr[r + 1]!; k++) from.push(r);
  }
  return { from, to: [...adjacency.indices] };
}

/** Each edge once, from the smaller node. */
export function edgesOf(graph: Graph): [number, number][] {
  const { from, to } = arcsOf(graph);
  return from.flatMap((a, k): [number, number][] => (a < to[k]! ? [[a, to[k]!]] : []));
}

export function denseOf({ rows, columns, indptr, indices, values }: Csr): Float32Array {
  const dense = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      dense[r * columns + indices[k]!] = values?.[k] ?? 1;
    }
  }
  return dense;
}

function rowsOf(features: Csr): string[][] {
  const dense = denseOf(features);
  const { rows, columns } = features;
  return Array.from({ length: rows }, (_, r) =>
    Array.from(dense.subarray(r * columns, (r + 1) * columns), String),
  );
}

const lines = (rows: readonly (readonly unknown[])[], separator: string): string =>
  `${rows.map((row) => row.join(separator)).join("\n")}\n`;

/** NaN and infinities as Python writes them, which is no JSON. */
const json = (value: unknown): string => JSON.stringify(value).replace(/"(-?Infinity|NaN)"/g, "$1");
const real = (text: string): number | string =>
  Number.isFinite(Number(text)) ? Number(text) : text;

function csr(prefix: string, matrix: Csr): Record<string, ArraySpec> {
  const { rows, columns, indptr, indices, values } = matrix;
  return {
    [`${prefix}data`]: float(values ?? new Float32Array(nonzeros(matrix)).fill(1)),
    [`${prefix}indices`]: int(indices, undefined, "<i4"),
    [`${prefix}indptr`]: int(indptr, undefined, "<i4"),
    [`${prefix}shape`]: int([rows, columns]),
  };
}

/** Each form's files, from a graph with one class a node. The classes of text are in alphabetical order. */
export const FORMS: Readonly<Record<string, (graph: Graph) => Folder>> = {
  "csv with a header and ids of text": (graph) => {
    const { features, labels } = graph;
    const head = ["id", ...Array.from({ length: features.columns }, (_, k) => `w${k}`), "label"];
    const rows = rowsOf(features).map((row, k) => [`paper ${k}`, ...row, `class ${labels[k]}`]);
    const edges = edgesOf(graph).map(([a, b]) => [`paper ${a}`, `paper ${b}`]);
    return {
      "edges.csv": lines([["source", "target"], ...edges], ","),
      "nodes.csv": lines([head, ...rows], ","),
    };
  },
  "cites and content without headers (tabs)": (graph) => ({
    "cora.cites": lines(
      edgesOf(graph).map(([a, b]) => [31336 + b, 31336 + a]),
      "\t",
    ),
    "cora.content": lines(
      rowsOf(graph.features).map((row, k) => [31336 + k, ...row, `Topic_${graph.labels[k]}`]),
      "\t",
    ),
  }),
  "three tables, semicolons, nodes by row": (graph) => ({
    "links.txt": `# a comment\n${lines(edgesOf(graph), " ")}`,
    "features.csv": lines(rowsOf(graph.features), ";"),
    "labels.csv": lines([["label"], ...Array.from(graph.labels, (label) => [label])], ";"),
  }),
  "pandas' index column": (graph) => ({
    "edge_list.csv": lines(
      [["", "0", "1"], ...edgesOf(graph).map((e, k) => [k, ...e])],
      ",",
    ).replace(",0,1", ",from,to"),
    "table.csv": lines(
      [
        ["", ...Array.from({ length: graph.features.columns }, (_, k) => k), "y"],
        ...rowsOf(graph.features).map((row, k) => [k, ...row, graph.labels[k]]),
      ],
      ",",
    ),
  }),
  "PyG's keys in an npz": (graph) => {
    const { from, to } = arcsOf(graph);
    const { nodes, features, labels } = graph;
    return {
      "data.npz": npz({
        edge_index: int([...from, ...to], [2, from.length]),
        x: float(denseOf(features), [nodes, features.columns]),
        y: int(labels),
      }),
    };
  },
  "DGL's keys as npy": (graph) => {
    const edges = edgesOf(graph);
    const { nodes, features, labels } = graph;
    return npys({
      src: int(edges.map(([a]) => a)),
      dst: int(edges.map(([, b]) => b)),
      feat: float(denseOf(features), [nodes, features.columns], "<f8"),
      label: int(labels, [nodes, 1]),
    });
  },
  "gnn-benchmark's npz": (graph) => ({
    "graph.npz": npz({
      ...csr("adj_", graph.adjacency),
      ...csr("attr_", graph.features),
      labels: int(graph.labels),
    }),
  }),
  "Geom-GCN's files": (graph) => ({
    "out1_graph_edges.txt": lines([["node_id", "node_id"], ...edgesOf(graph)], "\t"),
    "out1_node_feature_label.txt": lines(
      [
        ["node_id", "feature", "label"],
        ...rowsOf(graph.features).map((row, k) => [k, row.join(","), graph.labels[k]]),
      ],
      "\t",
    ),
  }),
  "GraphSAINT's files": (graph) => ({
    "adj_full.npz": npz(csr("", graph.adjacency)),
    "adj_train.npz": npz(csr("", graph.adjacency)),
    ...npys({
      feats: float(denseOf(graph.features), [graph.nodes, graph.features.columns], "<f8"),
    }),
    "class_map.json": JSON.stringify(Object.fromEntries(graph.labels.entries())),
    "role.json": JSON.stringify({
      tr: [...graph.labels.keys()].filter((k) => k % 3 === 0),
      va: [...graph.labels.keys()].filter((k) => k % 3 === 1),
      te: [...graph.labels.keys()].filter((k) => k % 3 === 2),
    }),
  }),
  "DGL's CSVDataset": (graph) => ({
    "meta.yaml":
      "dataset_name: mine\nedge_data:\n- file_name: edges.csv\nnode_data:\n- file_name: nodes.csv\n",
    "edges.csv": lines([["src_id", "dst_id"], ...edgesOf(graph)], ","),
    "nodes.csv": lines(
      [
        ["node_id", "label", "feat"],
        ...rowsOf(graph.features).map((row, k) => [k, graph.labels[k], `"${row.join(",")}"`]),
      ],
      ",",
    ),
  }),
  "the Open Graph Benchmark's files": (graph) => ({
    "raw/num-node-list.csv.gz": gzipSync(`${graph.nodes}\n`),
    "raw/edge.csv.gz": gzipSync(lines(edgesOf(graph), ",")),
    "raw/node-feat.csv.gz": gzipSync(lines(rowsOf(graph.features), ",")),
    "raw/node-label.csv.gz": gzipSync(`${[...graph.labels].join("\n")}\n`),
  }),
  "JSON of nodes and links": (graph) => ({
    "graph.json": json({
      directed: false,
      nodes: rowsOf(graph.features).map((row, k) => ({
        id: `n${k}`,
        x: row.map(real),
        label: graph.labels[k],
      })),
      links: edgesOf(graph).map(([a, b]) => ({ source: `n${a}`, target: `n${b}` })),
    }),
  }),
  "WikiCS' JSON": (graph) => {
    const links = Array.from({ length: graph.nodes }, (): number[] => []);
    for (const [a, b] of edgesOf(graph)) links[a]!.push(b);
    return {
      "data.json": json({
        features: rowsOf(graph.features).map((row) => row.map(real)),
        labels: [...graph.labels],
        links,
      }),
    };
  },
  "an edge list and labels beside an array": (graph) => ({
    ...npys({ x: float(denseOf(graph.features), [graph.nodes, graph.features.columns]) }),
    "edges.txt": lines(edgesOf(graph), " "),
    "labels.txt": lines([["label"], ...Array.from(graph.labels, (label) => [`c${label}`])], " "),
  }),
  "Matrix Market": (graph) => {
    const { nodes, features } = graph;
    const edges = edgesOf(graph).map(([a, b]) => [b + 1, a + 1]);
    const rows: number[][] = [];
    for (let r = 0; r < nodes; r++) {
      for (let k = features.indptr[r]!; k < features.indptr[r + 1]!; k++) {
        rows.push([r + 1, features.indices[k]! + 1, features.values?.[k] ?? 1]);
      }
    }
    return {
      "graph.mtx": `%%MatrixMarket matrix coordinate pattern symmetric\n% made\n${lines([[nodes, nodes, edges.length], ...edges], " ")}`,
      "features.mtx": `%%MatrixMarket matrix coordinate real general\n${lines([[nodes, features.columns, rows.length], ...rows], " ")}`,
      "labels.mtx": `%%MatrixMarket matrix array integer general\n${nodes} 1\n${[...graph.labels].join("\n")}\n`,
    };
  },
};
