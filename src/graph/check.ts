// Checks of graphs, their matrices and their splits, in the words that the file readers use too.
// Each check takes time linear in its input and runs where data enters, never in a training step.
import { shown } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import type { Csr } from "./csr.ts";
import { type Graph, type NodeType, type Relation, type Split, UNLABELLED } from "./graph.ts";

/** Data passed in code is invalid; `message` is `<what>: <the fault>`. */
export class InputError extends UserError {}

/** What the WebAssembly kernels rely on in a matrix. One from a file may have spare entries and unsorted rows. */
export type CsrArrays = Pick<Csr, "rows" | "columns" | "indptr" | "indices">;

/** @returns the arrays' first fault as a matrix: lengths, row starts, columns in range */
export function arraysFault({ rows, columns, indptr, indices }: CsrArrays): string | undefined {
  if (indptr.length !== rows + 1) return `indptr has ${indptr.length} entries for ${rows} rows`;
  if (indptr[0] !== 0) return `indptr begins with ${indptr[0]}, not 0`;
  for (let r = 0; r < rows; r++) {
    if (indptr[r + 1]! < indptr[r]!) return `indptr decreases at row ${r}`;
  }
  const announced = indptr[rows]!;
  if (announced > indices.length) {
    return `indptr announces ${announced} entries, indices has ${indices.length}`;
  }
  for (let k = 0; k < announced; k++) {
    const column = indices[k]!;
    if (column < 0 || column >= columns) return `entry ${k} is in column ${column} of ${columns}`;
  }
  return undefined;
}

/** @throws InputError for what is no object */
export function needData(value: unknown, what: string, legal: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new InputError(`${what} is ${shown(value)}; expected: ${legal}`);
}

/** @throws InputError if a matrix breaks a rule of Csr; one from csrFromPairs never does */
export function checkCsr(matrix: Csr, what: string): void {
  needData(matrix, what, "a matrix, as csrFromPairs() makes it");
  const fault = shapeFault(matrix) ?? arraysFault(matrix) ?? entriesFault(matrix);
  if (fault !== undefined) throw new InputError(`${what}: ${fault}`);
}

function shapeFault({ rows, columns, indptr, indices, values }: Csr): string | undefined {
  if (!isCount(rows) || !isCount(columns)) return `shape ${rows} x ${columns}`;
  const fault =
    typeFault(indptr, "Int32Array", "indptr") ?? typeFault(indices, "Int32Array", "indices");
  return fault ?? (values === undefined ? undefined : typeFault(values, "Float32Array", "values"));
}

function entriesFault({ rows, indptr, indices, values }: Csr): string | undefined {
  if (indptr[rows] !== indices.length) {
    return `indptr announces ${indptr[rows]} entries, indices has ${indices.length}`;
  }
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]! + 1; k < indptr[r + 1]!; k++) {
      if (indices[k]! > indices[k - 1]!) continue;
      const order = indices[k] === indices[k - 1] ? "is repeated" : "is not in order";
      return `row ${r}: column ${indices[k]} ${order}`;
    }
  }
  if (!values) return undefined;
  if (values.length !== indices.length) {
    return `${values.length} values for ${indices.length} indices`;
  }
  return numbersFault(values);
}

/** @returns the first number that is NaN or infinite */
export function numbersFault(values: Float32Array): string | undefined {
  // A plain loop: findIndex() with its callback takes ten times as long over millions of entries.
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) return `entry ${k} is ${values[k]}, not a finite number`;
  }
  return undefined;
}

/**
 * @throws InputError unless the matrix is an undirected graph's adjacency: square, without weights,
 *   without arcs from a node to itself, and with both directions of each edge
 */
export function checkAdjacency(adjacency: Csr, what = "adjacency"): void {
  checkCsr(adjacency, what);
  const fault = arcsFault(adjacency);
  if (fault !== undefined) throw new InputError(`${what}: ${fault}`);
}

