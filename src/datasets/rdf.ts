// RDF graphs whose entities are classified: AIFB and MUTAG, as RGCN's authors use them (Ristoski et al. 2016).
import { openTable, type TextTable, visitRows } from "../formats/csv.ts";
import { BadFileError } from "../formats/errors.ts";
import { readTriples } from "../formats/ntriples.ts";
import { type Csr, csrFromPairs } from "../graph/csr.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import type { ReadFile } from "./locate.ts";
import { arcsFromPairs, MAX_CLASSES } from "./sparse.ts";
import { type RawSplit, randomSplit } from "./splits.ts";

/** Where such a dataset's parts are. */
export interface RdfFiles {
  /** N-Triples, without the relations that give the classes away. */
  readonly triples: string;
  /** Tables with a row for each labelled entity of the official split. */
  readonly training: string;
  readonly test: string;
  /** The tables' columns of entities and classes. */
  readonly entity: string;
  readonly label: string;
}

/** The official split has no validation set: this share of its training set, drawn once for all, is one. */
const VALIDATION = { kind: "random", train: 80, val: 20, test: 0, seed: 0 } as const;

/**
 * Reads the graph: a node for each subject and object, literals too, in the order in which they appear, and a
 * relation for each predicate, by their names in code units. Each node is its own feature, because the source
 * has no features.
 */
export async function loadRdf(name: string, files: RdfFiles, read: ReadFile): Promise<Graph> {
  const { bytes, path } = await read(files.triples);
  const numbers = new Map<string, number>();
  const numberOf = (term: string): number => {
    const number = numbers.get(term) ?? numbers.size;
    numbers.set(term, number);
    return number;
  };
  const byPredicate = new Map<string, { readonly from: number[]; readonly to: number[] }>();
  for (const [subject, predicate, object] of readTriples(path, bytes)) {
    const arcs = byPredicate.get(predicate) ?? { from: [], to: [] };
    byPredicate.set(predicate, arcs);
    arcs.from.push(numberOf(subject));
    arcs.to.push(numberOf(object));
  }
  const nodes = numbers.size;
  if (nodes === 0) throw new BadFileError(path, "it has no triples");
  const sets = await readSets(files, read, numbers);
  const classNames = [...new Set(sets.flatMap(({ classes }) => classes))].sort();
  if (classNames.length > MAX_CLASSES) {
    throw new BadFileError(path, `${classNames.length} classes; at most ${MAX_CLASSES} are read`);
  }
  const labels = new Int32Array(nodes).fill(UNLABELLED);
  for (const { entities, classes } of sets) {
    for (const [k, entity] of entities.entries()) labels[entity] = classNames.indexOf(classes[k]!);
  }
  const predicates = [...byPredicate].sort(([a], [b]) => (a < b ? -1 : 1));
  const from = Int32Array.from(predicates.flatMap(([, arcs]) => arcs.from));
  const to = Int32Array.from(predicates.flatMap(([, arcs]) => arcs.to));
  return {
    name,
    nodes,
    classes: classNames.length,
    adjacency: arcsFromPairs(nodes, from, to, from.length),
    features: identity(nodes),
    featuresAsIs: true,
    labels,
    nodeNames: [...numbers.keys()],
    classNames,
    types: [{ name: TYPE, nodes }],
    relations: predicates.map(([predicate, arcs]) => ({
      ...{ name: predicate, source: TYPE, target: TYPE },
      arcs: csrFromPairs(nodes, nodes, arcs.to, arcs.from),
    })),
  };
}

const TYPE = "entity";

/** The official split, a part of its training set for validation. */
export async function rdfSplit(graph: Graph, files: RdfFiles, read: ReadFile): Promise<RawSplit> {
  const numbers = new Map(graph.nodeNames!.map((name, node) => [name, node]));
  const [training, test] = await readSets(files, read, numbers);
  const own = new Int32Array(graph.nodes).fill(UNLABELLED);
  for (const node of training!.entities) own[node] = graph.labels[node]!;
  const { train, val } = randomSplit({ labels: own, classes: graph.classes }, VALIDATION);
  return { train, val, test: Int32Array.from(test!.entities).sort() };
}

function identity(nodes: number): Csr {
  const indptr = Int32Array.from({ length: nodes + 1 }, (_, row) => row);
  return { rows: nodes, columns: nodes, indptr, indices: indptr.slice(0, nodes) };
}

interface LabelledSet {
  readonly entities: readonly number[];
  readonly classes: readonly string[];
}

/** The training and the test set. @throws BadFileError for an entity that is unknown, or in both */
async function readSets(
  { training, test, entity, label }: RdfFiles,
  read: ReadFile,
  numbers: ReadonlyMap<string, number>,
): Promise<LabelledSet[]> {
  const seen = new Set<number>();
  const sets: LabelledSet[] = [];
  for (const file of [training, test]) {
    const { bytes, path } = await read(file);
    const table = openTable(path, bytes, new Set([entity, label]));
    const [at, of] = [columnOf(table, entity), columnOf(table, label)];
    const [entities, classes]: [number[], string[]] = [[], []];
    visitRows(table, (cells, line) => {
      const number = numbers.get(`<${cells[at]}>`);
      if (number === undefined)
        throw new BadFileError(path, `line ${line}: no triple has this entity`);
      if (seen.has(number))
        throw new BadFileError(path, `line ${line}: the entity has a class already`);
      seen.add(number);
      entities.push(number);
      classes.push(className(cells[of]!));
    });
    if (entities.length === 0) throw new BadFileError(path, "it has no entities");
    sets.push({ entities, classes });
  }
  return sets;
}

function columnOf({ file, header = [] }: TextTable, name: string): number {
  const at = header.indexOf(name);
  if (at < 0) throw new BadFileError(file, `it has no column "${name}"`);
  return at;
}

/** The tables write whole numbers as 1 and as 1.0. */
const className = (cell: string): string => cell.replace(/^(\d+)\.0$/, "$1");
