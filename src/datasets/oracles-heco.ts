// Counts and digests of ACM in HeCo's form, computed in Python, independently of this library.
import type { Summary } from "./oracles.ts";

const ACM: Summary = {
  nodes: 11246,
  features: 1902,
  feature_nnz: 1229246,
  classes: 3,
  arcs: 34852,
  undirected: 17426,
  sha256: {
    arcs_row_sorted_i32: "370c31bd9e24ba59ffd389d37b5bc0ae73baa9b3a62c7744131c048550450e91",
    arcs_col_i32: "02a2668f242b07bd6bd1c2ceac7b5a9f7bb99edca079f4182c3ce2b7a114d6df",
    labels_i32: "e3edd9ea0cc97654afb2fa220e42a28002c2541591afcc2077a3e0c9bb66b26f",
    feat_indptr_i32: "35b73e9e2fc7921b2766ca7c714337850799b842a31e2a1c474d24f059d26a9d",
    feat_indices_i32: "f06b14ed7f45985dd70bd7dd1072ea0ba4b84d2221ac1b6136e174e5e2dcadc4",
    feat_data_f32: "3b636683d270ab6d8a1a93dcb946c7ae4d53366e10cc1a2ab7660d55171aba6a",
  },
  feature_sum: 17426.000070799608,
  unlabelled: 0,
};

/** In the form of SUMMARIES; the same graph, with other splits. */
export const HECO_SUMMARIES: Readonly<Record<string, Summary>> = {
  "heco-acm": ACM,
  "heco-acm-40": ACM,
  "heco-acm-60": ACM,
};
