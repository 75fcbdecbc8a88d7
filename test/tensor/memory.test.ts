// The engine's memory: blocks, their reuse, running out of memory, and blocks that nothing refers to any more.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../src/base/errors.ts";
import { randomStream } from "../../src/graph/random.ts";
import { Backend } from "../../src/tensor/engine/backend.ts";
import { Engine } from "../../src/tensor/engine/engine.ts";
import { type Block, Memory } from "../../src/tensor/engine/memory.ts";
import {
  BACKEND,
  freeDropped,
  memory,
  OutOfMemoryError,
  SparseMatrix,
  startEngine,
} from "../../src/tensor/index.ts";
import { numbers, randomSparse } from "./support.ts";

const MIB = 2 ** 20;

before(() => {
  startEngine();
});

/** Where a kill may cut a change of the memory accounting: before or after any call of a built-in function. */
const BUILT_IN: readonly [object: object, name: string][] = [
  [Array.prototype, "at"],
  [Array.prototype, "pop"],
  [Array.prototype, "push"],
  [Map.prototype, "get"],
  [Map.prototype, "set"],
  [Math, "max"],
  [FinalizationRegistry.prototype, "register"],
  [FinalizationRegistry.prototype, "unregister"],
];

/** Runs `work` and cuts it at its n-th call of a built-in function, before or after the call. */
function cutAt(nth: number, after: boolean, work: () => void): boolean {
  let calls = 0;
  const mended = BUILT_IN.map(([object, name]) => {
    const whole = Reflect.get(object, name) as (...args: unknown[]) => unknown;
    const replacement = function (this: unknown, ...args: unknown[]): unknown {
      const mine = calls++ === nth;
      if (mine && !after) throw new Error("killed");
      const result = Reflect.apply(whole, this, args);
      if (mine) throw new Error("killed");
      return result;
    };
    Reflect.set(object, name, replacement);
    return (): boolean => Reflect.set(object, name, whole);
  });
  try {
    work();
    return false;
  } catch (error) {
    if ((error as Error).message !== "killed") throw error;
    return true;
  } finally {
    for (const mend of mended) mend();
  }
}

describe("a change of the memory accounting that a kill cuts short, in any call that it makes", () => {
  const owner = (): object => ({});
  /** Makes blocks of two sizes and releases some, so that both kinds of places exist. */
  const fresh = (): { memory: Memory; kept: [Block, object][] } => {
    const memory = new Memory(4 * MIB);
    const kept = Array.from({ length: 6 }, (_, k): [Block, object] => {
      const mine = owner();
      return [memory.allocate(k < 3 ? 100 : 5000, "a block", mine), mine];
    });
    for (const [block, mine] of [kept[1]!, kept[4]!]) memory.release(block, mine);
    return { memory, kept: kept.filter((_, k) => k !== 1 && k !== 4) };
  };
  const countsOf = (memory: Memory) => {
    const { used, free, blocks } = memory.use();
    return { used, free, blocks };
  };

  for (const after of [false, true]) {
    const where = after ? "after" : "before";
    for (const bytes of [100, 5000, 70_000]) {
      test(`a block of ${bytes} bytes that was never handed out is free (${where} the call)`, () => {
        let cuts = 0;
        for (let nth = 0; ; nth++) {
          const { memory, kept } = fresh();
          const before = countsOf(memory);
          if (!cutAt(nth, after, () => memory.allocate(bytes, "a block", owner()))) break;
          cuts++;
          memory.mend();
          assert.deepEqual(countsOf(memory), before, `call ${nth}`);
          assertApart([...kept.map(([block]) => block), ...several(memory)]);
        }
        assert.ok(cuts >= 3, `${cuts} calls`);
      });
    }

    test(`a block that was being released is free, once (${where} the call)`, () => {
      let cuts = 0;
      for (let nth = 0; ; nth++) {
        const { memory, kept } = fresh();
        const [block, mine] = kept[0]!;
        const { used, blocks } = memory.use();
        if (!cutAt(nth, after, () => memory.release(block, mine))) break;
        cuts++;
        memory.mend();
        // If cut before the first write, nothing has changed: its owner releases it.
        memory.release(block, mine);
        assert.equal(memory.use().used, used - block.capacity, `call ${nth}`);
        assert.equal(memory.use().blocks, blocks - 1, `call ${nth}`);
        assertApart([...kept.slice(1).map(([other]) => other), ...several(memory)]);
      }
      assert.ok(cuts >= 3, `${cuts} calls`);
    });
  }

  /** Takes the next blocks, of both sizes. */
  function several(memory: Memory): Block[] {
    return [100, 100, 100, 5000, 5000, 70_000].map((bytes) => memory.allocate(bytes, "a block"));
  }

  function assertApart(blocks: readonly Block[]): void {
    const sorted = blocks.toSorted((a, b) => a.address - b.address);
    for (const [k, { address, capacity }] of sorted.entries()) {
      const next = sorted[k + 1]?.address ?? Number.POSITIVE_INFINITY;
      assert.ok(address + capacity <= next, "two blocks overlap");
    }
  }
});

