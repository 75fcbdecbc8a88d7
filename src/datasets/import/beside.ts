// Text tables that lie beside arrays: an edge list, labels or sets where the arrays have none.
import path from "node:path";
import type { TextTable } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { RawSplit } from "../splits.ts";
import type { ReadChoices } from "./choices.ts";
import { type NodeTable, readColumns } from "./columns.ts";
import {
  type Ends,
  edgeDecisions,
  edgeList,
  type Nodes,
  nodeEnds,
  readEnds,
} from "./edge-table.ts";
import { type FoundGraph, type FoundLabels, idsFrom1 } from "./found.ts";
import { setTables, splitFrom, splitOf } from "./node-sets.ts";
import { columnCells, idsOf, labelsFrom, openTables } from "./tables.ts";

/** What tables add to arrays. The rows of a table are the rows of the arrays. */
export class Beside {
  readonly #folder: string;
  readonly #tables: readonly TextTable[];
  readonly #sets: readonly TextTable[];
  readonly #choices: ReadChoices;
  readonly decisions: string[] = [];
  readonly warnings: string[] = [];
  #edges: { readonly table: TextTable; readonly ends: Ends } | undefined;

  private constructor(folder: string, tables: readonly TextTable[], choices: ReadChoices) {
    const { sets, rest } = setTables(tables);
    this.#folder = folder;
    this.#tables = rest;
    this.#sets = sets;
    this.#choices = choices;
  }

  static async open(
    folder: string,
    names: readonly string[],
    choices: ReadChoices,
  ): Promise<Beside> {
    return new Beside(folder, await openTables(folder, names), choices);
  }

  /** @param count how many nodes the arrays have */
  edges(count: number): Pick<FoundGraph, "from" | "to"> {
    const { table, ends } = this.#edgeTable();
    this.decisions.push(...edgeDecisions(table, ends));
    return nodeEnds(table, ends, this.#nodes(count), this.#choices, this);
  }

  /** The names of nodes, if a table has ids. */
  ids(count: number): readonly string[] | undefined {
    const main = this.#main(count);
    return main?.ids ?? (this.#choices.firstNode === "1" ? idsFrom1(count) : undefined);
  }

  labels(count: number): FoundLabels | undefined {
    const tables = this.#nodeTables(count);
    const found = tables.find(({ label, classes }) => label !== undefined || classes);
    return found && labelsFrom(found, columnCells, this.#choices, this);
  }

  split(count: number): RawSplit | undefined {
    if (this.#sets.length > 0) return splitFrom(this.#sets, this.#folder, this.#nodes(count));
    const table = this.#nodeTables(count).find(({ set, masks }) => set !== undefined || masks);
    return table && splitOf(table, (k) => columnCells(table, k));
  }

  #edgeTable(): { readonly table: TextTable; readonly ends: Ends } {
    if (!this.#edges) {
      const { table, choices } = edgeList(this.#folder, this.#tables, this.#choices);
      this.#edges = { table, ends: readEnds(table, choices) };
    }
    return this.#edges;
  }

  #nodeTables(count: number): NodeTable[] {
    const { table: edges, ends } = this.#edgeTable();
    const known = new Set([...ends.from, ...ends.to]);
    const tables = this.#tables.filter(({ file }) => file !== edges.file);
    const found = tables.map((table) => readColumns(table, (id) => known.has(id), this.#choices));
    for (const { table, rows } of found) {
      if (rows === count) continue;
      const fault = `${rows} rows, where the arrays beside it have ${count}: each row is a node, in the same order`;
      throw new BadFileError(table.file, fault);
    }
    return found;
  }

  #main(count: number): NodeTable | undefined {
    return this.#nodeTables(count).find(({ ids }) => ids !== undefined);
  }

  #nodes(count: number): Nodes {
    const main = this.#main(count);
    const ids = main ? idsOf(main, this.#choices) : this.ids(count);
    const index = ids && new Map(ids.map((id, row) => [id, row]));
    const file = main?.table.file ?? path.join(this.#folder, "the arrays");
    return { nodes: count, file, index };
  }
}
