// An operator that is killed while threads work on it: nobody writes to its memory afterwards.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomStream } from "../../src/graph/random.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { Notebook } from "./notebook.ts";

const KILLS = 25;
/** The product of two such matrices takes tens of milliseconds. */
const SIZE = 600;

const notebook = new Notebook(/Threads\.run/);
startEngine("wasm", { threads: 3 });
const { engine } = runningBackend();

after(async () => {
  await engine.close();
  await notebook.close();
});

test("after each of 25 kills in the middle of a product, threads leave its blocks alone", async () => {
  const { memory } = engine;
  const matrix = () => memory.allocate(SIZE * SIZE * 4, "a matrix");
  const [a, b] = [matrix(), matrix()];
  let c = matrix();
  for (const block of [a, b]) memory.floats(block).fill(1);
  const product = (): void => {
    engine.run("product", SIZE, a.address, b.address, c.address, SIZE, SIZE, 1, 0, 0, 0, 0, 0);
  };
  Object.assign(globalThis, { product });
  product();
  await sleep(300);
  const random = randomStream(1);
  for (let kill = 0; kill < KILLS; kill++) {
    const how = await notebook.cell("while (true) product();", 60 * random.uniform());
    assert.equal(how, "interrupted");
    // As the collector would give it back, and the next operator take it.
    memory.release(c);
    c = matrix();
    const words = memory.floats(c).fill(7);
    await sleep(40);
    assert.equal(
      words.findIndex((x) => x !== 7),
      -1,
      `kill ${kill}: a thread still wrote`,
    );
    product();
    assert.equal(
      words.findIndex((x) => x !== SIZE),
      -1,
      `kill ${kill}: the next product`,
    );
  }
});
