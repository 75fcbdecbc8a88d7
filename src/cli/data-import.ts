// abkd data import: keeps a graph of the user's own in the data folder, and lists what is kept.
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import {
  describeReport,
  FEATURE_FORMS,
  type FeatureForm,
  importDataset,
  keptGraphs,
  readKept,
} from "../datasets/index.ts";
import { grouped } from "../display/format.ts";
import { print, printJson } from "./output.ts";

interface ImportFlags {
  readonly as: string;
  readonly features?: FeatureForm;
  readonly splits?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** @param command with `--data` */
export function addImport(command: Command): void {
  const forms = Object.entries(FEATURE_FORMS).map(([name, what]) => `${name}: ${what}`);
  command
    .requiredOption(
      "--as <name>",
      "what --dataset calls it from now on; kept in own/ of the folder",
    )
    .addOption(
      new Option(
        "--features <form>",
        `${forms.join("; ")} (default: rows, or as-is if some are negative)`,
      ).choices(Object.keys(FEATURE_FORMS)),
    )
    .option("--splits <path>", "npz files of masks elsewhere: a folder, or one file")
    .option("--json", "print JSON")
    .action(run);
}

async function run(
  source: string,
  { as, features, splits, data, json }: ImportFlags,
): Promise<void> {
  const { graph, report } = await importDataset(source, {
    as,
    ...(features !== undefined && { features }),
    ...(splits !== undefined && { splits }),
    ...(data !== undefined && { dataDir: data }),
  });
  if (json) {
    printJson({ name: as, dataset: graph.name, import: report });
    return;
  }
  print(
    `${as} is ${graph.name}: ${grouped(graph.nodes)} nodes, ${grouped(graph.features.columns)} features, ` +
      `${grouped(graph.classes)} classes`,
  );
  for (const line of describeReport(report, graph)) print(line);
  print(`kept: abkd data info ${as}, abkd distill --dataset ${as}`);
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
