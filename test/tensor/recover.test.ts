// An interrupt in the middle of tfjs's bookkeeping: its counts are the same as before, wherever it was cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { recover, watchTensors } from "../../src/tensor/engine/recover.ts";
import { startEngine } from "../../src/tensor/index.ts";

startEngine("wasm");
watchTensors();

type Call = (...args: unknown[]) => unknown;
interface Books {
  readonly state: {
    readonly tensorInfo: Record<"has" | "set", Call>;
    readonly scopeStack: unknown;
  };
  track: Call;
  addTapeNode: Call;
  startTape(): void;
  startScope(): void;
  endScope(result: unknown): void;
}
const books = tf.engine() as unknown as Books;

/** Cuts the call short at a method's n-th call from now, as a kill does. */
function cut<K extends string>(
  object: Record<K, Call>,
  method: K,
  nth: number,
  after = false,
): () => void {
  const whole = object[method];
  let runs = 0;
  object[method] = function (this: unknown, ...args: unknown[]) {
    const mine = ++runs === nth;
    if (mine && !after) throw new Error("killed");
    const result = whole.apply(this, args);
    if (mine) throw new Error("killed");
    return result;
  };
  return () => {
    object[method] = whole;
  };
}

const { tensorInfo } = books.state;
const PLACES: Readonly<Record<string, () => () => void>> = {
  "before anything is counted": () => cut(tensorInfo, "has", 1),
  "between the counts of tensors and of data": () => cut(tensorInfo, "has", 2),
  "between the count of data and its entry": () => cut(tensorInfo, "set", 1),
  "before the scope has it": () => cut(books as unknown as Record<"track", Call>, "track", 1),
};

const counts = () => {
  const { numTensors, numBytes, numDataBuffers } = tf.memory();
  return { numTensors, numBytes, numDataBuffers };
};

for (const [place, cutThere] of Object.entries(PLACES)) {
  for (const scopes of [0, 2]) {
    test(`cut ${place}, ${scopes} scopes deep`, () => {
      const kept = tf.tensor1d([1, 2]);
      const before = counts();
      for (let depth = 0; depth < scopes; depth++) books.startScope();
      const mend = cutThere();
      assert.throws(() => tf.tensor1d([3, 4, 5]), /killed/);
      mend();
      recover(runningBackend());
      assert.deepEqual(counts(), before);
      assert.deepEqual([...kept.dataSync()], [1, 2]);
      kept.dispose();
    });
  }
}

const stack = books.state.scopeStack as unknown as Record<"pop", Call>;
const ENDS: Readonly<Record<string, () => () => void>> = {
  "before the scope is left": () => cut(stack, "pop", 1),
  "after the scope is left": () => cut(stack, "pop", 1, true),
  "before the scope around it has the result": () =>
    cut(books as unknown as Record<"track", Call>, "track", 1),
};

for (const [place, cutThere] of Object.entries(ENDS)) {
  for (const scopes of [0, 1]) {
    test(`cut as a scope ends, ${place}, ${scopes} around it`, () => {
      const kept = tf.tensor1d([1, 2]);
      const before = counts();
      for (let depth = 0; depth < scopes; depth++) books.startScope();
      if (scopes > 0) tf.tensor1d([7]);
      books.startScope();
      const result = tf.tensor1d([3, 4, 5]);
      const mend = cutThere();
      assert.throws(() => books.endScope({ result, kept }), /killed/);
      mend();
      recover(runningBackend());
      assert.deepEqual(counts(), before);
      assert.deepEqual([...kept.dataSync()], [1, 2]);
      kept.dispose();
    });
  }
}

test("cut while a variable takes new numbers: both it and the tensor that gave them have them", () => {
  const variable = tf.variable(tf.tensor1d([1, 2]));
  const next = tf.tensor1d([3, 4]);
  const before = counts();
  // The old numbers are looked up first, then the new ones by our watch, then by tfjs.
  const mend = cut(tensorInfo, "has", 3);
  assert.throws(() => variable.assign(next), /killed/);
  mend();
  recover(runningBackend());
  assert.deepEqual([...variable.dataSync()], [3, 4]);
  variable.assign(tf.tensor1d([5, 6]));
  assert.deepEqual([...next.dataSync()], [3, 4]);
  assert.equal(counts().numTensors, before.numTensors + 1);
  tf.dispose([variable, next]);
});

/** An operator that saves `count` tensors for its gradient. */
function saving(count: number, x: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save(Array.from({ length: count }, (_, k) => tf.add(input, k)));
    return { value: tf.neg(input), gradFunc: (dy: tf.Tensor) => tf.neg(dy) };
  });
  return op(x);
}

for (const saved of [1, 2, 3]) {
  test(`cut between an operator's end and its tape node, ${saved} tensors saved: all are freed`, () => {
    const x = tf.tensor1d([1, 2]);
    const before = counts();
    books.startTape();
    books.startScope();
    saving(3, x);
    // Each saved copy has its own tape node; the operator's comes last.
    const mend = cut(books as unknown as Record<"addTapeNode", Call>, "addTapeNode", saved + 1);
    assert.throws(() => saving(saved, x), /killed/);
    mend();
    recover(runningBackend());
    assert.deepEqual(counts(), before);
    x.dispose();
  });
}
