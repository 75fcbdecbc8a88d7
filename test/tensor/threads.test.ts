// The engine's threads: traps, deaths, idleness, growth, closing and opening again.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { Engine } from "../../src/tensor/engine.ts";
import { Memory, OutOfMemoryError } from "../../src/tensor/memory.ts";
import { KernelError } from "../../src/tensor/threads.ts";
import { temporaryFolder } from "../training/small.ts";

const MIB = 2 ** 20;
const module = (name: string): string =>
  JSON.stringify(new URL(`../../src/tensor/${name}`, import.meta.url).href);

/** An engine that splits whatever can be split. */
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
    test(`${threads}: commands of all sizes in quick succession do not mix`, async () => {
      const engine = splitting(threads);
      for (let turn = 0; turn < 4000; turn++) assertDoubled(doubled(engine, 17 + (turn % 301)));
      await engine.close();
    });

    test(`${threads}: a kernel that traps is an error at once, and the engine goes on`, async () => {
      const engine = splitting(threads);
      const beyond = 2 ** 31;
      for (let turn = 0; turn < 3; turn++) {
        assertDoubled(doubled(engine, 5000));
        const began = performance.now();
        assert.throws(() => engine.run("scale", 5000, beyond, beyond, 2), {
          name: "KernelError",
          message: /kernel scale failed: memory access out of bounds; .* the engine goes on/,
        });
        assert.ok(performance.now() - began < 1000);
      }
      assertDoubled(doubled(engine, 5000));
      await engine.close();
    });
  }
});

test("on one thread a trap is the same error", () => {
  const engine = splitting(1);
  assert.throws(() => engine.run("scale", 5000, 2 ** 31, 2 ** 31, 2), KernelError);
  assertDoubled(doubled(engine, 5000));
});

test("threads see the memory grow, and a growth that fails harms none of them", async () => {
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

test("closed and opened again, with more threads or fewer, results stay the same", async () => {
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
 * Runs a program in a process of its own; `engine` is one of 3 threads, `product(engine)` an operator
 * of some 100 ms. What it prints last is returned.
 * @param everywhere runs first in each of its threads
 */
async function program(
  folder: string,
  body: string,
  everywhere = "",
): Promise<Readonly<Record<string, unknown>>> {
  const [script, first] = [join(folder, "script.mjs"), join(folder, "everywhere.mjs")];
  writeFileSync(first, `import * as workers from "node:worker_threads";\n${everywhere}`);
  writeFileSync(
    script,
    `import { Worker, isMainThread } from "node:worker_threads";
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
     /** Runs operators until one fails or the time is over. */
     const untilError = (milliseconds) => {
       for (const end = performance.now() + milliseconds; performance.now() < end; ) {
         const began = performance.now();
         try { product(); } catch (error) {
           return { name: error.name, message: error.message, took: performance.now() - began };
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

test("idle threads take no processor time and let the process end", async (t) => {
  const { right, share } = await program(
    temporaryFolder(t),
    `const right = product() && (await sleep(300), product());
     await sleep(1000);
     const before = process.cpuUsage();
     await sleep(1000);
     const { user, system } = process.cpuUsage(before);
     say({ right, share: (user + system) / 1e6 });`,
  );
  assert.equal(right, true);
  assert.ok(Number(share) < 0.01, `${(100 * Number(share)).toFixed(2)} % of a core`);
});

test("in a worker thread, and ended with it", async (t) => {
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

// The keeper has the threads, and they have their numbers.
const IN_KEEPER = "workers.workerData?.buffer && workers.workerData.index === undefined";
const IN_THREAD = "workers.workerData?.index === 1";

describe("a thread that dies in the middle of an operator", () => {
  for (const [how, everywhere, reason] of [
    [
      "terminated",
      `if (${IN_KEEPER}) process.on("worker", (w) => setTimeout(() => w.terminate(), 900));`,
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
    test(`${how}: an error within a second, then the engine goes on`, async (t) => {
      const { error, right } = await program(
        temporaryFolder(t),
        `const error = untilError(8000);
         say({ error, right: product() });`,
        everywhere,
      );
      const { name, message, took } = error as { name: string; message: string; took: number };
      assert.equal(name, "KernelError");
      assert.match(message, reason);
      // The operator itself takes its time, too.
      assert.ok(took < 2500, `${took} ms`);
      assert.equal(right, true);
    });
  }

  test("their keeper terminated: no hang, and the engine goes on", async (t) => {
    const { rights, slowest } = await program(
      temporaryFolder(t),
      `let keeper;
       process.on("worker", (worker) => { keeper = worker; });
       const rights = [];
       let slowest = 0;
       for (let turn = 0; turn < 5; turn++) {
         product();
         await sleep(300);
         void keeper.terminate();
         const began = performance.now();
         try { rights.push(product()); } catch (error) { rights.push(error.name); }
         slowest = Math.max(slowest, performance.now() - began);
         rights.push(product());
       }
       say({ rights, slowest });`,
    );
    for (const [i, right] of (rights as unknown[]).entries()) {
      // A keeper that had not even started its threads is an error of another name.
      const known = ["KernelError", "Error"].includes(String(right));
      assert.ok(right === true || (i % 2 === 0 && known), `${i}: ${right}`);
    }
    assert.ok(Number(slowest) < 4000, `${slowest} ms`);
  });
});

test("threads that cannot start are an error that says how to do without", async (t) => {
  const { error } = await program(
    temporaryFolder(t),
    "const error = untilError(8000); say({ error });",
    `if (${IN_THREAD}) throw new Error("no room for me");`,
  );
  const { message } = error as { message: string };
  assert.match(message, /could not start: no room for me; with ABKD_THREADS=1 the engine does/);
});

test("a thread that dies at rest has lost nothing: another takes its place, without an error", async (t) => {
  const { right, error } = await program(
    temporaryFolder(t),
    `product();
     await sleep(1500);
     const error = untilError(500);
     say({ right: product(), error: error ?? null });`,
    `if (${IN_KEEPER} && workers.threadId < 4) {
       process.on("worker", (w) => setTimeout(() => w.terminate(), 900));
     }`,
  );
  assert.deepEqual({ right, error }, { right: true, error: null });
});