function arcsFault({ rows, columns, indptr, indices, values }: Csr): string | undefined {
  if (rows !== columns) return `${rows} x ${columns}, not square`;
  if (values) return "it has values, but arcs have no weights; leave `values` out";
  // Rows are sorted, so the reverses of the arcs into a node come in the order of its own arcs.
  const next = indptr.slice(0, rows);
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      const c = indices[k]!;
      if (c === r)
        return `node ${r} has an arc to itself; leave it out: P = A + I adds one to each`;
      const at = next[c]!++;
      if (at < indptr[c + 1]! && indices[at] === r) continue;
      const behind = at < indptr[c + 1]! && indices[at]! < r;
      const [from, to] = behind ? [c, indices[at]] : [r, c];
      return `it has the arc ${from} -> ${to} without its opposite; an edge needs both`;
    }
  }
  return undefined;
}

/** @throws InputError for a graph whose parts do not fit together, or that cannot be classified */
export function checkGraph(graph: Graph): void {
  needData(graph, "the graph", "a graph, as returned by loadDataset()");
  const { name, nodes, classes, adjacency, features, classless } = graph;
  const refuse = (part: string, fault: string | undefined): void => {
    if (fault !== undefined) throw new InputError(`${name}: ${part}: ${fault}`);
  };
  const positive = (count: number): string | undefined =>
    isCount(count) && count > 0 ? undefined : `${count}, not 1 or more`;
  refuse("nodes", positive(nodes));
  refuse("classes", positive(classes));
  checkAdjacency(adjacency, `${name}: adjacency`);
  checkCsr(features, `${name}: features`);
  const rowsFault = ({ rows }: Csr): string | undefined =>
    rows === nodes ? undefined : `${rows} rows for ${nodes} nodes`;
  refuse("adjacency", rowsFault(adjacency));
  refuse("features", rowsFault(features));
  refuse("features", features.columns > 0 ? undefined : "there are none");
  refuse("node names", namesFault(graph.nodeNames, nodes));
  refuse("class names", namesFault(graph.classNames, classes));
  checkLabels(graph);
  if (classless) refuse("classless", nodesFault(classless, nodes));
  const { types, relations, graphs } = graph;
  refuse("types", types && typesFault(types, nodes));
  if (graphs) refuse("graphs", graphsFault(graphs, graph));
  for (const relation of relations ?? []) {
    checkCsr(relation.arcs, `${name}: relation ${relation.name}`);
    refuse(`relation ${relation.name}`, relationFault(relation, types ?? []));
  }
}

function namesFault(names: readonly string[] | undefined, count: number): string | undefined {
  return names && names.length !== count ? `${names.length} for ${count}` : undefined;
}

function typesFault(types: readonly NodeType[], nodes: number): string | undefined {
  const names = new Set(types.map(({ name }) => name));
  if (names.size < types.length) return "two have the same name";
  const wrong = types.find((type) => !isCount(type.nodes) || type.nodes === 0);
  if (wrong) return `${wrong.name} has ${wrong.nodes} nodes, not 1 or more`;
  const sum = types.reduce((total, type) => total + type.nodes, 0);
  return sum === nodes ? undefined : `they have ${sum} nodes together, the graph has ${nodes}`;
}

function relationFault(
  { source, target, arcs }: Relation,
  types: readonly NodeType[],
): string | undefined {
  for (const [role, given, side] of [
    ["source", source, arcs.columns],
    ["target", target, arcs.rows],
  ] as const) {
    const type = types.find(({ name }) => name === given);
    if (!type) return `its ${role} is ${shown(given)}, which is not a type of this graph`;
    if (type.nodes !== side) return `${side} of the type ${given}, which has ${type.nodes} nodes`;
  }
  return arcs.values && "it has values, but arcs have no weights; leave `values` out";
}

function graphsFault(graphs: Int32Array, { nodes, adjacency, types }: Graph): string | undefined {
  if (types) return "a graph of several types is one graph";
  const fault = typeFault(graphs, "Int32Array", "they") ?? nodesFault(graphs, nodes);
  if (fault !== undefined) return fault;
  if (graphs[0] !== 0) return `the first begins at node ${graphs[0]}, not 0`;
  for (const [index, first] of graphs.entries()) {
    const end = graphs[index + 1] ?? nodes;
    if (end <= first) return `graph ${index} begins at node ${first}, the next at ${end}`;
    for (let k = adjacency.indptr[first]!; k < adjacency.indptr[end]!; k++) {
      const node = adjacency.indices[k]!;
      if (node < first || node >= end) return `an arc leads out of graph ${index}, to node ${node}`;
    }
  }
  return undefined;
}

