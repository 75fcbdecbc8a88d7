// A study in a notebook: it is run or loaded, and shows its tables, figures and verdict in words.

import path from "node:path";
import { inspect } from "node:util";
import type { DataFrame } from "danfojs-node";
import { needArray, needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import type { Suggested } from "../base/suggested.ts";
import type { DatasetName } from "../datasets/index.ts";
import { inPercent } from "../display/format.ts";
import { type Bundle, displayHook, notebookDisplay } from "../display/host.ts";
import { provideRun } from "../experiments/committed-runs.ts";
import {
  type Evidence,
  evidenceOf,
  extent,
  provenance,
  recordsOf,
} from "../experiments/evidence.ts";
import { type ArmReport, hasOwnRow } from "../experiments/report-data.ts";
import { RESULTS_FOLDER, ResultsStore } from "../experiments/results-store.ts";
import { distinctTrials, missingTrials, runStudy } from "../experiments/run-study.ts";
import { findStudy, type StudyName } from "../experiments/studies/index.ts";
import { PROFILES, type Profile, planStudy } from "../experiments/study.ts";
import { verdictSentence, verdictWords } from "../experiments/study-words.ts";
import type { TrialRecord } from "../experiments/trial-record.ts";
import { notebookTrialsLine } from "../training/progress.ts";
import { RUNS_FOLDER } from "../training/run-store.ts";
import { runTrials, type TrialsOptions } from "../training/trials.ts";
import { dataFrame, type FrameColumn } from "./data-frame.ts";
import { accuracyFigure, attentionFigure, shareFigure, sweepFigure } from "./evidence-figures.ts";
import { type Plot, plot } from "./plot.ts";
import type { SizedRows } from "./study-figures.ts";
import { type SweepOf, sweepMaps } from "./sweep.ts";

export interface OpenOptions extends Pick<TrialsOptions, "modules"> {
  /**
   * `quick` (the default) or `paper`; the paper profile is shown in any case if the store has more of it than
   * of the quick one.
   */
  readonly profile?: Suggested<Profile>;
  /** The folder that contains `results` and `runs` (the checkout); by default the working folder. */
  readonly root?: string;
  /** The datasets to show if the store has trials on them; by default the study's own. */
  readonly datasets?: readonly Suggested<DatasetName>[];
  /** Those of them to train on here if trials are missing; by default Cora and Citeseer. */
  readonly train?: readonly Suggested<DatasetName>[];
}

/** The columns of a study's table. */
const ARM_COLUMNS: readonly FrameColumn[] = [
  "method",
  ["n", 0],
  ["test %", 2],
  ["std", 2],
  "95 % interval",
  ["dead", 0],
  ["diverged", 0],
  ["paper %", 2],
  ["paper std", 2],
  ["ours - paper", 2],
  "value",
];

const TRIAL_COLUMNS: readonly FrameColumn[] = [
  "trial",
  "arm",
  "split",
  ["seed", 0],
  ["val %", 2],
  ["test %", 2],
  ["best epoch", 0],
  ["epochs", 0],
  "died",
];

/** The datasets that train within minutes. */
const SMALL = ["cora", "citeseer"] as const;

/**
 * Opens a study from the committed results, and runs it now if they lack a trial of the chosen profile.
 *
 *     const study = await openStudy("table6", { profile: "quick", root: ".." });
 *
 * @throws OptionError for an unknown study or dataset; as runTrials does
 */
export async function openStudy(
  name: Suggested<StudyName>,
  options: OpenOptions = {},
): Promise<StudyView> {
  needObject(options, "openStudy: options", "an object, such as { profile, datasets }");
  const { root = ".", train = SMALL, modules = [] } = options;
  const profile = profileOf(options.profile ?? "quick");
  const study = findStudy(name);
  const runs = path.join(root, RUNS_FOLDER);
  const store = new ResultsStore(path.join(root, RESULTS_FOLDER));
  const datasets = planStudy(study, {
    profile,
    ...(options.datasets && { datasets: options.datasets }),
  }).datasets.map((dataset) => dataset.name);
  const trained = datasets.filter((dataset) => train.includes(dataset));
  if (trained.length > 0) {
    const plan = planStudy(study, { profile, datasets: trained });
    const trials = distinctTrials(plan);
    const missing = missingTrials(trials, store.read(trials.keys()));
    for (const config of missing.values()) {
      for (const teacher of [config.teacher, config.method ? undefined : config]) {
        if (teacher) provideRun(teacher, { results: store.folder, runs });
      }
    }
    const line = notebookTrialsLine(missing.keys());
    try {
      if (missing.size > 0) {
        const watch = line ? { observer: line.observer } : {};
        const given = { store, runsDir: runs, download: true, modules, ...watch };
        await runStudy(plan, given, runTrials);
      }
    } finally {
      if (missing.size > 0) line?.close(false);
    }
  }
  return new StudyView(
    study.title,
    datasets.map((dataset) => evidenceOf(study, dataset, store, profile)),
  );
}

/** Checks the profile: a notebook's parameter may come from the command line. */
function profileOf(text: string): Profile {
  const found = PROFILES.find((profile) => profile === text);
  if (found) return found;
  throw new OptionError(`profile is "${text}"; it is one of ${PROFILES.join(", ")}`);
}

/** An opened study. When shown, it says what follows from it, and which trials it rests on. */
export class StudyView {
  readonly title: string;
  /** The evidence, one per dataset. */
  readonly evidence: readonly Evidence[];

  constructor(title: string, evidence: readonly Evidence[]) {
    this.title = title;
    this.evidence = evidence;
  }

  /** The datasets that have trials. */
  get datasets(): string[] {
    return this.evidence.filter(({ records }) => records.size > 0).map(({ dataset }) => dataset);
  }

  /** Tabulates the paper's numbers, ours, the difference, the verdict: one row per method, accuracies in percent. */
  table(dataset = this.datasets[0]): Promise<DataFrame> {
    const evidence = this.#of(dataset);
    const percent = (x: number | undefined): number | undefined => x && 100 * x;
    const { arms } = evidence.part;
    const published = new Map(arms.map((arm) => [arm.publishedOf, arm]));
    // As in the report, published weights are a column beside the searched ones.
    const beside = published.size > 1;
    const rows = arms
      .filter((arm) => (arm.n > 0 || arm.paper) && hasOwnRow(arm))
      .map((arm: ArmReport) => [
        arm.role === "control" ? `${arm.label} (control)` : arm.label,
        arm.n,
        percent(arm.mean),
        arm.n > 1 ? percent(arm.std) : undefined,
        arm.interval?.map((x) => inPercent(x)).join(" to "),
        arm.n > 0 ? arm.dead : undefined,
        arm.diverged,
        arm.paper?.mean,
        arm.paper?.deviation,
        arm.difference,
        arm.verdict?.outcome.replace("none", "no verdict"),
        ...(beside ? [percent(published.get(arm.method)?.mean)] : []),
      ]);
    const note = " Published %: the mean with the weights that the method's authors published.";
    return dataFrame({
      columns: beside ? [...ARM_COLUMNS, ["published %", 2]] : ARM_COLUMNS,
      rows,
      caption: this.#caption(evidence) + (beside ? note : ""),
    });
  }

  /** Tabulates what the paper says about the dataset, what came out here, and the verdict by the rule. */
  claims(dataset = this.datasets[0]): Promise<DataFrame> {
    const evidence = this.#of(dataset);
    return dataFrame({
      columns: ["claim", "paper", "ours", "verdict", "why"],
      rows: evidence.part.claims.map(({ text, paper, ours, verdict }) => {
        const outcome = verdict.outcome === "none" ? "no verdict" : verdict.outcome;
        return [text, paper, ours, outcome, verdict.why];
      }),
      caption: this.#caption(evidence),
    });
  }

  /** Tabulates every trial: id, arm, split, seed, accuracies in percent, epochs. `abkd study show ID` has the rest. */
  trials(dataset = this.datasets[0]): Promise<DataFrame> {
    const rows = this.#of(dataset).part.trials.flatMap((row) => {
      const { id, arm, split, seed, val, test, bestEpoch, epochs, state } = row;
      if (val === undefined || test === undefined) return [];
      const died = state === "dead" ? "died" : "";
      return [[id, arm, split, seed, 100 * val, 100 * test, bestEpoch, epochs, died]];
    });
    return dataFrame({ columns: TRIAL_COLUMNS, rows });
  }

  /** Draws every arm: its trials, mean with 95 % interval, the paper's number with its deviation. */
  accuracies(dataset = this.datasets[0]): Plot {
    return shown(accuracyFigure(this.#of(dataset)));
  }

  /** Draws the share of attention that each student layer gets, one row per trial. */
  shares(dataset = this.datasets[0]): Plot {
    const rows = shareFigure(this.#of(dataset));
    if (!rows) throw new Error(`no trial of ${dataset} learned attention`);
    return shown(rows);
  }

  /** Draws attention maps of an arm's trials, one below another. */
  attention(arm: string, dataset = this.datasets[0]): Plot {
    return shown(attentionFigure(this.#of(dataset), arm));
  }

  /** Draws accuracy over the values of an option, one line per form, with the paper's numbers. */
  sweep(option: SweepOf, dataset = this.datasets[0]): Plot {
    return shown(sweepFigure(this.#of(dataset), option));
  }

  /** Draws attention maps with a slider over the values of an option. */
  slider(option: SweepOf, form: string, dataset = this.datasets[0]): Plot {
    return plot(sweepMaps(this.#of(dataset), option, form), { width: WIDTH, height: 380 });
  }

  /** Shows a dataset's name, table and figure at once, in the running cell. */
  async show(dataset = this.datasets[0]): Promise<void> {
    const display = notebookDisplay();
    for (const part of [await this.table(dataset), this.accuracies(dataset)]) {
      if (display) await display(part);
      else console.log(part);
    }
  }

  /** Returns the records of an arm, for more than the tables show. */
  records(arm: string, dataset = this.datasets[0]): TrialRecord[] {
    return recordsOf(this.#of(dataset), arm);
  }

  /** Says what the numbers show, in words. */
  get verdict(): Words {
    return new Words(this.evidence.flatMap(verdictWords));
  }

  [displayHook](): Bundle {
    return new Words(this.#about())[displayHook]();
  }

  [inspect.custom](): string {
    return this.#about().join("\n");
  }

  #about(): string[] {
    const known = this.evidence.filter(({ records }) => records.size > 0);
    return [this.title, ...known.map(verdictSentence), ...this.evidence.map(provenance)];
  }

  #of(dataset: string | undefined): Evidence {
    const found = this.evidence.find((one) => one.dataset === dataset);
    if (found) return found;
    throw new Error(`${dataset ?? "no dataset"} has no trials of this study yet`);
  }

  #caption({ profile, part }: Evidence): string {
    const what = extent(part);
    const how = profile === "quick" ? `Quick profile: a look (${what}), no verdicts` : what;
    return `${how}. std is over students, the interval of the mean over ${part.unit}s.`;
  }
}

/** The width of a notebook's page beside JupyterLab's file browser. */
const WIDTH = 840;

const shown = ({ figure, height }: SizedRows): Plot => plot(figure, { width: WIDTH, height });

/** Paragraphs that a notebook displays as Markdown. */
export class Words {
  readonly paragraphs: readonly string[];

  constructor(paragraphs: readonly string[]) {
    needArray(paragraphs, "Words: paragraphs", "an array of texts");
    this.paragraphs = paragraphs;
  }

  [displayHook](): Bundle {
    const text = this.paragraphs.join("\n\n");
    return { "text/markdown": text, "text/plain": this[inspect.custom]() };
  }

  [inspect.custom](): string {
    return this.paragraphs.join("\n").replaceAll("**", "");
  }
}
