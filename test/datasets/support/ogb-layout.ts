// Writes OGB's raw layout, with one type of nodes or several: made-up numbers in the published form.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** A file's rows. */
export type Rows = readonly (readonly (number | string)[])[];

/** The text of the layout's files by their names below the dataset's folder, before they are packed. */
export type Layout = Record<string, string>;

export const csv = (rows: Rows): string => rows.map((row) => `${row.join(",")}\n`).join("");

/**
 * Six papers. Of the seven arcs, one leads back along another, one repeats another and one is a loop: four edges.
 */
export const PLAIN = {
  arcs: [
    [0, 1],
    [1, 0],
    [2, 1],
    [3, 2],
    [3, 2],
    [4, 4],
    [5, 0],
  ],
  features: [
    [0.5, -0.25, 0],
    [1, 2, 3],
    ["-0.057943", "0.1", "1e-3"],
    [0, 0, 0],
    ["16777217", "0.333333333333333333", "-7.5E+2"],
    [1, 1, 1],
  ],
  labels: [0, 2, 1, 0, 2, 2],
  years: [2010, 2017, 2018, 2016, 2019, 2020],
} as const;

export function plainLayout(): Layout {
  const { arcs, features, labels, years } = PLAIN;
  return {
    "raw/num-node-list.csv.gz": csv([[labels.length]]),
    "raw/num-edge-list.csv.gz": csv([[arcs.length]]),
    "raw/edge.csv.gz": csv(arcs),
    "raw/node-feat.csv.gz": csv(features),
    "raw/node-label.csv.gz": csv(labels.map((label) => [label])),
    "raw/node_year.csv.gz": csv(years.map((year) => [year])),
    "split/time/train.csv.gz": csv([[0], [3], [1]]),
    "split/time/valid.csv.gz": csv([[2]]),
    "split/time/test.csv.gz": csv([[5], [4]]),
  };
}

/**
 * Two authors, a field, two institutions and three papers, which are classified: the types in OGB's order, the labels
 * on the last one. A paper cites itself, and one pair of papers cite each other.
 */
export const TYPED = {
  types: { author: 2, field_of_study: 1, institution: 2, paper: 3 },
  relations: {
    author___affiliated_with___institution: [[1, 0]],
    author___writes___paper: [
      [1, 2],
      [0, 0],
      [1, 0],
    ],
    paper___cites___paper: [
      [0, 1],
      [1, 0],
      [2, 2],
      [2, 1],
    ],
    paper___has_topic___field_of_study: [
      [0, 0],
      [2, 0],
    ],
  },
  features: [
    [0.5, -1],
    [2, 4],
    [8, -16],
  ],
  labels: [1, 0, 1],
} as const;

export function typedLayout(): Layout {
  const names = Object.keys(TYPED.types);
  const relations = Object.entries(TYPED.relations);
  return {
    "raw/num-node-dict.csv.gz": csv([names, Object.values(TYPED.types)]),
    "raw/triplet-type-list.csv.gz": csv(relations.map(([triplet]) => triplet.split("___"))),
    "raw/nodetype-has-label.csv.gz": csv([
      names,
      names.map((name) => (name === "paper" ? "True" : "False")),
    ]),
    ...Object.fromEntries(
      relations.flatMap(([triplet, arcs], kind) => [
        [`raw/relations/${triplet}/edge.csv.gz`, csv(arcs)],
        [`raw/relations/${triplet}/num-edge-list.csv.gz`, csv([[arcs.length]])],
        [`raw/relations/${triplet}/edge_reltype.csv.gz`, csv(arcs.map(() => [kind]))],
      ]),
    ),
    "raw/node-feat/paper/node-feat.csv.gz": csv(TYPED.features),
    "raw/node-feat/paper/node_year.csv.gz": csv([[2018], [2017], [2019]]),
    "raw/node-label/paper/node-label.csv.gz": csv(TYPED.labels.map((label) => [label])),
    "split/time/nodetype-has-split.csv.gz": csv([["paper"], ["True"]]),
    "split/time/paper/train.csv.gz": csv([[1]]),
    "split/time/paper/valid.csv.gz": csv([[0]]),
    "split/time/paper/test.csv.gz": csv([[2]]),
  };
}

/** Writes a layout below a data folder. @param folder of the dataset, such as `ogbn_arxiv` */
export function writeLayout(data: string, folder: string, layout: Layout): void {
  for (const [file, text] of Object.entries(layout))
    writePacked(data, folder, file, gzipSync(text));
}

/** Writes one file as it is. */
export function writePacked(data: string, folder: string, file: string, bytes: Uint8Array): void {
  const target = path.join(data, folder, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, bytes);
}
