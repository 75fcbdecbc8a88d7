// Reads a graph of one's own in Planetoid's eight files: ind.NAME.x, .y, .tx, .ty, .allx, .ally, .graph, .test.index.
import path from "node:path";
import { BadFileError } from "../../formats/errors.ts";
import { UnfitSplitError } from "../errors.ts";
import type { ReadFile } from "../locate.ts";
import { loadPlanetoid, planetoidPublicSplit } from "../planetoid.ts";
import { listedPairs, parseGraph } from "../planetoid-parts.ts";
import type { RawSplit } from "../splits.ts";
import { type FoundGraph, readOwn } from "./found.ts";

const PARTS = ["x", "y", "tx", "ty", "allx", "ally", "graph", "test.index"];
const PART = /^ind\.(.+)\.(x|y|tx|ty|allx|ally|graph|test\.index)$/;

/** The graphs that a folder has files of. */
export function planetoidNames(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => PART.exec(name)?.[1] ?? []))];
}

/** @param names the files of the folder, of one graph */
export async function readPlanetoid(folder: string, names: readonly string[]): Promise<FoundGraph> {
  const [name, other] = planetoidNames(names);
  if (other !== undefined) {
    const fault = `files of several graphs, ${name} and ${other}; name one of the graph's, such as ind.${name}.graph`;
    throw new BadFileError(folder, fault);
  }
  const missing = PARTS.map((part) => `ind.${name}.${part}`).filter(
    (file) => !names.includes(file),
  );
  if (missing.length > 0) {
    throw new BadFileError(folder, `Planetoid's form also needs ${missing.join(", ")}`);
  }
  const read: ReadFile = async (file) => {
    const own = path.join(folder, path.basename(file));
    return { bytes: await readOwn(own), path: own };
  };
  const { nodes, classes, features, labels } = await loadPlanetoid(name!, read);
  const ends = listedPairs(parseGraph(await read(`ind.${name}.graph`)), nodes);
  const decisions: string[] = [];
  const splits: RawSplit[] = [];
  try {
    splits.push(await planetoidPublicSplit(`ind.${name}`, nodes, read));
  } catch (error) {
    if (!(error instanceof UnfitSplitError)) throw error;
    decisions.push("too few nodes for the public split of 500 to validate: no sets of nodes");
  }
  const form = "Planetoid's files";
  return { form, nodes, classes, labels, features, ...ends, splits, decisions };
}
