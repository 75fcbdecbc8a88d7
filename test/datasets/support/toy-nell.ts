// A NELL of 12 entities and 8 relation nodes, in three variants like the real one.
import { type CsrSpec, PickleWriter, PLAIN } from "./pickle-writer.ts";
import { type Files, f4, i4 } from "./toy.ts";

export const TOY_NELL = {
  entities: 12,
  relations: 8,
  nodes: 20,
  features: 9,
  classes: 5,
  edges: 20,
};
const WIDTH = 7;
/** An entity's class: 0, 1, 2 or 4. The greatest decides how many classes there are. */
export const toyNellLabel = (entity: number): number => [0, 1, 2, 4][entity % 4]!;

/** Which entities a variant trains on, has in allx, and tests on. No variant publishes entity 2. */
export interface ToyVariant {
  readonly train: number;
  readonly stacked: readonly number[];
  readonly test: readonly number[];
}

export const TOY_VARIANTS: Readonly<Record<string, ToyVariant>> = {
  "0.001": { train: 2, stacked: [0, 1, 2, 3, 4, 5, 6, 7, 8], test: [10, 9, 11] },
  "0.01": { train: 3, stacked: [3, 4, 5, 0, 1, 2, 9, 10, 11], test: [8, 6, 7] },
  "0.1": { train: 3, stacked: [6, 11, 1, 2, 3, 5, 7, 8, 9, 10], test: [0, 4] },
};

/** Columns and values of an entity's features; entities 10 and 11 have the same. */
export function toyNellFeatures(entity: number): [column: number, value: number][] {
  const e = Math.min(entity, 10);
  return [
    [e % 4, 1 + (e % 3)],
    [4 + (e % 5), 1 + (e % 2)],
  ];
}

/** Node numbers: allx's entities, then relation nodes and test entities in turn, then the rest. */
export function toyNellNodes({ stacked, test }: ToyVariant): {
  entity: Map<number, number>;
  relation: number[];
} {
  const entity = new Map(stacked.map((e, node) => [e, node]));
  const relation: number[] = [];
  let node = stacked.length;
  for (const e of [...test].sort((a, b) => a - b)) {
    relation.push(node++);
    entity.set(e, node++);
  }
  while (node < TOY_NELL.nodes) relation.push(node++);
  return { entity, relation };
}

/** The parts of a variant that may be changed before it is written. */
export interface ToyNellParts {
  x: CsrSpec;
  tx: CsrSpec;
  allx: CsrSpec;
  /** The class of each row; -1 for a row of zeros. */
  y: number[];
  ty: number[];
  ally?: number[];
  width: number;
  graph: Map<number, number[]>;
  testIndex: number[];
}

/** Writes the files of the three variants. */
export function nellToy(change: (parts: ToyNellParts, rate: string) => void = () => {}): Files {
  const files: Files = new Map();
  for (const [rate, variant] of Object.entries(TOY_VARIANTS)) {
    const { entity, relation } = toyNellNodes(variant);
    const trained = variant.stacked.slice(0, variant.train);
    const graph = new Map<number, number[]>(
      Array.from({ length: TOY_NELL.nodes }, (_, node) => [node, []]),
    );
    const link = (a: number, b: number): void => {
      graph.get(a)!.push(b, b);
      graph.get(b)!.push(a);
    };
    for (const [e, node] of entity) link(node, relation[e % TOY_NELL.relations]!);
    for (let r = 0; r < TOY_NELL.relations; r++) {
      link(relation[r]!, relation[(r + 1) % TOY_NELL.relations]!);
    }
    const parts: ToyNellParts = {
      x: nellCsr(trained),
      tx: nellCsr(variant.test),
      allx: nellCsr(variant.stacked),
      y: trained.map(toyNellLabel),
      ty: variant.test.map(toyNellLabel),
      width: WIDTH,
      graph,
      testIndex: variant.test.map((e) => entity.get(e)!),
    };
    change(parts, rate);
    write(files, rate, parts);
  }
  return files;
}

/** Returns the feature rows of some entities. */
export function nellCsr(entities: readonly number[], features = toyNellFeatures): CsrSpec {
  const rows = entities.map(features);
  const indptr = [0];
  for (const row of rows) indptr.push(indptr.at(-1)! + row.length);
  return {
    shape: [entities.length, TOY_NELL.features],
    indptr: i4(indptr),
    indices: i4(rows.flat().map(([column]) => column)),
    data: f4(rows.flat().map(([, value]) => value)),
  };
}

function write(files: Files, rate: string, parts: ToyNellParts): void {
  const put = (part: string, bytes: Buffer): void => {
    files.set(`nell/ind.nell.${rate}.${part}`, bytes);
  };
  const oneHot = (labels: readonly number[]): Buffer => {
    const marks = labels.flatMap((label) =>
      Array.from({ length: parts.width }, (_, c) => (c === label ? 1 : 0)),
    );
    return new PickleWriter(PLAIN).array(i4(marks, [labels.length, parts.width])).finish();
  };
  for (const part of ["x", "tx", "allx"] as const) {
    put(part, new PickleWriter(PLAIN).csr(parts[part]).finish());
  }
  put("y", oneHot(parts.y));
  put("ty", oneHot(parts.ty));
  if (parts.ally) put("ally", oneHot(parts.ally));
  put("graph", new PickleWriter(PLAIN).graph(parts.graph).finish());
  put("test.index", Buffer.from(`${parts.testIndex.join("\n")}\n`));
}
