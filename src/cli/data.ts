// abkd data: lists, describes, checks and fetches datasets, without starting an engine.
import { Command } from "commander";
import { OptionError, UserError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { countUnlabelled } from "../datasets/canonical.ts";
import {
  DATASET_NAMES,
  type DataOptions,
  datasetEntry,
  describeReport,
  importDataset,
  isOwn,
  loadDataset,
  loadSplit,
  MissingFileError,
  UnfitSplitError,
} from "../datasets/index.ts";
import { dataFolders, findFile } from "../datasets/locate.ts";
import { splitDoubts } from "../datasets/split-doubts.ts";
import { isAbsent, type Verification, verifyDataset } from "../datasets/verify.ts";
import { counted, grouped, percent } from "../display/format.ts";
import { type ConstantPredictor, constantPredictor } from "../graph/constant-predictor.ts";
import { type Csr, nonzeros } from "../graph/csr.ts";
import type { Graph } from "../graph/graph.ts";
import { addFetch } from "./data-fetch.ts";
import { addImport, keptRows } from "./data-import.ts";
import { print, printJson, tell } from "./output.ts";

interface Options {
  readonly data?: string;
  readonly json?: boolean;
}

/** Returns the command `data` with its subcommands; only `fetch` uses the network. */
export function dataCommand(): Command {
  const command = new Command("data").description("list, describe, check and fetch datasets");
  const add = (usage: string, description: string): Command =>
    command
      .command(usage)
      .description(description)
      .option("--data <folder>", "look for datasets here first")
      .allowExcessArguments(false);
  add("list", "every dataset, and whether its files are here")
    .option("--json", "print JSON")
    .action(list);
  addImport(
    add(
      "import <source>",
      "check a graph of your own, a file or a folder, and keep it under a name",
    ),
  );
  add("info <name>", "counts and splits of a dataset, or of a graph of your own, by its path")
    .option("--json", "print JSON")
    .action(info);
  add(
    "verify [names...]",
    "compare datasets with the published numbers; exit code 1 if one differs",
  )
    .option("--json", "print JSON")
    .action(verify);
  addFetch(
    add("fetch <name>", "download a dataset's missing files and splits into --data or data/"),
  );
  return command;
}

/** A name as wide as the longest. */
const column = (name: string): string =>
  name.padEnd(Math.max(...DATASET_NAMES.map(({ length }) => length)));

async function list(options: Options): Promise<void> {
  const folders = dataFolders(options.data);
  const rows = DATASET_NAMES.map((name) => {
    const { title, files, defaultSplit } = datasetEntry(name);
    const missing = files.filter((file) => findFile(file, folders) === null);
    return { name, title, defaultSplit, files: files.length, missing };
  });
  const own = await keptRows(options.data);
  if (options.json) {
    printJson({ datasets: rows, own, folders: folders.searched });
    return;
  }
  for (const { name, title, files, missing } of rows) {
    const state =
      files === 0
        ? "embedded"
        : missing.length === 0
          ? "here"
          : `${missing.length} of ${counted(files, "file")} missing`;
    print(`${column(name)} ${state.padEnd(23)} ${title}`);
  }
  for (const { name, title } of own) print(`${column(name)} ${"your own".padEnd(23)} ${title}`);
  print(`\nlooked for in ${folders.searched.join(", ")}`);
}

async function info(given: string, options: Options): Promise<void> {
  const place = options.data ? { dataDir: options.data } : {};
  const own = isOwn(given, options.data) ? await importDataset(given, place) : undefined;
  const name = own?.graph.name ?? given;
  const { title, defaultSplit, labelFiles = [] } = datasetEntry(name);
  const warnings: string[] = [];
  const dataOptions: DataOptions = {
    ...place,
    onWarning: (message) => warnings.push(message),
  };
  const graph = await loadDataset(name, dataOptions);
  const splits: Record<string, SplitReport> = {};
  for (const spec of splitsOf(name)) {
    splits[spec] = await describeSplit(graph, spec, dataOptions, warnings.length === 0);
  }
  const counts = {
    nodes: graph.nodes,
    arcs: nonzeros(graph.adjacency),
    features: graph.features.columns,
    featureNonzeros: nonzeros(graph.features),
    classes: graph.classes,
    unlabelled: countUnlabelled(graph.labels),
    isolated: countEmptyRows(graph.adjacency),
    ...(graph.graphs && { graphs: graph.graphs.length }),
    ...(graph.classless && { classless: graph.classless.length }),
    ...(graph.types && { types: graph.types }),
    ...(graph.relations && {
      relations: graph.relations.map(({ arcs, ...relation }) => ({
        ...relation,
        arcs: nonzeros(arcs),
      })),
    }),
  };
  const constant = constantPredictor(graph);
  const folders = dataFolders(options.data);
  const withoutLabels = labelFiles.filter((file) => findFile(file, folders) === null);
  if (options.json) {
    const found = own && { import: own.report };
    const rest = { constant, defaultSplit, withoutLabels, warnings, splits, ...found };
    printJson({ name, title, ...counts, ...rest });
    return;
  }
  print(`${name}: ${title}`);
  for (const warning of warnings) print(`warning: ${warning}`);
  print(
    `${grouped(counts.nodes)} nodes (${grouped(counts.isolated)} isolated, ` +
      `${grouped(counts.unlabelled)} unlabelled), ${grouped(counts.arcs)} arcs, ` +
      `${grouped(counts.features)} features (${grouped(counts.featureNonzeros)} nonzeros), ` +
      `${grouped(counts.classes)} classes`,
  );
  if (graph.graphs) print(`${grouped(graph.graphs.length)} graphs, which are classified as wholes`);
  for (const line of describeTypes(graph)) print(line);
  if (own) for (const line of describeReport(own.report, graph)) print(line);
  for (const file of withoutLabels) print(`${file} is missing; it would add labels`);
  for (const line of describeConstant(constant, graph)) print(line);
  for (const [spec, report] of Object.entries(splits)) {
    print(`${spec.padEnd(18)} ${sayable(report)}${spec === defaultSplit ? " (default)" : ""}`);
    for (const doubt of "doubts" in report ? report.doubts : [])
      print(`warning: ${spec}: ${doubt}`);
  }
}

/** More relations than these are counted. */
const MOST_LISTED = 12;

/** A line for the types of nodes, the classified one first, and one for each relation, or for many together. */
function describeTypes({ types, relations = [] }: Graph): string[] {
  if (!types) return [];
  const sizes = types.map(({ name, nodes }) => `${printable(name)} ${grouped(nodes)}`);
  const first = `types: ${sizes.join(", ")}${types.length > 1 ? "; the first is classified" : ""}`;
  if (relations.length > MOST_LISTED) {
    const arcs = relations.reduce((sum, relation) => sum + nonzeros(relation.arcs), 0);
    return [first, `${relations.length} relations with ${grouped(arcs)} arcs, in one direction`];
  }
  return [
    first,
    ...relations.map(
      ({ name, source, target, arcs }) =>
        `${printable(source)} ${printable(name)} ${printable(target)}: ${grouped(nonzeros(arcs))} arcs`,
    ),
  ];
}

function describeConstant(constant: ConstantPredictor | null, graph: Graph): string[] {
  if (!constant) return [];
  const { labelled, all } = constant;
  const lines = [
    `class ${labelled.class} for every node: right on ${percent(labelled.accuracy, 2)} of the labelled`,
  ];
  if (all && graph.classless) {
    const range =
      all.least === all.most
        ? ""
        : `; ${percent(all.least, 2)} to ${percent(all.most, 2)}, because not every class is known`;
    lines.push(
      `class 0 for every node: right on ${percent(all.accuracy, 2)} of all, where the ` +
        `${grouped(graph.classless.length)} that have no class count as class 0, as in PyG's reader${range}`,
    );
  }
  return lines;
}

/** A split's sizes, or the reason why it cannot be used. */
type SplitReport =
  | {
      readonly train: number;
      readonly val: number;
      readonly test: number;
      /** The number of labelled nodes in no set. */
      readonly unused: number;
      /** How many nodes each set loses because they have no label. */
      readonly unlabelled: { readonly train: number; readonly val: number; readonly test: number };
      /** Why it can hardly mean anything, a sentence each. */
      readonly doubts: readonly string[];
    }
  | { readonly missing: string }
  | { readonly unfit: string };

/** Describes a split. A missing file, or a published split that does not fit this graph, is no error here. */
async function describeSplit(
  graph: Graph,
  spec: string,
  options: DataOptions,
  published: boolean,
): Promise<SplitReport> {
  try {
    const split = await loadSplit(graph, spec, options);
    const [train, val, test] = [split.train.length, split.val.length, split.test.length];
    const unused = graph.labels.length - countUnlabelled(graph.labels) - train - val - test;
    const doubts = splitDoubts(graph, split);
    return { train, val, test, unused, unlabelled: split.unlabelled, doubts };
  } catch (error) {
    if (error instanceof MissingFileError) return { missing: error.file };
    if (error instanceof UnfitSplitError && !published) return { unfit: error.message };
    // Too few times for three sets: one split less, and no fault of the graph.
    if (error instanceof OptionError && spec.startsWith("time:")) return { unfit: error.message };
    throw error;
  }
}

function sayable(report: SplitReport): string {
  if ("missing" in report) return `missing: ${report.missing}`;
  if ("unfit" in report) return `does not fit this graph: ${report.unfit}`;
  const { train, val, test, unused, unlabelled } = report;
  const skipped = unlabelled.train + unlabelled.val + unlabelled.test;
  return (
    `train ${grouped(train)}, val ${grouped(val)}, test ${grouped(test)}` +
    (unused > 0 ? `, in no set ${grouped(unused)}` : "") +
    (skipped > 0
      ? `, left out as unlabelled ${unlabelled.train} + ${unlabelled.val} + ${unlabelled.test}`
      : "")
  );
}

/** Returns every split that a dataset has by name, and its default if that is random. */
function splitsOf(name: string): string[] {
  const { publicSplit, geomGcnFile, numberedSplits, fold, defaultSplit, times } =
    datasetEntry(name);
  const numbered = numberedSplits?.length ?? (geomGcnFile ? 10 : 0);
  return [
    ...Array.from({ length: Math.min(numbered, 10) }, (_, index) => `geom-gcn:${index}`),
    ...Array.from({ length: fold ? 10 : 0 }, (_, index) => `fold:${index}`),
    ...(publicSplit ? ["public", "pyg-full"] : []),
    ...(times ? ["time:60/20"] : []),
    ...(defaultSplit.startsWith("random:") ? [defaultSplit] : []),
  ];
}

async function verify(names: readonly string[], options: Options): Promise<void> {
  for (const name of names) datasetEntry(name);
  const results: Record<string, Verification> = {};
  let exitCode = 0;
  for (const name of names.length > 0 ? names : DATASET_NAMES) {
    const dataOptions = options.data ? { dataDir: options.data } : {};
    if (names.length === 0 && isAbsent(name, dataOptions)) {
      if (!options.json) print(`${column(name)} not here`);
      continue;
    }
    if (names.length === 0 && name === "synthetic-mag") {
      // It takes a minute and a gigabyte, and is made by the same code as its smaller forms.
      if (!options.json) print(`${column(name)} only if it is named`);
      continue;
    }
    try {
      const result = await verifyDataset(name, dataOptions);
      results[name] = result;
      if (!result.ok) exitCode = Math.max(exitCode, 1);
      if (!options.json) print(`${column(name)} ${verdict(result)}`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      tell(error.message);
      exitCode = Math.max(exitCode, error.exitCode);
    }
  }
  if (options.json) printJson(results);
  process.exitCode = exitCode;
}

function verdict({ ok, differences, missing }: Verification): string {
  const found = ok ? "as published" : `differs: ${differences.join(", ")}`;
  return missing.length === 0 ? found : `${found}; missing splits: ${missing.join(", ")}`;
}

function countEmptyRows({ rows, indptr }: Csr): number {
  let empty = 0;
  for (let r = 0; r < rows; r++) if (indptr[r] === indptr[r + 1]) empty++;
  return empty;
}
