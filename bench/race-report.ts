// What the race found: a table, the targets, and the facts that the numbers depend on.
import { columnsOf, formatTable, markdownTable, type Table } from "../src/base/table.ts";
import { counted, percent, shortTime } from "../src/display/format.ts";
import type { Outcome } from "./race.ts";
import { PARITY_BOUND } from "./race.ts";
import type { Report } from "./report.ts";

/** How and when an outcome was measured. */
export interface Circumstances {
  readonly machine: Report["machine"];
  readonly versions: Readonly<Record<string, string>>;
  readonly engine: string;
  readonly repeats: number;
  readonly quick: boolean;
  /** YYYY-MM-DD. */
  readonly date: string;
}

/** An outcome with its circumstances; one file may hold those of several runs. */
export type Measured = Outcome & { readonly circumstances: Circumstances };

export type Verdict = "reached" | "not reached" | "not measured";

/** Decides whether the target was reached; the native engine's target counts only for that engine. */
export function verdict(one: Measured | undefined): Verdict {
  if (one?.ratio === undefined || one.target === undefined) return "not measured";
  if (one.native && one.circumstances.engine !== "native") return "not measured";
  return one.ratio.median <= one.target ? "reached" : "not reached";
}

function amount(value: number, unit: Outcome["unit"]): string {
  return unit === "MB" ? `${value.toFixed(0)} MB` : shortTime(value / 1000);
}

function spread({ median, lower, upper }: Outcome["ours"], unit: Outcome["unit"]): string {
  return `${amount(median, unit)} (${amount(lower, unit)} to ${amount(upper, unit)})`;
}

function parityOf({ parity }: Outcome): string {
  if (!parity) return "";
  const worst = parity.worst.toExponential(0);
  return parity.worst <= PARITY_BOUND ? worst : `${worst} (differs)`;
}

function raceTable(measured: readonly Measured[]): Table {
  const columns = columnsOf(
    "case | ours | PyG | ours / PyG | by CPU time | losses differ | PyG's best setting",
  );
  return { columns, rows: measured.map(raceCells) };
}

function raceCells(one: Measured): string[] {
  const { title, unit, ratio, peer, setting, naive, ours, circumstances } = one;
  const naively = naive ? `; naive ${amount(naive.median, unit)}` : "";
  return [
    `${title}${circumstances.quick && one.measure === "row" ? " (--quick)" : ""}`,
    spread(ours, unit),
    peer ? `${spread(peer, unit)}${naively}` : "not measured",
    ratio
      ? `${ratio.median.toFixed(2)} (${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)})`
      : "",
    byProcessor(one),
    parityOf(one),
    setting ?? "",
  ];
}

/** Describes the machine, versions and settings, without the load. */
function facts({ machine, versions, engine, repeats, date }: Circumstances): string {
  const { processor, cores, platform, threads, flavour } = machine;
  const others = ["node", "python", "torch", "torch_geometric"].flatMap((name) =>
    versions[name] === undefined ? [] : [`${name} ${versions[name]}`],
  );
  return (
    `${date}: ${processor}, ${cores} cores, ${platform}; engine ${engine} (${flavour}), ` +
    `${counted(threads, "thread")} for either side; ${others.join(", ")}; ` +
    `${repeats} repeats`
  );
}

/** Describes the machine's load before the runs of these rows. */
function loadOf(rows: readonly Measured[]): string {
  const loads = rows.map(({ circumstances }) => circumstances.machine.load);
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  return `load ${least === most ? least : `${least} to ${most}`} at the start`;
}

/** Describes the runs that the rows come from. */
export function allFacts(measured: readonly Measured[]): string {
  const byFacts = Map.groupBy(measured, ({ circumstances }) => facts(circumstances));
  const all = [...byFacts].map(([text, rows]) => ({ text: `${text}; ${loadOf(rows)}`, rows }));
  if (all.length === 1) return `${all[0]!.text}.`;
  return all
    .map(({ text, rows }) => `- ${text}: ${rows.map(({ name }) => name).join(", ")}`)
    .join("\n");
}

export function raceMarkdown(measured: readonly Measured[]): string {
  return `${allFacts(measured)}\n\n${markdownTable(raceTable(measured))}`;
}

/** Lists every target, whether it was measured or not. */
export function targetsMarkdown(
  cases: readonly Pick<Outcome, "name" | "title" | "target" | "native">[],
  measured: readonly Measured[],
): string {
  const aimed = new Set(cases.flatMap(({ name, target }) => (target === undefined ? [] : [name])));
  const rows = cases.flatMap(({ name, title, target, native }) => {
    if (target === undefined) return [];
    const found = measured.find((one) => one.name === name);
    const engine = native ? ", native engine" : "";
    const ratio = found?.ratio?.median.toFixed(2) ?? "";
    const other = native && ratio && found?.circumstances.engine;
    const result = verdict(found);
    return [
      [
        title + engine,
        `at most ${target}`,
        other && result === "not measured" ? `${ratio} (${other} engine)` : ratio,
        found ? byProcessor(found) : "",
        result === "not reached" ? `✗ not reached, by ${missedBy(found!)}` : result,
      ],
    ];
  });
  const columns = columnsOf("case | target, ours / PyG | found | by CPU time | ");
  return `${markdownTable({ columns, rows })}${busyMachine(measured.filter(({ name }) => aimed.has(name)))}`;
}

/** Warns if other programs were running on the machine; empty if none were. */
function busyMachine(measured: readonly Measured[]): string {
  const busy = measured.filter(({ circumstances: { machine } }) => machine.load > machine.cores);
  if (busy.length === 0) return "";
  const loads = busy.map(({ circumstances }) => circumstances.machine.load);
  return (
    `\n\n**Provisional**: other programs were running (load up to ${Math.max(...loads)} on ` +
    `${busy[0]!.circumstances.machine.cores} cores) when these were measured: ` +
    `${busy.map(({ name }) => name).join(", ")}. ` +
    "What was found there is not what a quiet machine gives."
  );
}

/** Formats the ratio of processor times, if they were measured. */
function byProcessor({ processor }: Outcome): string {
  const [own, other] = processor ?? [];
  return own === undefined || other === undefined ? "" : (own / other).toFixed(2);
}

function missedBy({ ratio, target }: Outcome): string {
  return percent(ratio!.median / target! - 1, 0);
}

/** Returns the table and, below it, each setting of the peer that was tried. */
export function raceText(measured: readonly Measured[]): string {
  const details = measured.flatMap(({ name, tried, parity }) => [
    ...(parity
      ? [
          `${name}: losses after ${parity.ours.length} steps, equal weights, no dropout: ` +
            `ours ${parity.ours.at(-1)!.toFixed(6)}, PyG ${parity.peer.at(-1)!.toFixed(6)}; ` +
            `worst difference ${parity.worst.toExponential(1)}`,
        ]
      : []),
    ...tried.map(
      ({ setting, milliseconds, error }) =>
        `${name}: tried ${setting}: ${error ?? amount(milliseconds!, "ms")}`,
    ),
  ]);
  return `${allFacts(measured)}\n\n${formatTable(raceTable(measured))}\n\n${details.join("\n")}\n`;
}
