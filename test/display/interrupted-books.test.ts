// The memory's books where real kills land in nothing but them: no block is lost, none is given twice.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { randomStream } from "../../src/graph/random.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { freeDropped, memory, startEngine } from "../../src/tensor/index.ts";
import { Notebook } from "./notebook.ts";

const KILLS = 150;

const notebook = new Notebook(/churn/);
startEngine("wasm", { threads: 1 });
const books = runningBackend().engine.memory;

after(() => notebook.close());

test("after 150 kills while blocks are given out and back, all of them are free again", async () => {
  const churn = (): void => {
    for (let turn = 0; ; turn++) {
      const owners = Array.from({ length: 8 }, () => ({}));
      const blocks = owners.map((owner, k) => books.allocate(100 + 700 * k, "a block", owner));
      const addresses = new Set(blocks.map(({ address }) => address));
      if (addresses.size < blocks.length) throw new Error("two blocks at one address");
      // Every second turn leaves half of them to the collector.
      for (const [k, block] of blocks.entries())
        if (turn % 2 === 0 || k % 2 === 0) books.release(block, owners[k]);
    }
  };
  Object.assign(globalThis, { churn });
  const random = randomStream(1);
  const before = memory();
  for (let kill = 0; kill < KILLS; kill++) {
    assert.equal(await notebook.cell("churn()", 2 * random.uniform()), "interrupted");
  }
  await freeDropped();
  const { used, blocks } = memory();
  assert.deepEqual({ used, blocks }, { used: before.used, blocks: before.blocks });
});
