// Finds the best student within a budget: sizes, families, features and methods, chosen on validation nodes alone.
import path from "node:path";
import { sum } from "simple-statistics";
import {
  CONFIG,
  checkKeys,
  checkValues,
  isText,
  LEGAL,
  type Legal,
  needObject,
  shown,
} from "../../base/arguments.ts";
import { OptionError } from "../../base/errors.ts";
import { writeAtomic } from "../../base/files.ts";
import {
  DATA_OPTIONS,
  type DataOptions,
  datasetEntry,
  loadDataset,
  loadSplit,
} from "../../datasets/index.ts";
import { splitDoubts } from "../../datasets/split-doubts.ts";
import type { Graph } from "../../graph/graph.ts";
import { fingerprint } from "../../training/inputs.ts";
import { encodeModel } from "../../training/model-file.ts";
import type { Observer } from "../../training/observer.ts";
import { TEACHER_SEED, teacherConfig } from "../../training/recipes.ts";
import type { RunConfig } from "../../training/run.ts";
import { RUNS_FOLDER, readFiles, readModel, runFiles } from "../../training/run-store.ts";
import { checkOutputsFit } from "../../training/teacher-outputs.ts";
import { runTrials, type TrialsOptions } from "../../training/trials.ts";
import { type Contender, contenders, type StudentSize } from "../contenders.ts";
import type { Draw } from "../recipe-draws.ts";
import {
  configsOf,
  type SearchRule,
  type SearchSubject,
  searchContenders,
} from "../recipe-search.ts";
import { ResultsStore } from "../results-store.ts";
import { mean } from "../statistics.ts";
import type { TrialRecord } from "../trial-record.ts";
import { Clock, type StageProgress } from "./clock.ts";
import { bestRun, type Finalist, trainFinalists } from "./finalists.ts";
import { rankFeatures } from "./ranking.ts";
import { type Budget, checkSomeFits, fittingSizes, sizeParameters } from "./sizes.ts";
import {
  type GivenTeacher,
  givenFacts,
  isOutputs,
  type LeftOut,
  rankingStudent,
  searchTeacher,
  type TeacherFacts,
  teachable,
  trainedFacts,
} from "./teacher.ts";
import { sizeKey, type TriedStudent, triedOf } from "./tried.ts";

/** The plain student and SoftKD, which every search tries, whatever else it does. */
export const BASELINES = ["student", "softkd"] as const;
/** What is tried beside them: the paper's method, and a rival that costs hardly more than SoftKD. */
export const USUAL_METHODS = ["abkd+soft", "at+soft"] as const;

/** What to compress, to what, and within which time. */
export interface CompressRequest
  extends DataOptions,
    Pick<TrialsOptions, "runsDir" | "workers" | "modules" | "signal" | "observer"> {
  /** A dataset's name. */
  readonly dataset: string;
  /** The dataset's usual one if left out. */
  readonly split?: string;
  /**
   * The dataset's GCNII 64L-64H if left out. A run's configuration is trained, or taken from the folder of runs; a
   * path is that of a file of weights (loadTeacher()); outputs are as loadTeacherOutputs() takes them.
   */
  readonly teacher?: GivenTeacher;
  readonly budget: Budget;
  /** Of the search; the teacher's own training comes before. */
  readonly minutes?: number;
  /** Ids of contenders (docs/recipes.md) that are tried beside the plain student and SoftKD. */
  readonly methods?: readonly string[];
  /** Where the student, the card and the search's records go. */
  readonly folder: string;
  /** Called when a run has begun, gone on or ended; liveCompress() draws it in a notebook. */
  readonly onStage?: (progress: CompressProgress) => void;
}

/** The stage that is told once all is done. */
export const SEARCH_OVER = "done";

/** How far a search is, and what a figure needs beside it. */
export interface CompressProgress extends StageProgress {
  readonly teacher: TeacherFacts;
  /** Of the graph. */
  readonly features: number;
}

/** All that a card says. */
export interface Compression {
  readonly dataset: string;
  /** Options of commands that find the graph again. */
  readonly place: { readonly dataset: string; readonly data?: string };
  readonly split: string;
  readonly fingerprint: string;
  readonly graph: Pick<Graph, "nodes" | "classes"> & { readonly features: number };
  readonly budget: Budget;
  readonly minutes: number;
  readonly folder: string;
  readonly teacher: TeacherFacts;
  /** What a user of the student must know: of the graph, the split, the teacher and the student's own run. */
  readonly warnings: readonly string[];
  /** Methods that read what the teacher's outputs lack. */
  readonly leftOut: readonly LeftOut[];
  readonly chosen: Finalist;
  /** The chosen one's run whose model is in the file: the seed of the highest validation accuracy. */
  readonly best: TrialRecord;
  /** Name of the student's file in the folder. */
  readonly file: string;
  readonly bytes: number;
  /** One per contender, the best first. */
  readonly finalists: readonly Finalist[];
  readonly seeds: readonly number[];
  readonly tried: readonly TriedStudent[];
  readonly counts: { readonly runs: number; readonly dead: number; readonly diverged: number };
  readonly seconds: number;
}

