// A graph that was read from files that a test makes, as texts that are easy to compare.
import { importDataset, type OwnChoices } from "../../../../src/datasets/index.ts";
import type { Graph } from "../../../../src/graph/graph.ts";
import { folderOf } from "./folder.ts";
import { denseOf, type Folder } from "./write-forms.ts";

interface Seen {
  readonly nodes: number;
  /** Neighbours of each node. */
  readonly near: string;
  /** Features row by row. */
  readonly rows: string;
  readonly labels: readonly number[];
  readonly classes: readonly string[] | undefined;
}

function seen(graph: Graph): Seen {
  const { nodes, adjacency, features } = graph;
  const dense = denseOf(features);
  const row = (r: number): string =>
    dense.subarray(r * features.columns, (r + 1) * features.columns).join(" ");
  const near = (r: number): string =>
    adjacency.indices.subarray(adjacency.indptr[r], adjacency.indptr[r + 1]).join(" ");
  const all = [...Array(nodes).keys()];
  return {
    nodes,
    near: all.map(near).join("|"),
    rows: all.map(row).join("|"),
    labels: [...graph.labels],
    classes: graph.classNames,
  };
}

export async function read(files: Folder, choices: OwnChoices = {}) {
  const { graph, report } = await importDataset(folderOf(files), choices);
  return { graph, seen: seen(graph), decisions: report.decisions.join("\n"), report };
}

/** The neighbours in a path of four nodes. */
export const PATH = "1|0 2|1 3|2";
