// Runs one WebAssembly kernel on blocks with guards around them, and checks that its numbers are right,
// nothing is written outside, nothing read outside matters, and the bits are the same however the work is
// split and on any number of threads.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after } from "node:test";
import { Engine, type Flavour, type Kernels } from "../../src/tensor/engine/engine.ts";
import { link } from "../../src/tensor/engine/link.ts";
import { type Block, Memory } from "../../src/tensor/engine/memory.ts";
import { Threads } from "../../src/tensor/engine/threads.ts";
import { chunkOf } from "../../src/tensor/engine/work.ts";
import { assertClose, assertSameBits, type Numbers } from "./support.ts";

export const FLAVOURS: readonly Flavour[] = ["simd", "fma"];

const engines = new Map<Flavour, Engine>();

export function engineOf(flavour: Flavour): Engine {
  const engine = engines.get(flavour) ?? new Engine(flavour, new Memory(2 ** 28));
  engines.set(flavour, engine);
  return engine;
}

const THREADS = [2, 3, 8];

/** How many chunks a pool was given, and how many of them this thread worked on itself. */
interface Pool {
  readonly threads: Threads;
  chunks: number;
  own: number;
}

const pools = new Map<string, Pool>();

/** Makes threads on the memory of engineOf(flavour). This thread is slowed, so that the others get their share. */
function poolOf(flavour: Flavour, count: number): Pool {
  const known = pools.get(`${flavour} ${count}`);
  if (known) return known;
  const memory = engineOf(flavour).memory.wasm;
  const file = new URL(`../../build/engine.${flavour}.wasm`, import.meta.url);
  const module = new WebAssembly.Module(readFileSync(file));
  const never = new Int32Array(new SharedArrayBuffer(4));
  const exports = Object.entries(link(module, memory)).map(([name, kernel]) => {
    if (typeof kernel !== "function") return [name, kernel] as const;
    const slow = (...args: number[]): void => {
      // Naps longer if this thread did most of the work: on a busy machine the others come late.
      const nap = pool.own > 0.5 * pool.chunks ? 50 : 1;
      pool.own++;
      Atomics.wait(never, 0, 0, nap);
      kernel(...args);
    };
    return [name, slow] as const;
  });
  const linked = { module, memory, exports: Object.fromEntries(exports) };
  const pool = { threads: new Threads(count - 1, linked), chunks: 0, own: 0 };
  pools.set(`${flavour} ${count}`, pool);
  return pool;
}

after(async () => {
  for (const [name, { threads, chunks, own }] of pools) {
    await threads.close();
    assert.ok(own < 0.7 * chunks, `${name}: ${own} of ${chunks} chunks were this thread's`);
  }
});

/** What an output must be, and how far off each element may be (0: exactly that float32). */
export interface Expected {
  readonly values: Numbers;
  readonly tolerance: number | Numbers;
}

export interface Trial {
  readonly title: string;
  readonly kernel: keyof Kernels;
  readonly units: number;
  /** Arrays that are only read. A kernel argument that is a name stands for the array's address. */
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  /** Words that are only read: a name stands for an array's address, a number for an integer. */
  readonly tables?: Readonly<Record<string, readonly (number | string)[]>>;
  /** Arrays that are written, with their contents before: numbers, or a size (then garbage). */
  readonly outputs: Readonly<Record<string, Float32Array | number>>;
  readonly args: readonly (number | string)[];
  readonly expected: Readonly<Record<string, Expected>>;
}

/** A quiet NaN that no arithmetic produces, to mark what was not written. */
const MARK = 0x7fc0dead;
/** Words before and after each array. */
const GUARD = 20;

interface Placed {
  readonly block: Block;
  readonly address: number;
  readonly words: Int32Array;
}

function place(engine: Engine, contents: Float32Array | Int32Array | number): Placed {
  const length = typeof contents === "number" ? contents : contents.length;
  const block = engine.memory.allocate((length + 2 * GUARD) * 4, "an array of a test");
  const whole = engine.memory.integers(block).fill(MARK);
  const words = whole.subarray(GUARD, GUARD + length);
  if (typeof contents !== "number") {
    words.set(new Int32Array(contents.buffer, contents.byteOffset, length));
  }
  return { block, address: block.address + GUARD * 4, words };
}

type Bits = Readonly<Record<string, Int32Array>>;

type Run = (args: number[]) => void;