export const STUDENT_FILE = "student.safetensors";

/** Shares of the time: three rungs, then the finalists with seeds of their own. */
const TIME = [0.35, 0.2, 0.2, 0.25] as const;
/** More than there is time for. */
const DRAWS = 400;
/** Returns the rule of the search: successive halving by the same function that found the recipes. */
function ruleOn(split: string): SearchRule {
  const splits = [split];
  return {
    batch: DRAWS,
    patience: 0,
    seed: 1,
    rungs: [
      { epochs: 120, splits, seeds: [4001], keep: 8 },
      { epochs: 400, splits, seeds: [4002], keep: 3 },
      { epochs: 2000, splits, seeds: [4003, 4004], keep: 1 },
    ],
  };
}

function contendersOf(ids: readonly string[]): Contender[] {
  const all = contenders();
  return [...new Set([...BASELINES, ...ids])].map((id) => {
    const found = all.find((one) => one.id === id);
    if (!found) {
      throw new OptionError(`no method "${id}"; legal: ${all.map((one) => one.id).join(", ")}`);
    }
    return found;
  });
}

const OPTIONS: Readonly<Record<keyof CompressRequest, Legal>> = {
  ...DATA_OPTIONS,
  dataset: LEGAL.name,
  split: LEGAL.name,
  folder: LEGAL.folder,
  runsDir: LEGAL.folder,
  teacher: {
    words: `${CONFIG}, the path of a file of weights, or { outputs }`,
    is: (value) => isText(value) || LEGAL.object.is(value),
  },
  budget: { ...LEGAL.object, words: "{ parameters, bytes, microseconds }, one of them or more" },
  minutes: {
    words: "a number above 0",
    is: (value) => typeof value === "number" && value > 0 && value < Infinity,
  },
  methods: {
    words: "an array of contenders' ids",
    is: (value) => Array.isArray(value) && value.every(isText),
  },
  workers: {
    words: "a whole number, 1 or more",
    is: (value) => Number.isInteger(value) && Number(value) >= 1,
  },
  modules: { words: "an array of files' paths or URLs", is: Array.isArray },
  signal: LEGAL.signal,
  observer: LEGAL.functions,
  onStage: LEGAL.functions,
};

/**
 * Trains the teacher if it is not there, searches, trains the finalists, and writes the student's file. Only
 * validation nodes decide; the chosen student's test accuracy is read once, at the end. A call with the same request
 * and folder goes on where an earlier one was stopped.
 *
 * @throws OptionError for a request that makes no sense or a budget that nothing fits; UserError if the folder holds
 *   another search; InterruptedError after `signal`; and as runTrials does
 */
