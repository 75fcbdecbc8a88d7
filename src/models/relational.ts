// A graph's types and relations: their names and sizes, on which parameters depend, and their arcs on the engine.
import * as tf from "@tensorflow/tfjs";
import { printable } from "../base/printable.ts";
import { type Csr, csrFromPairs, takeCsrRows, transpose } from "../graph/csr.ts";
import type { Graph, NodeType, Relation } from "../graph/graph.ts";
import { modelFeatures, rowNormalised } from "../graph/normalise.ts";
import { type RelationalGraph, SparseMatrix, type TypeRows } from "../tensor/index.ts";
import type { RelationalShape } from "./model.ts";

/** Features are read as a dense matrix from this share of stored entries on. */
const DENSE = 0.25;

/** A relation as a model reads it: as it is stored, its arcs turned round, or both together. */
export interface ReadRelation {
  /** Its place among the graph's relations. */
  readonly relation: number;
  readonly way: "stored" | "inverse" | "both";
}

/**
 * Lists the relations that a model has weights for: each, followed by its inverse.
 * @param undirected whether a relation within a type is one relation both ways instead
 */
export function readRelations(
  relations: readonly Pick<Relation, "source" | "target">[],
  undirected: boolean,
): ReadRelation[] {
  return relations.flatMap(({ source, target }, relation): ReadRelation[] =>
    undirected && source === target
      ? [{ relation, way: "both" }]
      : [
          { relation, way: "stored" },
          { relation, way: "inverse" },
        ],
  );
}

/** The types and relations that parameters depend on; undefined for a graph without relations. */
export function relationalShape({
  features,
  types,
  relations,
}: Pick<Graph, "features" | "types" | "relations">): RelationalShape | undefined {
  if (!types || !relations) return undefined;
  const firsts = firstNodes(types);
  return {
    types: types.map(({ name, nodes }, t) => {
      const first = firsts[t]!;
      const stored = features.indptr[first + nodes]! - features.indptr[first]!;
      return { name, nodes, ...(stored === 0 && { featureless: true as const }) };
    }),
    relations: relations.map(({ name, source, target }) => ({ name, source, target })),
  };
}

/** Says how a graph's types and relations differ from a model's; undefined if its parameters fit. */
export function relationalFault(
  model: RelationalShape | undefined,
  graph: RelationalShape | undefined,
): string | undefined {
  const names = (shape: RelationalShape | undefined): string[] =>
    shape?.relations.map(({ name, source, target }) => `${source} ${name} ${target}`) ?? [];
  const [own, other] = [names(model), names(graph)];
  if (own.length !== other.length) {
    return `${own.length} relations, not ${other.length}`;
  }
  const at = own.findIndex((name, r) => name !== other[r]);
  if (at >= 0) return `the relation ${at} "${printable(own[at]!)}", not "${printable(other[at]!)}"`;
  for (const [t, { name, nodes, featureless }] of (model?.types ?? []).entries()) {
    const found = graph?.types[t];
    if (found?.name !== name) return `the type ${t} "${printable(name)}"`;
    if (!featureless || (found.featureless && found.nodes === nodes)) continue;
    return `${nodes} nodes of the type "${printable(name)}", each with learned features of its own`;
  }
  return undefined;
}

const firstNodes = (types: readonly Pick<NodeType, "nodes">[]): number[] =>
  types.map((_, t) => types.slice(0, t).reduce((sum, { nodes }) => sum + nodes, 0));

/** A graph's relations and features by type, on the engine; a graph without relations has one of each. */
export class RelationalForms {
  readonly #graph: Graph;
  readonly #types: readonly Pick<NodeType, "name" | "nodes">[];
  readonly #made = new Map<string, RelationalGraph>();
  #rows: readonly TypeRows[] | undefined;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#types =
      graph.relations && graph.types ? graph.types : [{ name: "node", nodes: graph.nodes }];
  }

  get types(): number {
    return this.#types.length;
  }

  /** Each type's rows of the features; unit vectors where each node has its own. */
  get rows(): readonly TypeRows[] {
    this.#rows ??= rowsByType(modelFeatures(this.#graph), this.#types);
    return this.#rows;
  }

  /** The relations, each row divided by its arcs' number: means over a node's sources, 0 without any. */
  relations(undirected: boolean): RelationalGraph {
    const key = String(undirected);
    const made = this.#made.get(key) ?? this.#make(undirected);
    this.#made.set(key, made);
    return made;
  }

  dispose(): void {
    for (const { relations } of this.#made.values())
      for (const { matrix } of relations) matrix.dispose();
    for (const rows of this.#rows ?? []) {
      if (rows instanceof SparseMatrix) rows.dispose();
      else if (rows && "constant" in rows) rows.constant.dispose();
    }
    this.#made.clear();
    this.#rows = undefined;
  }

  #make(undirected: boolean): RelationalGraph {
    const { adjacency, relations, types } = this.#graph;
    const sizes = this.#types.map(({ nodes }) => nodes);
    if (!relations || !types) {
      const matrix = SparseMatrix.from(rowNormalised(adjacency));
      return { sizes, relations: [{ source: 0, target: 0, matrix }] };
    }
    const place = (name: string): number => types.findIndex((type) => type.name === name);
    return {
      sizes,
      relations: readRelations(relations, undirected).map(({ relation, way }) => {
        const { source, target, arcs } = relations[relation]!;
        const [from, to] = [place(source), place(target)];
        const matrix = SparseMatrix.from(rowNormalised(turned(arcs, way)));
        return way === "inverse"
          ? { source: to, target: from, matrix }
          : { source: from, target: to, matrix };
      }),
    };
  }
}

function turned(arcs: Csr, way: ReadRelation["way"]): Csr {
  if (way === "stored") return arcs;
  const { matrix } = transpose(arcs);
  if (way === "inverse") return matrix;
  const joined = (a: Int32Array, b: Int32Array): Int32Array => {
    const both = new Int32Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
  };
  const targets = joined(rowsOf(arcs), rowsOf(matrix));
  return csrFromPairs(arcs.rows, arcs.columns, targets, joined(arcs.indices, matrix.indices));
}

function rowsOf({ rows, indptr, indices }: Csr): Int32Array {
  const all = new Int32Array(indices.length);
  for (let row = 0; row < rows; row++) all.fill(row, indptr[row]!, indptr[row + 1]!);
  return all;
}

function rowsByType(features: Csr, types: readonly Pick<NodeType, "nodes">[]): TypeRows[] {
  const firsts = firstNodes(types);
  return types.map(({ nodes }, t): TypeRows => {
    const chosen = Int32Array.from({ length: nodes }, (_, node) => firsts[t]! + node);
    const own = types.length === 1 ? features : takeCsrRows(features, chosen);
    if (isIdentity(own)) return undefined;
    const { rows, columns, indptr, indices, values } = own;
    if (indices.length < DENSE * rows * columns) return SparseMatrix.from(own);
    const numbers = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let k = indptr[row]!; k < indptr[row + 1]!; k++) {
        numbers[row * columns + indices[k]!] = values?.[k] ?? 1;
      }
    }
    return { constant: tf.keep(tf.tidy(() => tf.tensor2d(numbers, [rows, columns]))) };
  });
}

function isIdentity({ rows, columns, indptr, indices, values }: Csr): boolean {
  if (rows !== columns || indices.length !== rows) return false;
  return indices.every(
    (column, row) => column === row && indptr[row] === row && (values?.[row] ?? 1) === 1,
  );
}