describe("blocks", () => {
  test("sizes are rounded up by at most a quarter, and addresses are multiples of 16", () => {
    const memory = new Memory(64 * MIB);
    for (const bytes of [0, 1, 4, 47, 48, 49, 64, 100, 1000, 4096, 65_536, 65_537, 1_000_001]) {
      const { address, capacity } = memory.allocate(bytes, "a block");
      // 16 bytes are kept free after each block, for vectors that read past its end.
      assert.ok(capacity >= bytes + 16, `${bytes} bytes got ${capacity}`);
      assert.ok(capacity <= Math.max(64, 1.25 * (bytes + 16)), `${bytes} bytes got ${capacity}`);
      assert.equal(address % 16, 0);
    }
  });

  test("a large block loses at most a 32nd part", () => {
    const memory = new Memory(256 * MIB);
    for (const bytes of [16 * MIB, 16 * MIB + 1, 17_000_000, 33 * MIB, 70_000_001]) {
      const { address, capacity } = memory.allocate(bytes, "a block");
      assert.ok(capacity >= bytes + 16, `${bytes} bytes got ${capacity}`);
      assert.ok(capacity <= (1 + 1 / 32) * (bytes + 16), `${bytes} bytes got ${capacity}`);
      assert.equal(address % 16, 0);
    }
  });

  test("blocks in use never overlap, whatever is allocated and released", () => {
    const memory = new Memory(64 * MIB);
    const random = randomStream(1);
    const live = new Map<Block, number>();
    for (let turn = 0; turn < 3000; turn++) {
      if (live.size > 0 && random.uniform() < 0.45) {
        const [block, mark] = [...live][random.below(live.size)]!;
        const found = memory.integers(block).every((word) => word === mark);
        assert.ok(found, `block ${mark} was written to`);
        live.delete(block);
        memory.release(block);
      } else {
        const block = memory.allocate(4 * random.below(2 ** random.below(12)), "a block");
        memory.integers(block).fill(turn);
        live.set(block, turn);
      }
      const { blocks, used, peak } = memory.use();
      assert.equal(blocks, live.size);
      assert.equal(
        used,
        [...live.keys()].reduce((sum, { capacity }) => sum + capacity, 0),
      );
      assert.ok(peak >= used);
    }
  });

  test("a released block is used for the next request of its size", () => {
    const memory = new Memory(64 * MIB);
    const first = memory.allocate(1000, "a block");
    memory.release(first);
    assert.equal(memory.use().free, first.capacity);
    const second = memory.allocate(1001, "a block");
    assert.equal(second.address, first.address);
    const { used, free, peak, blocks } = memory.use();
    assert.deepEqual(
      { used, free, peak, blocks },
      { used: first.capacity, free: 0, peak: first.capacity, blocks: 1 },
    );
  });

  test("views stay valid while the memory grows", () => {
    const memory = new Memory(64 * MIB);
    const view = memory.floats(memory.allocate(400, "a block"));
    view.fill(3);
    const reserved = memory.use().reserved;
    memory.floats(memory.allocate(32 * MIB, "a large block")).fill(7);
    assert.ok(memory.use().reserved > reserved);
    assert.ok(view.every((x) => x === 3));
  });
});

describe("running out of memory", () => {
  const small = (): Backend => new Backend(new Engine(undefined, new Memory(4 * MIB)));

  test("the error names the shape, the bytes, the use and what to do", () => {
    const backend = small();
    backend.allocate([500, 1000]);
    const before = backend.engine.memory.use();
    assert.throws(
      () => backend.allocate([1000, 1024]),
      (error: Error) => {
        assert.ok(error instanceof OutOfMemoryError && error instanceof UserError);
        assert.match(error.message, /a tensor of shape \[1000, 1024\]/);
        assert.match(error.message, /needs 3\.9 MiB/);
        assert.match(error.message, /2\.0 MiB of the engine's 4\.0 MiB/);
        assert.match(error.message, /tf\.tidy.*freeDropped\(\)/);
        return true;
      },
    );
    assert.deepEqual(backend.engine.memory.use(), before, "the failed request took nothing");
    backend.allocate([10, 10]);
  });

  test("disposed memory can be used again, by smaller tensors too", () => {
    const backend = small();
    const large = backend.allocate([800, 1024]);
    assert.throws(() => backend.allocate([500, 1024]), OutOfMemoryError);
    const address = backend.address(large);
    backend.disposeData(large.dataId);
    const smaller = backend.allocate([500, 1024]);
    assert.equal(backend.address(smaller), address);
    backend.disposeData(smaller.dataId);
    // The whole of the larger block came back, not only what the smaller tensor needed.
    assert.equal(backend.address(backend.allocate([800, 1024])), address);
  });
});

describe("data that callers hold", () => {
  test("dataSync() and data() are copies, of floats and of integers", async () => {
    const [x, n] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 2, 3], "int32")];
    for (const tensor of [x, n]) {
      tensor.dataSync().fill(9);
      (await tensor.data()).fill(9);
      assert.deepEqual([...tensor.dataSync()], [1, 2, 3]);
    }
    const held = x.dataSync();
    tf.dispose([x, n]);
    tf.tidy(() => void Array.from({ length: 20 }, () => tf.fill([3], 5)));
    assert.deepEqual([...held], [1, 2, 3], "the copy outlives its tensor");
  });

  test("a tensor does not change with the array that it was made from", () => {
    const values = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(values);
    values.fill(0);
    assert.deepEqual([...x.dataSync()], [1, 2, 3]);
    x.dispose();
  });

  test("clones and reshapes share numbers, which the last of them frees", () => {
    const blocks = memory().blocks;
    const x = tf.tensor2d(numbers(12, 1), [3, 4]);
    const others = [x.clone(), tf.reshape(x, [12]), tf.expandDims(x, 0)];
    assert.equal(memory().blocks, blocks + 1);
    const expected = [...x.dataSync()];
    x.dispose();
    for (const other of others) {
      assert.deepEqual([...other.dataSync()], expected);
      other.dispose();
    }
    assert.equal(memory().blocks, blocks);
  });

  test("a sparse matrix releases all its blocks", () => {
    const blocks = memory().blocks;
    const matrix = SparseMatrix.from(randomSparse(20, 30, 1));
    for (const form of [matrix, matrix.transposed().matrix]) {
      assert.equal(form.values.floats.length, form.nonzeros);
      for (const rows of [form.productRows(), form.rowsAsTheyLie(), form.convolutionRows()]) {
        assert.equal(rows.values.floats.length, form.nonzeros);
      }
    }
    assert.equal(matrix.productPosition().integers.length, matrix.nonzeros);
    // Two matrices, each with one compressed form and three narrow ones, and two lists of positions.
    assert.equal(memory().blocks, blocks + 2 * (3 + 3 * 4) + 2);
    matrix.dispose();
    assert.equal(memory().blocks, blocks);
  });
});

