// Reads a student's file and its graph's, both safetensors, from bytes or an address.
import { type Rows, StudentError, type StudentGraph } from "./rows.ts";
import { Student, type StudentFile } from "./student.ts";

/** Bytes, or an address that fetch() takes. */
export type Source = string | URL | Uint8Array;

/** A graph as `abkd export --format web` writes it. */
export interface LoadedGraph extends StudentGraph {
  readonly name: string;
  /** The class of each node, or -1. */
  readonly labels: Int32Array;
}

/** Reads a student from a file of `abkd export`. @throws StudentError for a file that is none */
export async function loadStudent(source: Source): Promise<Student> {
  const { metadata, arrays } = decoded(await bytesOf(source));
  const part = <T>(name: string): T => JSON.parse(metadata[name] ?? fail(`it has no ${name}`)) as T;
  return new Student({
    config: part<StudentFile["config"]>("config"),
    shape: part<StudentFile["shape"]>("shape"),
    featuresAsIs: "featuresAsIs" in metadata,
    featuresMade: metadata["featuresMade"],
    featureScales: JSON.parse(metadata["featureScales"] ?? "null"),
    parameters: arrays,
  });
}

/** Reads a graph that lies beside a student. @throws StudentError for a file that is none */
export async function loadGraph(source: Source): Promise<LoadedGraph> {
  const { metadata, arrays } = decoded(await bytesOf(source));
  const of = (name: string): ArrayLike<number> =>
    arrays.get(name)?.values ?? fail(`it has no ${name}`);
  const [nodes, columns] = [Number(metadata["nodes"]), Number(metadata["features"])];
  return {
    name: metadata["name"] ?? "graph",
    nodes,
    adjacency: bothWays(nodes, startsOf(of("edges.count")), of("edges.to")),
    features: {
      columns,
      indptr: startsOf(of("features.count")),
      indices: of("features.column"),
      values: arrays.get("features.value")?.values,
    },
    labels: Int32Array.from(of("labels")),
    featuresAsIs: "featuresAsIs" in metadata,
    featuresMade: metadata["featuresMade"],
  };
}

async function bytesOf(source: Source): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const answer = await fetch(source);
  if (!answer.ok) throw new StudentError(`${source}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function fail(why: string): never {
  throw new StudentError(`not a file that abkd export wrote: ${why}`);
}

const TYPES = {
  F32: Float32Array,
  I32: Int32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  I8: Int8Array,
};

interface Decoded {
  readonly metadata: Readonly<Record<string, string>>;
  readonly arrays: Map<string, { shape: readonly number[]; values: ArrayLike<number> }>;
}

/** Layout: 8 bytes header length (little-endian), the header as JSON, the arrays. */
function decoded(bytes: Uint8Array): Decoded {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = 8 + Number(view.getBigUint64(0, true));
    const { __metadata__: metadata = {}, ...entries } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, start)),
    );
    const arrays: Decoded["arrays"] = new Map();
    for (const [name, { dtype, shape, data_offsets: ends }] of Object.entries<{
      dtype: keyof typeof TYPES;
      shape: number[];
      data_offsets: [number, number];
    }>(entries)) {
      // A copy is aligned; slice() makes none of what readFile() gives.
      const copy = new Uint8Array(bytes.subarray(start + ends[0], start + ends[1])).buffer;
      const values = new TYPES[dtype](copy);
      if (values.length !== shape.reduce((product, size) => product * size, 1)) {
        throw new RangeError(`the array ${name} has not its shape`);
      }
      arrays.set(name, { shape, values });
    }
    return { metadata, arrays };
  } catch (error) {
    return fail((error as Error).message);
  }
}

function startsOf(counts: ArrayLike<number>): Int32Array {
  const starts = new Int32Array(counts.length + 1);
  for (let k = 0; k < counts.length; k++) starts[k + 1] = starts[k]! + counts[k]!;
  return starts;
}

/** Makes both directions of edges that are stored once, at the end with the smaller number. */
function bothWays(nodes: number, starts: Int32Array, to: ArrayLike<number>): Rows {
  const degrees = new Int32Array(nodes);
  for (let node = 0; node < nodes; node++) {
    degrees[node]! += starts[node + 1]! - starts[node]!;
    for (let k = starts[node]!; k < starts[node + 1]!; k++) degrees[to[k]!]!++;
  }
  const indptr = startsOf(degrees);
  const next = indptr.slice(0, nodes);
  const indices = new Int32Array(indptr[nodes]!);
  // By the smaller end first, so that each row's smaller neighbours come before its larger ones, in order.
  for (let node = 0; node < nodes; node++) {
    for (let k = starts[node]!; k < starts[node + 1]!; k++) indices[next[to[k]!]!++] = node;
  }
  for (let node = 0; node < nodes; node++) {
    for (let k = starts[node]!; k < starts[node + 1]!; k++) indices[next[node]!++] = to[k]!;
  }
  return { indptr, indices };
}
