// Graphs and added nodes as a student reads them: neighbours, degrees and features.

/** A file, a graph or a question that does not fit the student; the message is one line. */
export class StudentError extends Error {}

/** Numbers in compressed rows, as in scipy.sparse; without values every entry is 1. */
export interface Rows {
  readonly indptr: ArrayLike<number>;
  readonly indices: ArrayLike<number>;
  readonly values?: ArrayLike<number> | undefined;
}

/** How features were changed or made when their graph was imported; absent: not at all. */
export interface Form {
  /** "binary", "standardised", "unit"; others are made of the graph itself. */
  readonly featuresMade?: string | undefined;
  /** By column, what standardised features had subtracted, and were then divided by; with a deviation of 0 they are 0. */
  readonly featureScales?:
    | { readonly means: ArrayLike<number>; readonly deviations: ArrayLike<number> }
    | null
    | undefined;
}

/** The graph that a student reads; one of loadDataset() or makeGraph() is one. */
export interface StudentGraph extends Form {
  readonly nodes: number;
  /** nodes x nodes: both directions of each edge, no loops. */
  readonly adjacency: Rows;
  /** nodes x features, as published (not normalised). */
  readonly features: Rows & { readonly columns: number };
  /** Present if whole graphs are classified, which a student without the engine does not do. */
  readonly graphs?: unknown;
  /** True if features are not to be divided by their rows' sums. */
  readonly featuresAsIs?: boolean | undefined;
}

/** A node that is not in the graph. */
export interface AddedNode {
  /** As in the graph's files: one number per feature, or those that are not 0 by their column. */
  readonly features: ArrayLike<number> | Readonly<Record<string, number>>;
  /** The nodes that it has edges with: those of the graph, then the added ones in their order. */
  readonly neighbours: ArrayLike<number>;
}

/** The arcs of a graph together with those of added nodes. @throws StudentError for what is no neighbour */
export function arcsOf(graph: StudentGraph, added: readonly AddedNode[]) {
  const total = graph.nodes + added.length;
  const more = new Map<number, Set<number>>();
  const put = (from: number, to: number): void => {
    more.set(from, (more.get(from) ?? new Set()).add(to));
  };
  for (const [index, { neighbours }] of added.entries()) {
    const node = graph.nodes + index;
    for (let k = 0; k < neighbours.length; k++) {
      const other = neighbours[k]!;
      if (!(Number.isInteger(other) && other >= 0 && other < total && other !== node)) {
        throw new StudentError(
          `an added node has the neighbour ${other}; known: 0 to ${total - 1}, and not itself`,
        );
      }
      put(node, other);
      put(other, node);
    }
  }
  const { indptr, indices } = graph.adjacency;
  return {
    degree: (node: number): number =>
      (node < graph.nodes ? degreeIn(graph.adjacency, node) : 0) + (more.get(node)?.size ?? 0),
    each(node: number, visit: (other: number) => void): void {
      if (node < graph.nodes) {
        for (let k = indptr[node]!; k < indptr[node + 1]!; k++) visit(indices[k]!);
      }
      more.get(node)?.forEach(visit);
    },
  };
}

export const degreeIn = ({ indptr }: Rows, node: number): number =>
  indptr[node + 1]! - indptr[node]!;

/**
 * Returns an added node's features as a matrix of one row.
 * @throws StudentError for a column that does not exist or a value that is no number
 */
export function addedFeatures(features: AddedNode["features"], count: number): Rows {
  const dense = "length" in features && typeof features.length === "number";
  if (dense && features.length !== count) {
    throw new StudentError(`an added node has ${features.length} features instead of ${count}`);
  }
  const entries = Object.entries(dense ? Array.from(features as ArrayLike<number>) : features);
  for (const [column, value] of entries) {
    const isNumber = typeof value === "number";
    // Beyond that float32 is infinite.
    const isRead = isNumber && Math.abs(value) < 2 ** 128;
    if (isRead && /^\d{1,9}$/.test(column) && Number(column) < count) continue;
    // As it was given: "1" is no number.
    const given = isNumber ? `${value}` : JSON.stringify(value);
    throw new StudentError(
      `an added node's feature ${column.slice(0, 20)} is ${given.slice(0, 20)}; ` +
        `they are float32, columns 0 to ${count - 1}`,
    );
  }
  return {
    indptr: [0, entries.length],
    indices: entries.map(([column]) => Number(column)),
    values: entries.map(([, value]) => value),
  };
}
