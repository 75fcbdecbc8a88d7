// --dataset PATH, or a kept name: reads graphs of the user's own before a command is built, and puts their names in the paths' place.
import { commandLine } from "../base/shell-word.ts";
import { importDataset, isOwn } from "../datasets/index.ts";
import { counted, grouped } from "../display/format.ts";
import { tell } from "./output.ts";

/**
 * Imports the graph if a command's argument is a path, or a kept name.
 * @returns the dataset's name
 * @throws UserError for a path that cannot be read as a graph
 */
export function namedData(text: string, place: Place): Promise<string> {
  return named(text, "dataset", place);
}

/** A flag that takes a dataset, or several separated by commas, perhaps with its value. */
const FLAG = /^--(dataset|datasets)(?:=(.*))?$/s;

/**
 * Imports what is named by a path. Defaults depend on the dataset's name, and workers get the graph itself.
 * @returns the arguments with the graphs' names
 * @throws UserError for a path that cannot be read as a graph
 */
export async function importGivenData(argv: readonly string[]): Promise<string[]> {
  const words: string[] = [];
  const at = argv.indexOf("--data");
  const dataDir =
    at >= 0
      ? argv[at + 1]
      : argv.find((word) => word.startsWith("--data="))?.slice("--data=".length);
  const place: Place = {
    quiet: argv.includes("--quiet"),
    ...(dataDir !== undefined && { dataDir }),
  };
  for (const [k, word] of argv.entries()) {
    const own = FLAG.exec(word);
    const before = FLAG.exec(argv[k - 1] ?? "");
    if (own?.[2] !== undefined) words.push(`--${own[1]}=${await named(own[2], own[1]!, place)}`);
    else if (before && before[2] === undefined) words.push(await named(word, before[1]!, place));
    else words.push(word);
  }
  return words;
}

interface Place {
  readonly dataDir?: string;
  readonly quiet: boolean;
}

async function named(text: string, flag: string, { quiet, ...place }: Place): Promise<string> {
  const names: string[] = [];
  for (const part of flag === "datasets" ? text.split(",") : [text]) {
    if (!isOwn(part, place.dataDir)) {
      names.push(part);
      continue;
    }
    const { graph, report } = await importDataset(part, place);
    names.push(graph.name);
    for (const warning of report.warnings ?? []) tell(`warning: ${part}: ${warning}`);
    if (quiet) continue;
    const counts = `${grouped(graph.nodes)} nodes, ${counted(graph.classes, "class", "classes")}`;
    const more = commandLine(["data", "info", part], { data: place.dataDir });
    tell(`${part} is ${graph.name}: ${counts} (${more} says more)`);
  }
  return names.join(",");
}
