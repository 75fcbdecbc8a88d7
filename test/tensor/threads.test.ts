// The engine's threads: traps, deaths, idling, memory growth, closing and restarting.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { Engine } from "../../src/tensor/engine/engine.ts";
import { Memory, OutOfMemoryError } from "../../src/tensor/engine/memory.ts";
import { KernelError } from "../../src/tensor/engine/threads.ts";
import { temporaryFolder } from "../training/small.ts";

const MIB = 2 ** 20;
const module = (name: string): string =>
  JSON.stringify(new URL(`../../src/tensor/engine/${name}`, import.meta.url).href);

/** Makes an engine that splits whatever can be split. */
function splitting(threads: number, limit = 256 * MIB): Engine {
  const engine = new Engine(undefined, new Memory(limit), threads);
  engine.smallestChunk = 0;
  return engine;
}

/** Doubles `size` numbers on the engine's threads. */
function doubled(engine: Engine, size: number): Float32Array {
  const [from, to] = [0, 1].map(() => engine.memory.allocate(size * 4, "numbers"));
  engine.memory.floats(from!).forEach((_, i, all) => {
    all[i] = i;
  });
  engine.run("scale", size, from!.address, to!.address, 2);
  const numbers = engine.memory.floats(to!).slice();
  for (const block of [from!, to!]) engine.memory.release(block);
  return numbers;
}

function assertDoubled(numbers: Float32Array): void {
  const wrong = numbers.findIndex((x, i) => x !== 2 * i);
  assert.equal(wrong, -1, `element ${wrong} of ${numbers.length} is ${numbers[wrong]}`);
}

describe("on 2 and 8 threads", () => {
  for (const threads of [2, 8]) {
    test(`${threads}: commands of all sizes in quick succession do not get mixed up`, async () => {
      const engine = splitting(threads);
      for (let turn = 0; turn < 4000; turn++) assertDoubled(doubled(engine, 17 + (turn % 301)));
      await engine.close();
    });

    test(`${threads}: a kernel that traps is an error at once, and the engine continues`, async () => {
      const engine = splitting(threads);
      const beyond = 2 ** 31;
      for (let turn = 0; turn < 3; turn++) {
        assertDoubled(doubled(engine, 5000));
        const began = process.cpuUsage();
        assert.throws(() => engine.run("scale", 5000, beyond, beyond, 2), {
          name: "KernelError",
          message: /kernel scale failed: memory access out of bounds; .* the engine continues/,
        });
        const { user, system } = process.cpuUsage(began);
        assert.ok(user + system < 1e6, `${user + system} us of processor time`);
      }
      assertDoubled(doubled(engine, 5000));
      await engine.close();
    });
  }
});

test("on one thread, a trap is the same error", () => {
  const engine = splitting(1);
  assert.throws(() => engine.run("scale", 5000, 2 ** 31, 2 ** 31, 2), KernelError);
  assertDoubled(doubled(engine, 5000));
});

test("threads see the memory grow, and failed growth harms none of them", async () => {
  const engine = splitting(3, 64 * MIB);
  assertDoubled(doubled(engine, 5000));
  // productTransposedA fills its output first, which checks the memory's size.
  for (let rows = 50; rows <= 1200; rows += 50) {
    const [a, c] = [rows * rows * 4, rows * 48 * 4].map((n) =>
      engine.memory.allocate(n, "a matrix"),
    );
    engine.memory.floats(a!).fill(1);
    engine.run("productTransposedA", rows, a!.address, a!.address, c!.address, 4, rows, 48, 1);
    assert.ok(
      engine.memory.floats(c!).every((x) => x === 4),
      `${rows} rows`,
    );
  }
  assert.throws(() => engine.memory.allocate(64 * MIB, "too much"), OutOfMemoryError);
  assertDoubled(doubled(engine, 5000));
  await engine.close();
});

test("results stay the same after threads are closed and restarted, with more or fewer of them", async () => {
  const engine = splitting(2);
  for (const threads of [2, 5, 1, 3, 3]) {
    engine.threads = threads;
    assert.equal(engine.threads, threads);
    assertDoubled(doubled(engine, 9000));
    await engine.close();
    assertDoubled(doubled(engine, 9000));
  }
  await engine.close();
});

