// The benchmark, `npm run bench [-- --only CASE] [-- --write]`: this engine's own tables, and the race.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { OptionError, UserError } from "../src/base/errors.ts";
import { formatTable, markdownTable, type Table } from "../src/base/table.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { saveFigure } from "../src/figures/save.ts";
import { startEngine, wantedThreads } from "../src/tensor/index.ts";
import { allCases, type Case } from "./cases.ts";
import { installPeers, peerIsInstalled } from "./install-peers.ts";
import { LARGE, type LargeCase, type LargeMeasured, largeTable, runLarge } from "./large.ts";
import { engineOf, Race } from "./race.ts";
import { raceFigure } from "./race-figure.ts";
import { type Measured, raceMarkdown, raceText, targetsMarkdown } from "./race-report.ts";
import { machineFacts, machineText } from "./report.ts";
import { TABLES } from "./tables.ts";

const REPEATS = 7;
/** The most epochs that a large case times. */
const LARGE_ROUNDS = 3;

const USAGE = `usage: npm run bench -- [--only CASE]... [--quick] [--write] ...
  --only CASE      only these cases (repeatable; "gcnii-*" matches all that begin so); --list shows them
  --list           list the names of the cases
  --install-peers  install PyTorch Geometric into .venv-bench, then exit
  --quick          no graph above 10^6 arcs (large-*: Mag at 1/100 alone), fewer epochs in the row, no
                   torch.compile
  --threads N      threads for either side of the race, and for the table "engine" to compare one
                   thread with (default: $ABKD_THREADS, or one per core)
  --repeats N      rounds of the race (default: ${REPEATS})
  --dataset NAME   for the tables "engine", "methods" and "where": cora (the default; the embedded
                   synthetic graph if its files are missing), ...
  --json           print only JSON
  --write          put tables into docs/performance.md, all numbers into figures/bench.json and
                   the figure into figures/bench.svg; cases not run keep what they had`;

const ROOT = path.join(import.meta.dirname, "..");
const DOCUMENT = path.join(ROOT, "docs/performance.md");
const NUMBERS = path.join(ROOT, "figures/bench.json");
const FIGURE = path.join(ROOT, "figures/bench.svg");
const FIGURE_LINK = "![Ratios by case, and time and memory against arcs](../figures/bench.svg)";

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Returns a test for whether a case is among the names given to --only. */
function wanted(only: readonly string[]): (name: string) => boolean {
  return (name) =>
    only.length === 0 ||
    only.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
}

function checkNames(only: readonly string[], names: readonly string[]): void {
  for (const one of only) {
    if (names.some(wanted([one]))) continue;
    throw new OptionError(`no case is called "${one}"; choose from ${names.join(", ")}`);
  }
}

function count(text: string | undefined, name: string, standard: number): number {
  const number = text === undefined ? standard : Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new OptionError(`--${name} is "${text}", not a whole number from 1 on`);
}

interface RaceArguments {
  readonly threads: number;
  readonly repeats: number;
  readonly quick: boolean;
  /** Called when a case is done. */
  readonly done: (measured: readonly Measured[]) => void;
}

async function runRace(cases: readonly Case[], args: RaceArguments): Promise<Measured[]> {
  const withPeer = peerIsInstalled();
  if (!withPeer) {
    console.error(
      "PyTorch Geometric is not installed, so this project runs alone: " +
        "`npm run bench -- --install-peers` installs it",
    );
  }
  const measured: Measured[] = [];
  let title = "";
  // Before anything of ours runs.
  const { load } = machineFacts("", args.threads);
  // Exits properly, so that an interrupt leaves neither files nor processes behind.
  const stop = (): void => process.exit(130);
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const race = new Race({
    ...args,
    withPeer,
    progress: (text) => progress(`${title}: ${text}`),
  });
  process.once("exit", () => race.close());
  try {
    for (const one of cases) {
      title = one.name;
      const engine = engineOf(one);
      const { ours, peer } = await race.facts(engine);
      const versions = Object.fromEntries(
        Object.entries({ ...ours, ...peer }).filter(([, value]) => typeof value === "string"),
      ) as Record<string, string>;
      const machine = { ...machineFacts(versions["flavour"]!, args.threads), load };
      const { repeats, quick } = args;
      const date = new Date().toISOString().slice(0, 10);
      const circumstances = { machine, versions, engine, repeats, quick, date };
      measured.push({ ...(await race.run(one)), circumstances });
      args.done(measured);
    }
    return measured;
  } finally {
    progress("");
    race.close();
  }
}

