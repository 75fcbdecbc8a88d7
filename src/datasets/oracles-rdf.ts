// Counts and digests of the RDF graphs' published files, computed in Python, independently of this library.
import type { Summary } from "./oracles.ts";

/** In the form of SUMMARIES. */
export const RDF_SUMMARIES: Readonly<Record<string, Summary>> = {
  aifb: {
    nodes: 8285,
    features: 8285,
    feature_nnz: 8285,
    classes: 4,
    arcs: 46300,
    undirected: 23150,
    sha256: {
      arcs_row_sorted_i32: "b70d142d6adb9be951623c8a122f423adee4191546b63d8ff5801f1cd7788cc7",
      arcs_col_i32: "8898ef023c21e86bda3ef713f134174debeb9037face87d7e84a79e659d42371",
      labels_i32: "3cb2a02ebe23cf70343c263a6f6d58fec49d3656f73bfa1539ed6cf2595d986a",
      feat_indptr_i32: "0db27e57a058b92b9a618c3a6af39e3494a68ca08db566cfa7d4ed6a4589c19b",
      feat_indices_i32: "ca3d3b60ecb5874d4406138c32badc27785f4ac112f33ea3cac0196258e39d9a",
      feat_data_f32: "6913a2868ccf39314c11a8b0ba5781299fa8201bb7330eaae4840046f5821966",
    },
    feature_sum: 8285,
    unlabelled: 8109,
  },
  "rdf-mutag": {
    nodes: 23644,
    features: 23644,
    feature_nnz: 23644,
    classes: 2,
    arcs: 146228,
    undirected: 73114,
    sha256: {
      arcs_row_sorted_i32: "7e47027a84e080d06168c403f4c4500d27ff61cc464901c77b1448ae519f4745",
      arcs_col_i32: "35c87d1563788b534b689525b7fef1a4972e09d992d57bae88ba08be543ce6e6",
      labels_i32: "0d227dbd9ef95858b780ce3811a22979d6a180cfe23adff177e74d327c0190ca",
      feat_indptr_i32: "d6e3f6a3716fbc7edc991606af3345cf3411ee224cf43d1fea065335a384a8d0",
      feat_indices_i32: "f8d9419e187419a7a82cae9c01209f4f4448f7151db6672ff079900bc32d70a8",
      feat_data_f32: "c893dbf284237cf3b58fb06ba45377b1aab1ac708f226fb427219f2de015870b",
    },
    feature_sum: 23644,
    unlabelled: 23304,
  },
};