/**
 * Runs a program in a separate process and returns what it prints last; `engine` has 3 threads,
 * `product(engine)` is an operator of about 100 ms. Nothing in it depends on time: it waits for thread
 * states, and if one never comes, the hang ends the program.
 * @param everywhere code that runs first in each of its threads
 */
async function program(
  folder: string,
  body: string,
  everywhere = "",
): Promise<Readonly<Record<string, unknown>>> {
  const [script, first] = [join(folder, "script.mjs"), join(folder, "everywhere.mjs")];
  writeFileSync(
    first,
    `import * as workers from "node:worker_threads";
     import { existsSync, writeFileSync } from "node:fs";
     import { CommandBlock, IDLE, RUNNING } from ${module("command.ts")};
     const blockOf = ({ threads, buffer }) => new CommandBlock(threads, buffer);
     const marker = ${JSON.stringify(join(folder, "marker"))};
     /** In the keeper: calls back with the second thread and its number once it is in a state. */
     const once = (wanted, then) => {
       const block = blockOf(workers.workerData);
       const threads = [];
       process.on("worker", (thread) => threads.push(thread));
       const timer = setInterval(() => {
         if (block.state(1) !== wanted) return;
         clearInterval(timer);
         then(threads[1]);
       }, 2);
       timer.unref();
     };
     ${everywhere}`,
  );
  writeFileSync(
    script,
    `import { existsSync } from "node:fs";
     import { Worker, isMainThread } from "node:worker_threads";
     import { CommandBlock, DEAD, STARTING } from ${module("command.ts")};
     import { Engine } from ${module("engine.ts")};
     import { Memory } from ${module("memory.ts")};
     const engine = new Engine(undefined, new Memory(), 3);
     const n = 700, bytes = n * n * 4;
     const [a, b, c] = [1, 2, 3].map(() => engine.memory.allocate(bytes, "a matrix"));
     engine.memory.floats(a).fill(1);
     engine.memory.floats(b).fill(0.5);
     const product = () => {
       engine.run("product", n, a.address, b.address, c.address, n, n, 1, 0, 0, 0, 0);
       return engine.memory.floats(c).every((x) => x === n / 2);
     };
     const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
     const say = (what) => console.log(JSON.stringify(what));
     const marker = ${JSON.stringify(join(folder, "marker"))};
     /** The block of the last command, by its number. */
     let block;
     const add = Atomics.add;
     Atomics.add = (words, at, value) => {
       if (block?.buffer !== words.buffer) block = new CommandBlock(2, words.buffer);
       return add(words, at, value);
     };
     const states = () => [0, 1].map((thread) => block.state(thread));
     const until = async (ready) => { while (!ready(states())) await sleep(2); };
     const started = () => until((all) => !all.includes(STARTING));
     /** Runs operators until one fails, but at most so many. */
     const untilError = (most = Infinity) => {
       for (let turn = 0; turn < most; turn++) {
         const began = process.cpuUsage();
         try { product(); } catch ({ name, message }) {
           const { user, system } = process.cpuUsage(began);
           return { name, message, took: (user + system) / 1000 };
         }
       }
     };
     ${body}`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", first, script], {
    timeout: 60_000,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("idle threads use no processor time and let the process end", async (t) => {
  const { right, share } = await program(
    temporaryFolder(t),
    `const right = product() && (await started(), product());
     await sleep(1000);
     const before = process.cpuUsage();
     await sleep(1000);
     const { user, system } = process.cpuUsage(before);
     say({ right, share: (user + system) / 1e6 });`,
  );
  assert.equal(right, true);
  assert.ok(Number(share) < 0.01, `${(100 * Number(share)).toFixed(2)} % of a core`);
});

test("the engine works in a worker thread, and ends with it", async (t) => {
  const inside = await program(
    temporaryFolder(t),
    `if (isMainThread) {
       const worker = new Worker(new URL(import.meta.url));
       let right;
       worker.on("message", (message) => { right = message; });
       worker.on("exit", (code) => say({ right, code }));
     } else {
       const right = product() && (await sleep(300), product());
       (await import("node:worker_threads")).parentPort.postMessage(right);
     }`,
  );
  assert.deepEqual(inside, { right: true, code: 0 });
});

// The keeper has the block's buffer but no index; threads have both.
const IN_KEEPER = "workers.workerData?.buffer && workers.workerData.index === undefined";
const IN_THREAD = "workers.workerData?.index === 1";
/** In the keeper that will lose a thread, not in the one after it. */
const IN_FIRST_KEEPER = `${IN_KEEPER} && !process.env.SPARED`;

describe("a thread that dies in the middle of an operator", () => {
  for (const [how, everywhere, reason] of [
    [
      "terminated",
      // A thread that is at rest by then is replaced, by a keeper that does the same.
      `if (${IN_FIRST_KEEPER}) once(RUNNING, (thread) => thread.terminate());`,
      /it ended with code 1/,
    ],
    [
      "by process.exit",
      `if (${IN_THREAD}) {
         const add = Atomics.add;
         let left = 9;
         Atomics.add = (...args) => {
           if (args[1] === 1 && --left === 0) process.exit(7);
           return add(...args);
         };
       }`,
      /it ended with code 7/,
    ],
    [
      "by an exception",
      `if (${IN_THREAD}) {
         const add = Atomics.add;
         let left = 9;
         Atomics.add = (...args) => {
           if (args[1] === 1 && --left === 0) throw new Error("no more");
           return add(...args);
         };
       }`,
      /no more/,
    ],
  ] as const) {
    test(`${how}: an error within a second, then the engine continues`, async (t) => {
      const { error, right } = await program(
        temporaryFolder(t),
        `const error = untilError();
         process.env.SPARED = "1";
         say({ error, right: product() });`,
        everywhere,
      );
      const { name, message, took } = error as { name: string; message: string; took: number };
      assert.equal(name, "KernelError");
      assert.match(message, reason);
      // The operator itself takes time too.
      assert.ok(took < 2500, `${took} ms of processor time`);
      assert.equal(right, true);
    });
  }

  test("their keeper terminated: no hang, and the engine continues", async (t) => {
    const { rights, most } = await program(
      temporaryFolder(t),
      `let keeper;
       process.on("worker", (worker) => { keeper = worker; });
       const rights = [];
       let most = 0;
       for (let turn = 0; turn < 5; turn++) {
         product();
         await started();
         const ended = keeper.terminate();
         const began = process.cpuUsage();
         try { rights.push(product()); } catch (error) { rights.push(error.name); }
         const { user, system } = process.cpuUsage(began);
         most = Math.max(most, user + system);
         // On a busy machine the end may come this late.
         await ended;
         rights.push(product());
       }
       say({ rights, most });`,
    );
    for (const [i, right] of (rights as unknown[]).entries()) {
      assert.ok(right === true || (i % 2 === 0 && right === "KernelError"), `${i}: ${right}`);
    }
    assert.ok(Number(most) < 4e6, `${most} us of processor time`);
  });
});

test("threads that cannot start are an error that says how to do without them", async (t) => {
  const { error } = await program(
    temporaryFolder(t),
    "const error = untilError(); say({ error });",
    `if (${IN_THREAD}) throw new Error("no room for me");`,
  );
  const { message } = error as { message: string };
  assert.match(message, /could not start: no room for me; set ABKD_THREADS=1 to do without/);
});

test("a thread that dies at rest loses nothing: another replaces it, without an error", async (t) => {
  const { right, error } = await program(
    temporaryFolder(t),
    `product();
     await until((all) => all.includes(DEAD));
     process.env.SPARED = "1";
     const error = untilError(20);
     say({ right: product(), error: error ?? null });`,
    `if (${IN_FIRST_KEEPER}) once(IDLE, (thread) => thread.terminate());`,
  );
  assert.deepEqual({ right, error }, { right: true, error: null });
});

test("a keeper that does not answer for seconds counts as alive: its threads are waited for", async (t) => {
  const { right, error } = await program(
    temporaryFolder(t),
    `let error;
     while (!error && !existsSync(marker)) error = untilError(1);
     say({ right: product(), error: error ?? null });`,
    `const stall = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
     if (${IN_KEEPER}) once(RUNNING, () => stall(2500));
     if (${IN_THREAD}) {
       const add = Atomics.add;
       Atomics.add = (...args) => {
         if (args[1] === 1 && !existsSync(marker)) {
           writeFileSync(marker, "");
           stall(2000);
         }
         return add(...args);
       };
     }`,
  );
  assert.deepEqual({ right, error }, { right: true, error: null });
});
