// Finds the peer's best setting: layouts, allocator, threads and compiler are tried one after the other.
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

/** A setting that was tried: its time over a few calls, or why it did not run. */
export interface Trial {
  readonly setting: Setting;
  readonly milliseconds?: number;
  readonly error?: string;
}

/** The peer's processes, one per allocator, which is chosen when a process starts. */
export type PeerSides = Readonly<Record<Setting["allocator"], Side>>;

const ADJACENCIES = ["pyg-csr", "pyg-edges", "torch-coo", "torch-csr"];
const FEATURES = ["csr", "coo", "dense"];
/** The samples of a trial, the milliseconds that each lasts at least, and that all may take together. */
const SAMPLES = 6;
const SAMPLE = 100;
const SHARE = 1500;
/** The seconds after which torch's compiler, which unrolls 64 layers, is given up. */
const COMPILING = 240;
/** A setting is faster only if its time is below this share of the best; anything else is noise. */
const NOISE = 0.97;

/** Returns the layouts that the peer may choose from for a task, one list per choice, tried list by list. */
function choices(task: Task): Readonly<Record<string, readonly string[]>> {
  if (task.kind === "product") return {};
  if (task.kind === "sparse product") return { adjacency: ["csr", "coo"] };
  return { adjacency: ADJACENCIES, features: FEATURES };
}

/** Describes a setting. */
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
  // Only the later half counts: glibc's allocator starts fast and then takes half as long again.
  return { setting, milliseconds: summary(samples.slice(samples.length >> 1)).median };
}

/**
 * Finds the fastest setting: the best layout of P, then of X, then the other allocator, then one
 * thread, then torch.compile, each kept if it was faster.
 * @param threads the benchmark's threads
 * @param compiled whether to try torch.compile too, which takes minutes
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
  // Trials have after-effects: after torch.compile, everything takes half as long again in that process.
  for (const side of Object.values(sides)) side.close();
  return { best: best?.setting, tried };
}
