// A graph with node features and labels, as every loader returns it.
import type { Csr } from "./csr.ts";

/** The class of a node that has none; such a node is never trained or scored on. */
export const UNLABELLED = -1;

/** An attributed graph whose nodes are to be classified. */
export interface Graph {
  readonly name: string;
  readonly nodes: number;
  readonly classes: number;
  /**
   * Arcs as PyG counts them: both directions of each edge, duplicates merged, self loops
   * removed. nodes x nodes, without values.
   */
  readonly adjacency: Csr;
  /** nodes x features, as published (not normalised). */
  readonly features: Csr;
  /** Class of each node, or UNLABELLED. */
  readonly labels: Int32Array;
  /**
   * Ascending nodes that have no class at all, where a dataset has such (NELL's relation nodes);
   * other UNLABELLED ones have a class that is not known here.
   */
  readonly classless?: Int32Array;
}

/** Node indices for training, validation and test: ascending, disjoint, all labelled. */
export interface Split {
  /** As written on the command line: `geom-gcn:0`, `public`, `random:48/32/20:7`, `pyg-full`. */
  readonly name: string;
  readonly train: Int32Array;
  readonly val: Int32Array;
  readonly test: Int32Array;
  /** How many nodes the source put in each set that have no label and were left out. */
  readonly unlabelled: { readonly train: number; readonly val: number; readonly test: number };
}