test("freeDropped() frees what nothing refers to, and nothing else", async () => {
  await freeDropped();
  const before = memory();
  const kept = tf.tensor2d(numbers(5000, 3), [50, 100]);
  /** Makes a matrix of three blocks in the engine's memory, and one more for the transpose's positions. */
  const sparse = (size: number, seed: number): SparseMatrix => {
    const matrix = SparseMatrix.from(randomSparse(size, size, seed));
    assert.equal(matrix.values.floats.length, matrix.nonzeros);
    return matrix;
  };
  const keptMatrix = sparse(40, 4);
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(numbers(1000, 5))));
  const held = memory().blocks;
  // In a separate function, so that no variable of this test still refers to any of them.
  (() => {
    for (let i = 0; i < 50; i++) tf.tensor2d(numbers(10_000, i), [100, 100]);
    for (let i = 0; i < 5; i++) sparse(100, i).transposed();
  })();
  assert.equal(memory().blocks, held + 50 + 5 * 4);
  const freed = await freeDropped();
  assert.ok(freed >= 50 * 40_000, `${freed} bytes were freed`);
  assert.equal(memory().blocks, held);
  // What was freed is used again, and what was kept still has its numbers.
  tf.tidy(() => void Array.from({ length: 60 }, () => tf.fill([100, 100], -1)));
  assert.deepEqual(kept.dataSync(), numbers(5000, 3));
  assert.deepEqual(variable.dataSync(), numbers(1000, 5));
  assert.equal(await freeDropped(), 0);
  kept.dispose();
  keptMatrix.dispose();
  variable.dispose();
  assert.equal(memory().blocks, before.blocks);
  assert.equal(memory().used, before.used);
});

describe("starting", () => {
  /** Runs a program beside this file with other environment variables. */
  const run = (program: string, env: Record<string, string>) =>
    spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      env: { ...process.env, ...env },
    });

  test("a second start only makes the back end current again", () => {
    const x = tf.tensor1d([1, 2]);
    const first = startEngine();
    tf.setBackend("cpu");
    assert.deepEqual(startEngine(), first);
    assert.equal(tf.getBackend(), BACKEND);
    assert.deepEqual([...tf.add(x, x).dataSync()], [2, 4]);
  });

  const use = `
    import * as tf from "@tensorflow/tfjs";
    import { startEngine } from "../../src/tensor/index.ts";
    const { flavour } = startEngine();
    const n = tf.tensor1d([1, 2], "int32");
    console.log(flavour, tf.getBackend(), tf.add(n, tf.topk(tf.tensor1d([3, 4]), 1).values).dataSync().join());
  `;

  test("the start prints nothing", () => {
    const { stdout, stderr, status } = run(use, {});
    assert.deepEqual([stderr, status], ["", 0]);
    assert.match(stdout, /^(fma|simd) abkd 5,6\n$/);
  });

  test("ABKD_FLAVOUR chooses the flavour, and only fma and simd are accepted", () => {
    assert.equal(run(use, { ABKD_FLAVOUR: "simd" }).stdout, "simd abkd 5,6\n");
    const { stderr, status } = run(use, { ABKD_FLAVOUR: "sse" });
    assert.notEqual(status, 0);
    assert.match(stderr, /ABKD_FLAVOUR is sse/);
  });
});
