// A graph with node features and labels, as every loader returns it.
import type { Csr } from "./csr.ts";

/** The class of a node that has none; such a node is never trained or scored on. */
export const UNLABELLED = -1;

/** Some nodes of one kind, numbered one after the other. */
export interface NodeType {
  readonly name: string;
  readonly nodes: number;
}

/** Arcs of one kind, from nodes of one type to nodes of one type. */
export interface Relation {
  readonly name: string;
  /** Names of types. */
  readonly source: string;
  readonly target: string;
  /**
   * A row for each target, a column for each source, both numbered within their type; without values.
   * One direction, as published; self loops are kept.
   */
  readonly arcs: Csr;
}

/**
 * An attributed graph whose items are to be classified: its nodes, or those of its first type, or
 * whole graphs where it consists of several.
 */
export interface Graph {
  readonly name: string;
  readonly nodes: number;
  readonly classes: number;
  /**
   * Arcs as PyG counts them: both directions of each edge, duplicates merged, self loops
   * removed. nodes x nodes, without values. With relations: of all of them together.
   */
  readonly adjacency: Csr;
  /** nodes x features, as published (not normalised). */
  readonly features: Csr;
  /** Class of each item, or UNLABELLED. With `labelSets`: 0, or UNLABELLED where the set is not known. */
  readonly labels: Int32Array;
  /** Where an item has any number of classes: items x classes, without values. */
  readonly labelSets?: Csr;
  /**
   * Ascending nodes that have no class at all, where a dataset has such (NELL's relation nodes);
   * other UNLABELLED ones have a class that is not known here.
   */
  readonly classless?: Int32Array;
  /** Where nodes are of several types, in the order of their numbers; the first type's are the items. */
  readonly types?: readonly NodeType[];
  /** With `types`. */
  readonly relations?: readonly Relation[];
  /**
   * Where it consists of several graphs, which are the items: the first node of each. Their nodes are
   * numbered one after the other, and no arc leads from one to another.
   */
  readonly graphs?: Int32Array;
}

/** Items for training, validation and test, nodes as a rule: ascending, disjoint, all labelled. */
export interface Split {
  /** As written on the command line: `geom-gcn:0`, `public`, `random:48/32/20:7`, `pyg-full`. */
  readonly name: string;
  readonly train: Int32Array;
  readonly val: Int32Array;
  readonly test: Int32Array;
  /** How many items the source put in each set that have no label and were left out. */
  readonly unlabelled: { readonly train: number; readonly val: number; readonly test: number };
}
