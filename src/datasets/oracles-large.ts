// What is known of large graphs: counts, and digests of some of their arrays. `data verify` compares with them.
import type { Summary } from "./oracles.ts";

/** A summary of which some parts are not known. */
export type PartialSummary = Partial<Omit<Summary, "sha256">> & {
  readonly sha256?: Partial<Summary["sha256"]>;
};

/**
 * From ../shared/data/EXPECTED.json, computed in Python from copies of the official topology and labels.
 * Nobody here has seen the official features.
 */
const ARXIV: PartialSummary = {
  nodes: 169343,
  features: 128,
  classes: 40,
  arcs: 2315598,
  undirected: 1157799,
  sha256: {
    arcs_row_sorted_i32: "f72a2836da2d62949d533482d57b0a7cd1bbc422a6f04f40fe056e43d1dd9904",
    arcs_col_i32: "466c56f302c43ccdf5364b14dc391235a0a70270e83cd0967908d946d2b9b285",
    labels_i32: "935905922bf7567f86c6e054ff5531edb54debc4c2b788f8907203c1c6b77cea",
  },
  unlabelled: 0,
};

/** Loading one of these compares counts only: digests of everything would take longer than reading it. */
export const LARGE_SUMMARIES: Readonly<Record<string, PartialSummary>> = {
  "ogbn-arxiv": ARXIV,
  // OGB's counts; arcs in both directions, with duplicates merged, have not been counted.
  "ogbn-mag": { nodes: 1939743, features: 128, classes: 349, unlabelled: 0 },
};