/** Merges all cases ever written, replacing earlier results of these, in the order of the cases. */
function merged(cases: readonly Case[], measured: readonly Measured[]): Measured[] {
  const earlier = existsSync(NUMBERS)
    ? (JSON.parse(readFileSync(NUMBERS, "utf8")) as Measured[])
    : [];
  const byName = new Map([...earlier, ...measured].map((one) => [one.name, one]));
  return cases.flatMap(({ name }) => byName.get(name) ?? []);
}

function write(section: string, content: string): void {
  writeFileSync(DOCUMENT, writeSection(readFileSync(DOCUMENT, "utf8"), section, content));
}

function writeRace(cases: readonly Case[], measured: readonly Measured[]): Measured[] {
  const all = merged(cases, measured);
  writeFileSync(NUMBERS, `${JSON.stringify(all, undefined, 1)}\n`);
  write("race", raceMarkdown(all));
  write("targets", targetsMarkdown(cases, all));
  return all;
}

/** Runs the large cases, whose peers are not raced; their section holds those of the last run that wrote it. */
async function measureLarge(
  cases: readonly LargeCase[],
  options: Omit<Parameters<typeof runLarge>[1], "progress"> & { json: boolean; write: boolean },
): Promise<LargeMeasured[]> {
  if (cases.length === 0) return [];
  const machine = machineFacts(startEngine("wasm").flavour, options.threads);
  const measured = await runLarge(cases, { ...options, progress });
  progress("");
  const text = (writer: (table: Table) => string): string =>
    `${machineText(machine)}\n\n${writer(largeTable(measured))}`;
  if (!options.json) console.log(`${text(formatTable)}\n`);
  if (options.write) write("large", text(markdownTable));
  return measured;
}

async function main(): Promise<void> {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      threads: { type: "string" },
      repeats: { type: "string" },
      dataset: { type: "string" },
      list: flag,
      quick: flag,
      json: flag,
      write: flag,
      help: flag,
      "install-peers": flag,
    },
  });
  const cases = allCases();
  const names = [...Object.keys(TABLES), ...[...cases, ...LARGE].map(({ name }) => name)];
  if (values.help) return console.log(USAGE);
  if (values.list) return console.log(names.join("\n"));
  if (values["install-peers"]) return installPeers();
  checkNames(values.only, names);
  const threads = count(values.threads, "threads", wantedThreads());
  const repeats = count(values.repeats, "repeats", REPEATS);
  const chosen = wanted(values.only);
  startEngine("wasm", { threads });
  const tables: Record<string, unknown> = {};
  for (const [name, table] of Object.entries(TABLES)) {
    if (!chosen(name)) continue;
    const section = await table({ dataset: values.dataset, threads, progress });
    progress("");
    tables[name] = section.numbers;
    const text = (writer: (table: Table) => string): string => {
      const { facts, content } = section;
      return `${facts}\n\n${typeof content === "string" ? content : writer(content)}`;
    };
    if (!values.json) console.log(`${text(formatTable)}\n`);
    if (values.write) write(section.name, text(markdownTable));
  }
  startEngine("wasm", { threads });
  const quick = values.quick;
  const chosenCases = cases.filter(({ name, large }) => chosen(name) && !(quick && large));
  let measured: Measured[] = [];
  if (chosenCases.length > 0) {
    const done = (some: readonly Measured[]): void => {
      // Written case by case, so that hours of work do not depend on the last one.
      if (values.write) writeRace(cases, some);
    };
    measured = await runRace(chosenCases, { threads, repeats, quick, done });
    if (!values.json) console.log(raceText(measured));
    if (values.write) {
      await saveFigure(raceFigure(merged(cases, [])), FIGURE);
      write("race figure", FIGURE_LINK);
    }
  }
  const large = await measureLarge(
    LARGE.filter(({ name }) => chosen(name)),
    {
      ...{ threads, quick, rounds: quick ? 1 : Math.min(repeats, LARGE_ROUNDS) },
      ...{ json: values.json, write: values.write },
    },
  );
  if (values.json) {
    console.log(JSON.stringify({ ...tables, race: measured, large }, null, 2));
  }
}

main().catch((error: unknown) => {
  const wrongOption = error instanceof TypeError && "code" in error;
  if (!(error instanceof UserError) && !wrongOption) throw error;
  console.error(wrongOption ? `${error.message}\n${USAGE}` : error.message);
  process.exitCode = error instanceof UserError ? error.exitCode : 2;
});
