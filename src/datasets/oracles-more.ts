// Counts and digests of MUSAE's Facebook and HeCo's ACM, computed with scipy from the files.
import type { Summary } from "./oracles.ts";

const FACEBOOK: Summary = {
  nodes: 22470,
  features: 4714,
  feature_nnz: 314583,
  classes: 4,
  arcs: 341646,
  undirected: 170823,
  sha256: {
    arcs_row_sorted_i32: "92fdb10aa36c302a1431a0a69d5d968bd99500856e26367dc4451fdbf5f8c8d4",
    arcs_col_i32: "0a59ee586d6b6ed4d450ddcff53728974073b5bddf5e6e4e029845cd6ac71751",
    labels_i32: "4bd9cbd8c0cc549a37c6e501e60a20c23adb3a5e66e1692b1f06ff3723691102",
    feat_indptr_i32: "d77586f46e7ac79b47aa3ac5f24f7ce69a17098086421689402aff5af2ae44fa",
    feat_indices_i32: "dcf000dc301412023c2582399072938b27b9c8446ecbc2cfccd0b9b46c6b9608",
    feat_data_f32: "21040108bf96f648a132f975f981159fa42d7f202a464bf40058e64154fdb61f",
  },
  feature_sum: 314583.0,
  unlabelled: 0,
};

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

export const MORE_SUMMARIES: Readonly<Record<string, Summary>> = {
  facebook: FACEBOOK,
  acm: ACM,
  "acm-40": ACM,
  "acm-60": ACM,
};