/** Counts the items to be classified: nodes, nodes of the first type, or graphs. */
export function itemCount({
  nodes,
  types,
  graphs,
}: Pick<Graph, "nodes" | "types" | "graphs">): number {
  return graphs?.length ?? types?.[0]?.nodes ?? nodes;
}

/** What an item is called in messages. */
export function itemName({ graphs }: Pick<Graph, "graphs">): "node" | "graph" {
  return graphs ? "graph" : "node";
}

/** @throws InputError for a label that is neither a class nor UNLABELLED, or the wrong number of labels */
export function checkLabels(graph: Graph): void {
  needData(graph, "the graph", "a graph, as returned by loadDataset()");
  const items = itemCount(graph);
  const { name, labelSets } = graph;
  const fault = labelsFault({ ...graph, nodes: items });
  if (fault !== undefined) throw new InputError(`${name}: labels: ${fault}`);
  if (!labelSets) return;
  checkCsr(labelSets, `${name}: label sets`);
  const { rows, columns, values } = labelSets;
  if (rows !== items || columns !== graph.classes || values) {
    const found = `${rows} x ${columns}${values ? " with values" : ""}`;
    throw new InputError(`${name}: label sets: ${found}, not ${items} x ${graph.classes} without`);
  }
}

/** @returns the first label that is neither a class nor UNLABELLED */
export function labelsFault({
  nodes,
  classes,
  labels,
}: Pick<Graph, "nodes" | "classes" | "labels">): string | undefined {
  const fault = typeFault(labels, "Int32Array", "they");
  if (fault !== undefined) return fault;
  if (labels.length !== nodes) return `${labels.length} for ${nodes} nodes`;
  for (let node = 0; node < nodes; node++) {
    const label = labels[node]!;
    if (label === UNLABELLED || (label >= 0 && label < classes)) continue;
    return `node ${node} has class ${label}, not one of 0 to ${classes - 1} or ${UNLABELLED} for none`;
  }
  return undefined;
}

const SETS = ["train", "val", "test"] as const;

/**
 * @throws InputError for an empty set, or a node that is not in the graph, has no class, or is in
 *   two sets or twice in one
 */
export function checkSplit(split: Split, graph: Pick<Graph, "name" | "labels">): void {
  const items = graph.labels.length;
  const setOf = new Int8Array(items).fill(-1);
  for (const [index, set] of SETS.entries()) {
    const fail = (fault: string): never => {
      throw new InputError(`the split ${split.name} of ${graph.name}: ${set}: ${fault}`);
    };
    const nodes = split[set];
    const fault = typeFault(nodes, "Int32Array", "it") ?? nodesFault(nodes, items);
    if (fault !== undefined) fail(fault);
    if (nodes.length === 0) fail("it has no nodes");
    for (const node of nodes) {
      const other = setOf[node]!;
      if (other >= 0)
        fail(
          other === index
            ? `node ${node} is in it twice`
            : `node ${node} is in ${SETS[other]} too; a node is in one set at most`,
        );
      if (graph.labels[node] === UNLABELLED) fail(`node ${node} has no class`);
      setOf[node] = index;
    }
  }
}

/** @returns the first number that is not a node */
export function nodesFault(list: Int32Array, nodes: number): string | undefined {
  for (let k = 0; k < list.length; k++) {
    const node = list[k]!;
    if (node < 0 || node >= nodes) return `node ${node} is not one of 0 to ${nodes - 1}`;
  }
  return undefined;
}

/** Finds a wrong type, which JavaScript or a cast may pass; typed arrays of any realm are accepted. */
function typeFault(
  value: unknown,
  type: "Int32Array" | "Float32Array",
  what: string,
): string | undefined {
  const found = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (found === type) return undefined;
  return `${what} must be of the type ${type}, not ${value === undefined ? "missing" : found}`;
}

/** Whether a value is a whole number that an array's length can be. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}
