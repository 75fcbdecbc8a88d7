// The peer's best setting: layouts, allocator, threads and compiler, tried one after the other.
import { counted } from "../src/display/format.ts";
import { summary } from "./measure.ts";
import type { Task, Variant } from "./protocol.ts";
import type { Side } from "./side.ts";

/** A way to run the peer. */
export interface Setting {
  readonly variant: Variant;
  readonly allocator: "default" | "keeping pages";
  readonly threads: number;
}

/** A setting that was tried: the fastest of a few calls, or why it did not run. */
export interface Trial {
  readonly setting: Setting;
  readonly milliseconds?: number;
  readonly error?: string;
}

/** The peer's processes: an allocator is chosen when a process starts. */
export type PeerSides = Readonly<Record<Setting["allocator"], Side>>;

const ADJACENCIES = ["pyg-csr", "pyg-edges", "torch-coo", "torch-csr"];
const FEATURES = ["csr", "coo", "dense"];
/** Samples of a trial, how long each lasts at least and they may take together: milliseconds. */
const SAMPLES = 6;
const SAMPLE = 100;
const SHARE = 1500;
/** torch's compiler unrolls 64 layers: seconds until it is given up. */
const COMPILING = 240;
/** What a setting gains by a difference smaller than this is noise. */
const NOISE = 0.97;

/** The layouts that a task lets the peer choose from, one list a choice, tried list by list. */
function choices(task: Task): Readonly<Record<string, readonly string[]>> {
  if (task.kind === "product") return {};
  if (task.kind === "sparse product") return { adjacency: ["csr", "coo"] };
  return { adjacency: ADJACENCIES, features: FEATURES };
}

/** A setting in words. */
export function describe({ variant, allocator, threads }: Setting): string {
  const { adjacency, features, compile } = variant;
  return [
    ...(adjacency === undefined ? [] : [`P ${adjacency}`]),
    ...(features === undefined ? [] : [`X ${features}`]),
    counted(threads, "thread"),
    ...(allocator === "default" ? [] : ["allocator keeping pages"]),
    ...(compile === true ? ["torch.compile"] : []),
  ].join(", ");
}

/** Runs a setting a few times and forgets it. */
async function attempt(sides: PeerSides, task: Task, setting: Setting): Promise<Trial> {
  const { variant, allocator, threads } = setting;
  const side = sides[allocator];
  const key = "trial";
  const patience = variant["compile"] === true ? COMPILING : undefined;
  const prepared = await side.ask(
    { operation: "prepare", key, task, variant, threads, warmUp: 2 },
    patience,
  );
  if (prepared.error !== undefined) return { setting, error: prepared.error };
  const calls = Math.max(1, Math.ceil(SAMPLE / prepared.milliseconds!));
  const samples: number[] = [];
  const began = performance.now();
  for (let i = 0; i < SAMPLES && performance.now() - began < SHARE; i++) {
    const { milliseconds, error } = await side.ask({ operation: "sample", key, calls, threads });
    if (error !== undefined) return { setting, error };
    samples.push(milliseconds!);
  }
  await side.ask({ operation: "forget", key });
  // The pace that lasts: glibc's allocator starts fast, and settles at half as much again.
  return { setting, milliseconds: summary(samples.slice(samples.length >> 1)).median };
}

/**
 * The fastest setting: the best layout of P, then of X, then the other allocator, then one
 * thread, then torch.compile, each kept if it was faster.
 * @param threads as the benchmark was given them
 * @param compiled whether torch.compile is tried too: it takes minutes
 */
export async function bestSetting(
  sides: PeerSides,
  task: Task,
  threads: number,
  compiled: boolean,
): Promise<{ best: Setting | undefined; tried: Trial[] }> {
  const lists = Object.entries(choices(task));
  const first = Object.fromEntries(lists.map(([name, values]) => [name, values[0]!]));
  const tried: Trial[] = [];
  let best: Trial | undefined;
  const consider = async (setting: Setting): Promise<void> => {
    const trial = await attempt(sides, task, setting);
    tried.push(trial);
    if (trial.milliseconds === undefined) return;
    if (best && trial.milliseconds > best.milliseconds! * NOISE) return;
    best = trial;
  };
  await consider({ variant: first, allocator: "default", threads });
  for (const [name, values] of lists) {
    const base = best?.setting.variant ?? first;
    for (const value of values.slice(1)) {
      await consider({ variant: { ...base, [name]: value }, allocator: "default", threads });
    }
  }
  const found = (): Setting => best?.setting ?? { variant: first, allocator: "default", threads };
  await consider({ ...found(), allocator: "keeping pages" });
  if (threads > 1) await consider({ ...found(), threads: 1 });
  if (compiled) await consider({ ...found(), variant: { ...found().variant, compile: true } });
  // Trials leave traces: after torch.compile, all else takes half as long again in that process.
  for (const side of Object.values(sides)) side.close();
  return { best: best?.setting, tried };
}