export async function compress(request: CompressRequest): Promise<Compression> {
  needObject(request, "compress", "{ dataset, budget, folder }", "dataset", "budget", "folder");
  checkKeys(request, Object.keys(OPTIONS), "compress");
  checkValues(request, OPTIONS, "compress");
  const { dataset, budget, minutes = 10, methods = USUAL_METHODS, folder, onStage } = request;
  const { split = datasetEntry(dataset).defaultSplit, runsDir = RUNS_FOLDER } = request;
  checkBudget(budget);
  const named = contendersOf(methods);
  const { dataDir, download, onWarning, workers, modules, signal, observer } = request;
  const data = {
    ...(dataDir !== undefined && { dataDir }),
    ...(onWarning && { onWarning }),
    download: download ?? true,
  };
  const graph = await loadDataset(dataset, data);
  checkSomeFits(budget, graph);
  const sets = await loadSplit(graph, split, data);
  const print = fingerprint(graph, sets);
  const subject = { dataset, split, seed: TEACHER_SEED };
  const teacher = await searchTeacher(request.teacher ?? teacherConfig(subject), dataset, data);
  if (isOutputs(teacher)) checkOutputsFit(teacher, graph);
  const { contenders: unsized, leftOut } = teachable(named, teacher);
  const where = {
    ...data,
    runsDir,
    ...(workers !== undefined && { workers }),
    ...(modules && { modules }),
    ...(signal && { signal }),
    ...(observer && { observer: withoutRepeats(observer) }),
  };
  const store = new ResultsStore(path.join(folder, "search"));
  const by = isOutputs(teacher) ? { teacherOutputs: teacher.config } : { teacher };
  const asked = { dataset, split, fingerprint: print, ...by, budget, minutes, methods };
  const shape = { features: graph.features.columns, classes: graph.classes };
  let facts: TeacherFacts;
  const tell = (progress: StageProgress): void =>
    onStage?.({ ...progress, teacher: facts, features: shape.features });
  const clock = new Clock(asked, { ...where, store, onStage: tell });

  // What the teacher's first layer does not tell, because it is not known, that of a student does.
  const ranker = isOutputs(teacher) ? rankingStudent(subject, teacher) : teacher;
  const [ranked] = await runTrials([ranker], { ...where, engine: "wasm", resume: "repair" });
  facts = isOutputs(teacher) ? givenFacts(teacher, graph, sets) : trainedFacts(ranked!);
  const ranking = rankFeatures(readModel(runFiles(runsDir, ranker).model));
  const searched: SearchSubject = { dataset, teacher: () => teacher };
  const rule = ruleOn(split);
  // The longest configuration makes the longest file.
  const last = unsized.at(-1)!;
  const measured = clock.students(() => {
    const configOf = (student: StudentSize): RunConfig =>
      configsOf(searched, last, { ...SOME_DRAW, options: last.start, student }, rule.rungs[0]!)[0]!;
    return fittingSizes(budget, { graph, ranking, configOf });
  });
  const students = measured.map(({ size }) => size);
  const times = new Map(measured.map(({ size, microseconds }) => [sizeKey(size), microseconds]));
  const all: TrialRecord[] = [];
  const tried: TriedStudent[] = [];
  const secondsOf = (stage: number): number => 60 * minutes * TIME[stage]!;
  let diverged = 0;
  const search = async () => {
    const progress = await searchContenders(
      searched,
      unsized.map((one) => ({ ...one, space: { ...one.space, students } })),
      rule,
      async (trials, { rung, needed, owners }) => {
        const outcome = await clock.run({
          ...{ name: `rung ${rung + 1}`, trials, needed, owners },
          seconds: secondsOf(rung),
          secondsAfter: sum(TIME.map((_, k) => (k > rung ? secondsOf(k) : 0))),
        });
        const records = [...outcome.records.values()];
        all.push(...records);
        tried.push(...records.map((one) => triedOf(one, owners.get(one.id)!, times)));
        diverged += trials.size - outcome.left.size - outcome.records.size;
        return outcome;
      },
    );
    return trainFinalists(progress, {
      subject: searched,
      rule,
      clock,
      seconds: secondsOf(3),
    });
  };
  const ended = await search().finally(() => clock.close());
  const finalists = ended.finalists
    .map(
      (one): Finalist => ({
        ...one,
        parameters: sizeParameters(one.size, shape),
        microseconds: times.get(sizeKey(one.size))!,
      }),
    )
    .sort((a, b) => mean(b.validation) - mean(a.validation));
  const chosen = finalists[0]!;
  const best = bestRun(chosen);
  // Its model is there, unless its folder was removed since: then it is trained again. A notebook shows no line for it.
  const again = { observer: () => {}, ...where, engine: "wasm", resume: "repair" } as const;
  await runTrials([best.config], again);
  const bytes = encodeModel(readFiles(runFiles(runsDir, best.config)).model);
  writeAtomic(path.join(folder, STUDENT_FILE), bytes);
  const own = finalists.flatMap(({ records }) => records).filter((one) => one !== undefined);
  const whole = [...all, ...own];
  tell({ stage: SEARCH_OVER, done: whole.length, secondsLeft: 0, finished: [] });
  return {
    dataset,
    place: {
      dataset: datasetEntry(dataset).given ?? dataset,
      ...(request.dataDir !== undefined && { data: request.dataDir }),
    },
    split,
    fingerprint: print,
    budget,
    minutes,
    folder,
    tried,
    chosen,
    best,
    graph: { nodes: graph.nodes, ...shape },
    teacher: facts,
    warnings: [
      ...new Set([
        ...(datasetEntry(dataset).warnings ?? []),
        ...splitDoubts(graph, sets).map((doubt) => `split ${split}: ${doubt}`),
        ...facts.warnings,
        ...best.warnings,
      ]),
    ],
    leftOut,
    file: STUDENT_FILE,
    bytes: bytes.length,
    finalists,
    seeds: ended.seeds,
    counts: {
      runs: whole.length + diverged + finalists.reduce((sum, one) => sum + one.diverged, 0),
      dead: whole.filter(({ dead }) => dead).length,
      diverged: diverged + finalists.reduce((sum, one) => sum + one.diverged, 0),
    },
    seconds: clock.seconds,
  };
}

/** Each chunk of runs would tell the same about its teacher. */
function withoutRepeats(observer: Observer): Observer {
  const told = new Set<string>();
  return (event) => {
    if (event.type === "note" && told.has(event.message)) return;
    if (event.type === "note") told.add(event.message);
    observer(event);
  };
}

/** A draw whose numbers do not matter: only the length of a configuration is wanted. */
const SOME_DRAW: Omit<Draw, "options"> = {
  dropout: 0.1,
  learningRate: 0.01,
  weightDecay: 1e-5,
  epochs: 2000,
  keep: "accuracy",
};

/** @throws OptionError for a budget without a limit, or numbers that are none */
function checkBudget(budget: Budget): void {
  checkKeys(budget, ["parameters", "bytes", "microseconds"], "compress: budget");
  const { parameters, bytes, microseconds } = budget;
  const given = { parameters, bytes, microseconds };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || (Number.isFinite(value) && Number(value) > 0)) continue;
    throw new OptionError(`compress: budget: ${name} is ${shown(value)}; legal: a number above 0`);
  }
  if ((parameters ?? bytes ?? microseconds) !== undefined) return;
  throw new OptionError(
    "compress: the budget has no limit: give parameters, bytes or microseconds",
  );
}
