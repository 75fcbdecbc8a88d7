// abkd data import: keeps a graph of the user's own in the data folder, and lists what is kept.
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { commandLine } from "../base/shell-word.ts";
import {
  ARC_FORMS,
  describeReport,
  FEATURE_FORMS,
  type ImportOptions,
  importDataset,
  keptGraphs,
  MADE_FEATURES,
  type OwnChoices,
  readKept,
} from "../datasets/index.ts";
import { grouped } from "../display/format.ts";
import { print, printJson } from "./output.ts";

interface ImportFlags extends OwnChoices {
  readonly as: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** @param command with `--data` */
export function addImport(command: Command): void {
  const choice = (
    flags: string,
    forms: Readonly<Record<string, string>>,
    usual: string,
  ): Option => {
    const words = Object.entries(forms).map(([name, what]) => `${name}: ${what}`);
    const option = new Option(flags, `${words.join("; ")} (default: ${usual})`);
    return option.choices(Object.keys(forms));
  };
  const loops = { remove: "models add one to each node", refuse: "a graph with loops is refused" };
  const repeats = { merge: "each arc counts once", refuse: "a graph with repeats is refused" };
  const unknown = { refuse: "said with the line", drop: "such edges are dropped and counted" };
  command
    .requiredOption(
      "--as <name>",
      "what --dataset calls it from now on; kept in own/ of the folder",
    )
    .addOption(choice("--features <form>", FEATURE_FORMS, "rows, or as-is if some are negative"))
    .addOption(choice("--make-features <form>", MADE_FEATURES, "identity, if there are none"))
    .addOption(choice("--arcs <form>", ARC_FORMS, "either"))
    .addOption(choice("--loops <form>", loops, "remove"))
    .addOption(choice("--duplicates <form>", repeats, "merge"))
    .addOption(choice("--unknown-ends <form>", unknown, "refuse"))
    .addOption(
      new Option(
        "--first-node <number>",
        "the first node's number where edges name nodes by their rows (default: 0, if an edge has it)",
      ).choices(["0", "1"]),
    )
    .option("--id-column <name>", "the column of ids in tables of nodes, or its number from 1")
    .option(
      "--label-column <name>",
      "the column of labels; several with commas are classes, 0 or 1 for each node",
    )
    .option("--edge-columns <names>", "both columns of the edge list, such as payer,payee")
    .option("--label-separator <text>", "what separates a node's classes, such as |; or none")
    .option("--unlabelled <words>", "words for no label, with commas")
    .option("--splits <path>", "npz files of masks elsewhere: a folder, or one file")
    .option("--json", "print JSON")
    .action(run);
}

async function run(source: string, { data, json, ...given }: ImportFlags): Promise<void> {
  const { as } = given;
  const options: ImportOptions = { ...given, ...(data !== undefined && { dataDir: data }) };
  const { graph, report } = await importDataset(source, options);
  if (json) {
    printJson({ name: as, dataset: graph.name, import: report });
    return;
  }
  print(
    `${as} is ${graph.name}: ${grouped(graph.nodes)} nodes, ${grouped(graph.features.columns)} features, ` +
      `${grouped(graph.classes)} classes`,
  );
  for (const line of describeReport(report, graph)) print(line);
  const [next, then] = [
    ["data", "info", as],
    ["distill", "--dataset", as],
  ] as const;
  print(`kept: ${commandLine(next, { data })}, ${commandLine(then, { data })}`);
}

/** A kept graph as `data list` shows it; `fault` where its file cannot be read. */
export interface KeptRow {
  readonly name: string;
  readonly file: string;
  readonly dataset?: string;
  readonly title: string;
}

export async function keptRows(dataDir?: string): Promise<KeptRow[]> {
  const rows: KeptRow[] = [];
  for (const { name, file } of keptGraphs(dataDir)) {
    try {
      const { graph, from } = await readKept(file);
      const counts = `${grouped(graph.nodes)} nodes, ${grouped(graph.classes)} classes`;
      rows.push({ name, file, dataset: graph.name, title: `${counts}, from ${printable(from)}` });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      rows.push({ name, file, title: error.message });
    }
  }
  return rows;
}
