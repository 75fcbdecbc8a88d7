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

const FLICKR: PartialSummary = {
  nodes: 89250,
  classes: 7,
  arcs: 899756,
  undirected: 449878,
  sha256: {
    arcs_row_sorted_i32: "ceecf34f95adfa0d7c8b934dd46cc4d4f7a93dd2903caa6d2fd0a8cc74899b91",
    arcs_col_i32: "b9ba4872fb6531632c150f4de3e5c0d6994968089248f84969bf7275d184e0b5",
    labels_i32: "6310b540d7d81c7e13bb9ff5c6d474a8971a7fe917b794134204180e4a19a148",
  },
  unlabelled: 0,
};

const SYNTHETIC_MAG: PartialSummary = { features: 128, classes: 349, unlabelled: 0 };

/** Loading one of these compares counts only: digests of everything would take longer than reading it. */
export const LARGE_SUMMARIES: Readonly<Record<string, PartialSummary>> = {
  "ogbn-arxiv": ARXIV,
  // What is digested of made features are our own bits: they are to be the same on every machine.
  "arxiv-topology": {
    ...ARXIV,
    feature_nnz: 21675904,
    sha256: {
      ...ARXIV.sha256,
      feat_indptr_i32: "02143968ddccec8224c5c4a6215a38e8365f54b06b81796489f7531f17457bf2",
      feat_indices_i32: "40e7ba45595f0744c63a415802ac979e489cc22472069520caf54b3c6fc5fce9",
      feat_data_f32: "e0b176952ea235bca48a1152637fc17867af65dc5a9ad0976049664559c66702",
    },
    feature_sum: -87792.14307295944,
  },
  "flickr-topology": {
    ...FLICKR,
    features: 500,
    feature_nnz: 44625000,
    sha256: {
      ...FLICKR.sha256,
      feat_indptr_i32: "a56bb3258a63d46d48129ae5b0f4b1ab6cdcb0b2c35423eba50907403b477857",
      feat_indices_i32: "d52bd87270799861f08e7509d5eab9dd1208715fd5a3951c6b29cc911b501189",
      feat_data_f32: "ff79b91f85d8811e34fab01e3f894ace8ed4b1009ca9f8906149061b1448e528",
    },
    feature_sum: -26029.213471515974,
  },
  // OGB's counts; arcs in both directions, with duplicates merged, have not been counted.
  // Mag's own counts, and their shares.
  "synthetic-mag": { ...SYNTHETIC_MAG, nodes: 1939743 },
  "synthetic-mag-10": { ...SYNTHETIC_MAG, nodes: 193975 },
  "synthetic-mag-100": { ...SYNTHETIC_MAG, nodes: 19397 },
  "synthetic-mag-1000": { ...SYNTHETIC_MAG, nodes: 1940 },
  "ogbn-mag": { nodes: 1939743, features: 128, classes: 349, unlabelled: 0 },
};
