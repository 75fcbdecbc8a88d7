// Runs the cases on both sides in turns, and records every number.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { EngineName } from "../src/tensor/engine/backend.ts";
import { nativeRecord } from "../src/tensor/native/build.ts";
import type { RunConfig } from "../src/training/run.ts";
import { type Case, rowConfigs } from "./cases.ts";
import { freeGraph, readGraph, readTeacher, writeTeacher, writeWeights } from "./exchange.ts";
import { provideGraph } from "./graphs.ts";
import { type Statistic, summary } from "./measure.ts";
import type { Answer, Task, Work } from "./protocol.ts";
import { type Command, ours, PEER_PYTHON, PEERS, peer, Side, wallTime } from "./side.ts";
import { bestSetting, describe, type PeerSides, type Setting, type Trial } from "./variants.ts";

/** The losses of both sides' first steps, from equal weights and without dropout. */
export interface Parity {
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  /** The largest difference, relative if losses are larger than 1. */
  readonly worst: number;
}

export interface Outcome {
  readonly name: string;
  readonly title: string;
  readonly measure: Case["measure"];
  readonly unit: "ms" | "MB";
  readonly target?: number;
  readonly native?: boolean;
  readonly ours: Statistic;
  readonly peer?: Statistic;
  /** Ours / the peer's, per round. */
  readonly ratio?: Statistic;
  /** Milliseconds of processor time per call over all threads: ours, then the peer's. */
  readonly processor?: readonly number[];
  /** The peer's setting, in words. */
  readonly setting?: string;
  readonly tried: readonly { readonly setting: string; milliseconds?: number; error?: string }[];
  readonly parity?: Parity;
  /** The peer's ABKD as the paper writes it. */
  readonly naive?: Statistic;
  /** For megabytes: what was resident before the task was made. */
  readonly before?: { readonly ours: number; readonly peer?: number };
}

export interface RaceOptions {
  readonly threads: number;
  readonly repeats: number;
  readonly quick: boolean;
  /** Whether the peer is installed. */
  readonly withPeer: boolean;
  readonly progress: (text: string) => void;
}

export const PARITY_STEPS = 5;
export const PARITY_BOUND = 1e-4;
/** A sample lasts at least about this many milliseconds. */
const SAMPLE = 100;
/** Each side runs this many milliseconds before its first sample counts: compilers are done by then. */
const WARM_UP = 1000;
/** The pause in milliseconds after a side's turn, until its threads no longer spin. */
const PAUSE = 20;
/** Cases whose peer is tried with torch.compile, which takes minutes. */
const COMPILED = new Set(["gcnii-cora", "student-cora", "abkd-cora"]);
const MEMORY_STEPS = 3;

/** Returns the engine that a case runs on here, for the native engine's cases too if that is not built. */
export function engineOf({ native }: Pick<Case, "native">): EngineName {
  return native && nativeRecord() ? "native" : "wasm";
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE));

/** Both sides' processes and the files between them. */
export class Race {
  readonly #options: RaceOptions;
  readonly #temporary = mkdtempSync(path.join(os.tmpdir(), "abkd-bench-"));
  readonly #ours: Readonly<Record<EngineName, Side>>;
  readonly #peers: PeerSides;

