// A graph with node features and labels, as every loader returns it.
import type { Csr } from "./csr.ts";

/** The label of a node without a class; such a node is never used for training or scores. */
export const UNLABELLED = -1;

/** A type of nodes, which are numbered consecutively. */
export interface NodeType {
  readonly name: string;
  readonly nodes: number;
}

/** Arcs of one kind, from nodes of one type to nodes of the same or another type. */
export interface Relation {
  readonly name: string;
  /** The names of the source's and the target's types. */
  readonly source: string;
  readonly target: string;
  /**
   * One row per target and one column per source, both numbered within their type; without values.
   * Only the published direction is stored; self loops are kept.
   */
  readonly arcs: Csr;
}

/** By column; a column of equal numbers has the deviation 0, and became 0. */
export interface FeatureScales {
  readonly means: readonly number[];
  readonly deviations: readonly number[];
}

/**
 * An attributed graph whose items are to be classified: its nodes, the nodes of its first type, or
 * whole graphs if it consists of several.
 */
export interface Graph {
  readonly name: string;
  readonly nodes: number;
  readonly classes: number;
  /**
   * Arcs as PyG counts them: both directions of each edge, duplicates merged, self loops
   * removed. nodes x nodes, without values. If there are relations, it is their union.
   */
  readonly adjacency: Csr;
  /** nodes x features, as published (not normalised). */
  readonly features: Csr;
  /** What the source calls the nodes and the classes, if not 0, 1, 2 ... */
  readonly nodeNames?: readonly string[];
  readonly classNames?: readonly string[];
  /** What the source calls the columns of features, if all have names that differ. */
  readonly featureNames?: readonly string[];
  /** Models read the features as they are. If absent, they divide each row by its sum. */
  readonly featuresAsIs?: true;
  /** How the features were changed or made when they were imported, which those of new nodes would need too. */
  readonly featuresMade?: "binary" | "standardised" | "unit" | "identity" | "degree";
  /** The means and standard deviations by which features were standardised. */
  readonly featureScales?: FeatureScales;
  /** What was decided when it was imported, a sentence each; runs' records hold it. */
  readonly decided?: readonly string[];
  /** Class of each item, or UNLABELLED. If there are `labelSets`: 0, or UNLABELLED where the set is unknown. */
  readonly labels: Int32Array;
  /** The classes of each item, if it may have several or none: items x classes, without values. */
  readonly labelSets?: Csr;
  /**
   * Nodes that have no class at all, ascending, if the dataset has any (NELL's relation nodes);
   * other UNLABELLED nodes have a class that is unknown.
   */
  readonly classless?: Int32Array;
  /** The types, in the order of the nodes' numbers, if there are several; the first type's nodes are the items. */
  readonly types?: readonly NodeType[];
  /** The relations between `types`. */
  readonly relations?: readonly Relation[];
  /**
   * The first node of each graph, if it consists of several, which are then the items. Their nodes are
   * numbered one graph after the other, and no arc leads from one graph to another.
   */
  readonly graphs?: Int32Array;
}

/** The items (usually nodes) for training, validation and test: ascending, disjoint, all labelled. */
export interface Split {
  /** The name used on the command line: `geom-gcn:0`, `public`, `random:48/32/20:7`, `pyg-full`. */
  readonly name: string;
  readonly train: Int32Array;
  readonly val: Int32Array;
  readonly test: Int32Array;
  /** How many items of each set in the source have no label and were left out. */
  readonly unlabelled: { readonly train: number; readonly val: number; readonly test: number };
}
