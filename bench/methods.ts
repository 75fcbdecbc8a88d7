// What a training step of each method costs, relative to the plain student's in the same round.
import { columnsOf, type Table } from "../src/base/table.ts";
import { shortTime } from "../src/display/format.ts";
import { methods } from "../src/distillation/registry.ts";
import type { Graph, Split } from "../src/graph/graph.ts";
import { type Changes, studentConfig, teacherConfig } from "../src/training/recipes.ts";
import { summary } from "./measure.ts";
import { dataOf, modelOf, teacherOf, trainingStep } from "./steps.ts";

const SEED = 1;
/** The number of rounds over all methods; each begins and ends with the plain student. */
const ROUNDS = 9;
/** The length of a sample in milliseconds (at least one step). Systems count processor time in ticks of a few. */
const SAMPLE = 60;
const STUDENT = "student";

/** One method with one set of options. */
interface Contender {
  readonly name: string;
  readonly method: string;
  readonly changes: Changes;
}

/** A method's step compared with the plain student's. */
export interface StepCost {
  readonly name: string;
  /** The median over rounds, in steps of the plain student; `lower` and `upper` are the quartiles. */
  readonly ratio: number;
  readonly lower: number;
  readonly upper: number;
  /** The median in milliseconds. */
  readonly milliseconds: number;
}

/** Returns each method with its defaults and with each of its presets. */
function contenders(): Contender[] {
  return methods.flatMap(({ name, presets }) => [
    { name, method: name, changes: {} },
    ...Object.keys(presets).map((preset) => ({
      name: `${name}, ${preset}`,
      method: name,
      changes: { preset },
    })),
  ]);
}

/**
 * Measures the methods; the engine must run on one thread.
 * @param progress called before each round
 * @returns the costs in the registry's order
 */
export function stepCosts(
  graph: Graph,
  split: Split,
  progress: (round: number, rounds: number) => void,
): StepCost[] {
  const data = dataOf(graph, split);
  const subject = { dataset: graph.name, split: split.name, seed: SEED };
  const teacher = teacherConfig(subject);
  const taught = teacherOf(modelOf(teacher, data), data);
  const tasks = contenders().map(({ name, method, changes }) => {
    const config = studentConfig(subject, method, teacher, changes);
    const run = trainingStep(config, data, modelOf(config, data), taught);
    run();
    const began = performance.now();
    run();
    const calls = Math.max(1, Math.ceil(SAMPLE / (performance.now() - began)));
    return { name, run, calls, samples: [] as Sample[] };
  });
  const plain = tasks.find(({ name }) => name === STUDENT)!;
  for (let round = 1; round <= ROUNDS; round++) {
    progress(round, ROUNDS);
    let before = timeOf(plain.run, plain.calls);
    for (const task of tasks) {
      const milliseconds = timeOf(task.run, task.calls);
      const after = timeOf(plain.run, plain.calls);
      task.samples.push({ milliseconds, ratio: (2 * milliseconds) / (before + after) });
      before = after;
    }
  }
  return tasks.map(({ name, samples }) => {
    const { median: ratio, lower, upper } = summary(samples.map((sample) => sample.ratio));
    const { median } = summary(samples.map((sample) => sample.milliseconds));
    return { name, ratio, lower, upper, milliseconds: median };
  });
}

interface Sample {
  readonly milliseconds: number;
  readonly ratio: number;
}

/** Measures this thread's processor time, without other programs. The first call warms the caches. */
function timeOf(run: () => unknown, calls: number): number {
  run();
  const began = process.threadCpuUsage();
  for (let call = 0; call < calls; call++) run();
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / 1000 / calls;
}

export function costsTable(costs: readonly StepCost[]): Table {
  return {
    columns: columnsOf("method", "steps of the plain student | quartiles | a step"),
    rows: costs.map(({ name, ratio, lower, upper, milliseconds }) => [
      name,
      ratio.toFixed(ratio < 10 ? 1 : 0),
      `${lower.toFixed(1)} to ${upper.toFixed(1)}`,
      shortTime(milliseconds / 1000),
    ]),
  };
}