  constructor(options: RaceOptions) {
    this.#options = options;
    const side = (engine: EngineName): Side => new Side(ours(options.threads, engine));
    this.#ours = { wasm: side("wasm"), native: side("native") };
    this.#peers = {
      default: new Side(peer(options.threads, "default")),
      "keeping pages": new Side(peer(options.threads, "keeping pages")),
    };
  }

  /** Asks both sides for their versions. */
  async facts(engine: EngineName): Promise<{ ours: Answer; peer?: Answer }> {
    const own = await this.#ours[engine].demand({ operation: "info" });
    if (!this.#options.withPeer) return { ours: own };
    return { ours: own, peer: await this.#peers.default.demand({ operation: "info" }) };
  }

  run(one: Case): Promise<Outcome> {
    if (one.measure === "row") return this.#row(one);
    if (one.measure === "start") return this.#start(one);
    return one.measure === "memory" ? this.#memory(one, one.work!) : this.#calls(one, one.work!);
  }

  close(): void {
    for (const side of [...Object.values(this.#ours), ...Object.values(this.#peers)]) side.close();
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  /** Writes what a task reads: the graph, the weights that both sides start from, a teacher. */
  async #task(work: Work): Promise<Task> {
    if (work.kind === "product") return work;
    const graph = await provideGraph(work.graph, this.#temporary);
    if (work.kind === "sparse product") return { ...work, graph };
    const { kind, config } = work;
    const paths = this.#weights(graph, config);
    return { kind, graph, config, ...paths };
  }

  #weights(graph: string, config: RunConfig): { weights: string; teacher?: string } {
    const name = `${config.method?.name ?? "teacher"}-${config.model.layers}-${config.seed}`;
    const weights = path.join(graph, `${name}.safetensors`);
    const data = readGraph(graph);
    try {
      if (!config.teacher) {
        writeWeights(weights, config, data);
        return { weights };
      }
      const teacher = path.join(graph, "outputs.safetensors");
      if (!existsSync(teacher)) writeTeacher(teacher, config.teacher, data);
      writeWeights(weights, config, data, readTeacher(teacher, config.teacher, data));
      return { weights, teacher };
    } finally {
      freeGraph(data);
    }
  }

  async #calls(one: Case, work: Work): Promise<Outcome> {
    const { threads, repeats, withPeer, progress } = this.#options;
    const task = await this.#task(work);
    const key = one.name;
    const side = this.#ours[engineOf(one)];
    const runners = [await prepared({ side, key, threads }, task, {})];
    progress("the peer's best setting");
    const { best, tried } = withPeer
      ? await bestSetting(this.#peers, task, threads, this.#compiled(one))
      : { best: undefined, tried: [] };
    if (best) runners.push(await this.#prepare(key, task, best));
    // The naive form takes minutes per step, so it is timed once per round and not warmed up for long.
    const naive = best && task.kind === "training" && task.teacher !== undefined;
    if (naive) runners.push(await this.#prepare(`${key} naive`, { ...task, form: "naive" }, best));
    progress("warming up");
    for (const [i, runner] of runners.entries()) runners[i] = await warmed(runner);
    const samples: number[][] = runners.map(() => []);
    const spent: number[][] = runners.map(() => []);
    for (let round = 0; round < repeats; round++) {
      progress(`round ${round + 1} of ${repeats}`);
      const order = runners.map((_, i) => i);
      if (round % 2 === 1) order.reverse();
      for (const i of order) {
        const { milliseconds, processor } = await sampleOf(runners[i]!);
        samples[i]!.push(milliseconds!);
        spent[i]!.push(processor!);
      }
    }
    const parity =
      best && task.kind === "training" ? await this.#parity(task, best, side) : undefined;
    for (const { side } of runners) await side.ask({ operation: "forget", key, graphs: true });
    if (best) await this.#peers[best.allocator].ask({ operation: "forget", key: `${key} naive` });
    return {
      ...outcome(one, samples[0]!, samples[1]),
      processor: spent.slice(0, 2).map((each) => summary(each).median),
      ...(best && { setting: describe(best) }),
      tried: tried.map(inWords),
      ...(parity && { parity }),
      ...(naive && { naive: summary(samples[2]!) }),
    };
  }

  #compiled(one: Case): boolean {
    return COMPILED.has(one.name) && !this.#options.quick;
  }

  #prepare(key: string, task: Task, { variant, allocator, threads }: Setting): Promise<Runner> {
    return prepared({ side: this.#peers[allocator], key, threads }, task, variant);
  }

  async #parity(task: Task, { variant, allocator }: Setting, side: Side): Promise<Parity> {
    const request = { operation: "losses", task, variant, steps: PARITY_STEPS } as const;
    const own = (await side.demand(request)).losses!;
    const other = (await this.#peers[allocator].demand(request)).losses!;
    const differences = own.map((loss, i) => Math.abs(loss - other[i]!) / Math.max(1, loss));
    return { ours: own, peer: other, worst: Math.max(...differences) };
  }

  /** Measures memory with new processes for each repeat, since a peak never goes down. */
  async #memory(one: Case, work: Work): Promise<Outcome> {
    const { threads, repeats, withPeer, progress } = this.#options;
    const task = await this.#task(work);
    // The layouts that take the least memory, and the allocator that returns pages.
    const variant = { adjacency: "torch-csr", features: "csr" };
    const peak = async (command: Command): Promise<Answer> => {
      const side = new Side(command);
      try {
        const calls = MEMORY_STEPS;
        return await side.demand({ operation: "peak", task, variant, threads, calls });
      } finally {
        side.close();
      }
    };
    const found: { ours: Answer[]; peer: Answer[] } = { ours: [], peer: [] };
    for (let round = 0; round < repeats; round++) {
      progress(`round ${round + 1} of ${repeats}`);
      found.ours.push(await peak(ours(threads)));
      if (withPeer) found.peer.push(await peak(peer(threads, "default")));
    }
    const megabytes = (answers: Answer[]): number[] => answers.map((each) => each.megabytes!);
    const before = found.peer[0]?.before;
    return {
      ...outcome(one, megabytes(found.ours), withPeer ? megabytes(found.peer) : undefined),
      ...(withPeer && {
        setting: describe({ variant, allocator: "default", threads }),
      }),
      tried: [],
      before: { ours: found.ours[0]!.before!, ...(before !== undefined && { peer: before }) },
    };
  }

  async #start(one: Case): Promise<Outcome> {
    const program = path.join(import.meta.dirname, "start.ts");
    const { threads } = this.#options;
    const own = { command: process.execPath, args: [program], env: ours(threads).env };
    const start = path.join(PEERS, "start.py");
    const other = { command: PEER_PYTHON, args: [start], env: peer(threads, "default").env };
    return this.#programs(one, own, [{ setting: "import", command: other }]);
  }

  async #row(one: Case): Promise<Outcome> {
    const { threads, quick } = this.#options;
    const { teacher, students } = rowConfigs(quick);
    const graph = await provideGraph("cora", this.#temporary);
    const file = (name: string, content: object): string => {
      const found = path.join(this.#temporary, name);
      writeFileSync(found, JSON.stringify(content));
      return found;
    };
    const taskOf = (config: RunConfig): object => {
      const { weights } = this.#weights(graph, config);
      return { kind: "training", graph, config, weights };
    };
    const request = {
      graph,
      threads,
      teacher: taskOf(teacher),
      students: students.map(taskOf),
      variants: {
        teacher: { adjacency: "torch-csr", features: "csr" },
        student: { adjacency: "torch-csr", features: "csr" },
      },
    };
    const own: Command = {
      command: process.execPath,
      args: [
        path.join(import.meta.dirname, "row.ts"),
        file("row-ours.json", { students, runsDir: path.join(this.#temporary, "runs") }),
      ],
      env: ours(threads).env,
    };
    const way = (processes: number, allocator: Setting["allocator"]): Way => ({
      setting:
        `${processes === 1 ? "one trial" : `${processes} trials`} at a time` +
        (allocator === "default" ? "" : ", allocator keeping pages"),
      command: {
        command: PEER_PYTHON,
        args: [
          ...["-W", "ignore", path.join(PEERS, "row.py")],
          file(`row-peer-${processes}.json`, { ...request, processes }),
        ],
        env: peer(threads, allocator).env,
      },
    });
    const ways = [way(threads, "default"), way(threads, "keeping pages")];
    if (threads > 1) ways.push(way(1, "keeping pages"));
    return this.#programs(one, own, ways);
  }

  /** Measures the wall time of whole programs; the peer's ways are tried once, and the fastest is kept. */
  async #programs(one: Case, own: Command, ways: readonly Way[]): Promise<Outcome> {
    const { repeats, withPeer, progress } = this.#options;
    const tried: { setting: string; milliseconds: number }[] = [];
    for (const { setting, command } of withPeer ? ways : []) {
      progress(setting);
      tried.push({ setting, milliseconds: await wallTime(command) });
    }
    const fastest = tried.toSorted((a, b) => a.milliseconds - b.milliseconds)[0]?.setting;
    const best = ways.find(({ setting }) => setting === fastest);
    const mine: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < repeats; round++) {
      progress(`round ${round + 1} of ${repeats}`);
      rmSync(path.join(this.#temporary, "runs"), { recursive: true, force: true });
      mine.push(await wallTime(own));
      if (best) theirs.push(await wallTime(best.command));
    }
    if (!best) return { ...outcome(one, mine), tried };
    return { ...outcome(one, mine, theirs), setting: best.setting, tried };
  }
}

/** A way to run one of the peer's programs. */
interface Way {
  readonly setting: string;
  readonly command: Command;
}

interface Runner {
  readonly side: Side;
  readonly key: string;
  readonly threads: number;
  readonly calls: number;
}

async function prepared(
  runner: Omit<Runner, "calls">,
  task: Task,
  variant: Setting["variant"],
): Promise<Runner> {
  const { side, key, threads } = runner;
  const warmUp = key.endsWith("naive") ? 1 : 4;
  const request = { operation: "prepare", key, task, variant, threads, warmUp } as const;
  const { milliseconds } = await side.demand(request);
  return { ...runner, calls: callsFor(milliseconds!) };
}

async function sampleOf({ side, key, threads, calls }: Runner): Promise<Answer> {
  await pause();
  return side.demand({ operation: "sample", key, calls, threads });
}

/** Warms a runner up; returns it with as many calls as now fill a sample. */
async function warmed(runner: Runner): Promise<Runner> {
  let found = runner;
  for (let spent = 0; spent < WARM_UP; ) {
    const { milliseconds } = await sampleOf(found);
    spent += milliseconds! * found.calls;
    found = { ...found, calls: callsFor(milliseconds!) };
  }
  return found;
}

function callsFor(milliseconds: number): number {
  return Math.max(1, Math.ceil(SAMPLE / milliseconds));
}

function inWords({ setting, ...rest }: Trial): Outcome["tried"][number] {
  return { setting: describe(setting), ...rest };
}

/** @param theirs the peer's samples from the same rounds, in the same order */
function outcome(one: Case, mine: number[], theirs?: number[]): Omit<Outcome, "tried"> {
  const { name, title, measure, target, native } = one;
  return {
    name,
    title,
    measure,
    unit: measure === "memory" ? "MB" : "ms",
    ours: summary(mine),
    ...(target !== undefined && { target }),
    ...(native !== undefined && { native }),
    ...(theirs && {
      peer: summary(theirs),
      ratio: summary(mine.map((each, i) => each / theirs[i]!)),
    }),
  };
}
