// What the registry knows of all methods, as tables: what each reads (the paper's table 1), its symbols (table 8).
import { optionName } from "../base/options.ts";
import { columnsOf, type Table } from "../base/table.ts";
import type { Reads } from "../models/model.ts";
import { type AnyMethod, methods } from "./registry.ts";

const READS: Readonly<Record<Reads, string>> = {
  logits: "logits",
  hidden: "last hidden map",
  layers: "maps of all layers",
};

/** What a method reads of its teacher with its defaults, in words; "nothing" if it has none. */
export function readsOfTeacher({ needsTeacher, teacherParts, defaults }: AnyMethod): string {
  if (!needsTeacher) return "nothing: it has no teacher";
  const parts = teacherParts?.(defaults);
  return parts === undefined ? "not declared" : parts.map((part) => READS[part]).join(", ");
}

/** Whether a method learns from batches, in words. */
function batchesOf({ byBatch }: AnyMethod): string {
  if (byBatch === "arcs") return "of walks";
  return byBatch ? "yes" : "no";
}

/** Tabulates which parts of a teacher each method reads, and where it was published. */
export function methodsTable(): Table {
  return {
    columns: columnsOf("method | reads of its teacher | trains on batches | published"),
    rows: methods.map((method) => [
      method.name,
      readsOfTeacher(method),
      batchesOf(method),
      method.source ?? "",
    ]),
  };
}

/** Tabulates the papers' symbols: what each means, and the option that it is here. */
export function symbolsTable(): Table {
  return {
    columns: columnsOf("method | symbol | option | meaning"),
    rows: methods.flatMap(({ name, options }) =>
      Object.entries(options).flatMap(([key, { symbol, description }]) =>
        symbol === undefined ? [] : [[name, symbol, optionName(options, key), description]],
      ),
    ),
  };
}