/** Runs a trial on new arrays; returns what the outputs hold afterwards. */
function runOnce(engine: Engine, trial: Trial, run: Run): Bits {
  const all = { ...trial.inputs, ...trial.outputs };
  const placed = new Map(
    Object.entries(all).map(([name, contents]) => [name, place(engine, contents)]),
  );
  const resolved = (arg: number | string): number => {
    if (typeof arg === "number") return arg;
    const at = placed.get(arg);
    assert.ok(at, `${trial.title}: no array is named ${arg}`);
    return at.address;
  };
  const tables = Object.entries(trial.tables ?? {}).map(
    ([name, words]) => [name, Int32Array.from(words, resolved)] as const,
  );
  for (const [name, words] of tables) placed.set(name, place(engine, words));
  run(trial.args.map(resolved));
  for (const [name, { block }] of placed) {
    const whole = engine.memory.integers(block);
    for (const guard of [whole.subarray(0, GUARD), whole.subarray(-GUARD)]) {
      assert.ok(
        guard.every((word) => word === MARK),
        `${trial.title}: wrote outside of ${name}`,
      );
    }
  }
  for (const [name, contents] of [...Object.entries(trial.inputs), ...tables]) {
    const before = new Int32Array(contents.buffer, contents.byteOffset, contents.length);
    const same = placed.get(name)!.words.every((word, i) => word === before[i]);
    assert.ok(same, `${trial.title}: wrote to its input ${name}`);
  }
  const after = Object.fromEntries(
    Object.keys(trial.outputs).map((name) => [name, Int32Array.from(placed.get(name)!.words)]),
  );
  for (const { block } of placed.values()) engine.memory.release(block);
  return after;
}

/** Returns the bits that outputs hold before a run. */
function initial(contents: Float32Array | number): Int32Array {
  if (typeof contents === "number") return new Int32Array(contents).fill(MARK);
  return new Int32Array(contents.buffer, contents.byteOffset, contents.length);
}

/** Returns where to cut units 0 .. units - 1: at uneven places, with one unit by itself. */
function cuts(units: number): number[] {
  const places = [0, 1, 2, Math.floor(units / 3), Math.floor(units / 2) + 1, units - 1, units];
  return [...new Set(places.filter((at) => at >= 0 && at <= units))].sort((a, b) => a - b);
}

/** @throws AssertionError for a wrong number, a write outside, or bits that depend on the split */
export function check(flavour: Flavour, trial: Trial): void {
  const engine = engineOf(flavour);
  const range = (begin: number, end: number): Bits =>
    runOnce(engine, trial, (args) => engine.kernels[trial.kernel](begin, end, ...args));
  const whole = range(0, trial.units);
  for (const [name, { values, tolerance }] of Object.entries(trial.expected)) {
    const actual = new Float32Array(whole[name]!.buffer);
    assertClose(actual, values, tolerance, `${flavour}: ${trial.title}: ${name}`);
  }
  // Runs each range alone, on new arrays: it changes only its own part, and together they are the whole.
  const pieces = cuts(trial.units);
  const joined = Object.fromEntries(
    Object.entries(trial.outputs).map(([name, contents]) => [
      name,
      Int32Array.from(initial(contents)),
    ]),
  );
  const owner = new Map<string, number>();
  for (let piece = 0; piece + 1 < pieces.length; piece++) {
    const part = range(pieces[piece]!, pieces[piece + 1]!);
    for (const [name, contents] of Object.entries(trial.outputs)) {
      const before = initial(contents);
      for (const [i, word] of part[name]!.entries()) {
        if (word === before[i]) continue;
        const key = `${name}[${i}]`;
        assert.ok(!owner.has(key), `${flavour}: ${trial.title}: two ranges write ${key}`);
        owner.set(key, piece);
        joined[name]![i] = word;
      }
    }
  }
  for (const [name, words] of Object.entries(whole)) {
    const what = `${flavour}: ${trial.title}: ${name} in ranges cut at ${pieces}`;
    const [one, many] = [words, joined[name]!].map((w) => new Float32Array(w.buffer));
    assertSameBits(many!, one!, what);
  }
  for (const count of THREADS) onThreads(flavour, count, trial, whole);
}

function onThreads(flavour: Flavour, count: number, trial: Trial, whole: Bits): void {
  const { kernel, units } = trial;
  // One unit is one chunk, which this thread takes: it would only sleep on it.
  if (units < 2) return;
  const { memory } = engineOf(flavour);
  const pool = poolOf(flavour, count);
  const found = runOnce(engineOf(flavour), trial, (args) => {
    const splitting = { threads: count, smallestChunk: 0, memory };
    const chunk = chunkOf(kernel, units, args, splitting);
    pool.chunks += Math.ceil(units / chunk);
    pool.threads.run(kernel, units, chunk, args);
  });
  for (const [name, words] of Object.entries(whole)) {
    const what = `${flavour}: ${trial.title}: ${name} on ${count} threads`;
    const [one, many] = [words, found[name]!].map((w) => new Float32Array(w.buffer));
    assertSameBits(many!, one!, what);
  }
}
