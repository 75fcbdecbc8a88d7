// The language service's life: it starts late, handles many cells, and answers odd input.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { median } from "simple-statistics";
import { TypedNotebook } from "./types-kit.ts";

describe("the language service", () => {
  const notebook = new TypedNotebook();
  after(() => notebook.close());

  test("nothing runs before the first question, which knows the cells so far", async () => {
    notebook.run("const early = 1");
    assert.equal(notebook.service.started, false);
    assert.deepEqual((await notebook.complete("earl|")).matches, ["early"]);
    assert.equal(notebook.service.started, true);
  });

  test("of several waiting completions, the newest is answered", async () => {
    const asked = ["e", "ea", "ear", "earl"].map((code) => notebook.complete(`${code}|`));
    const counts = (await Promise.all(asked)).map(({ matches }) => matches.length);
    assert.ok(counts[0]! > 0 && counts[3]! > 0, String(counts));
    assert.deepEqual(counts.slice(1, 3), [0, 0]);
  });

  test("type errors of several cells are all answered", async () => {
    const all = await Promise.all(
      ["a", "b", "c"].map((n) => notebook.check(`const ${n}: string = 1`)),
    );
    assert.deepEqual(
      all.map(({ problems }) => problems.length),
      [1, 1, 1],
    );
  });

  test("odd input gets an answer", async () => {
    const { service } = notebook;
    const odd = [undefined, null, 7, {}, "\u0000", "\ud83d", "x".repeat(1e5), "[".repeat(2e4)];
    for (const code of odd as string[]) {
      for (const cursor of [Number.NaN, -1, 1e9, 0.5]) {
        const { matches, start, end } = await service.complete(code, cursor);
        assert.ok(Array.isArray(matches) && start <= end);
      }
      assert.equal(typeof (await service.inspect(code, 3, 1)).found, "boolean");
      assert.equal(typeof (await service.isComplete(code)).status, "string");
      assert.equal(typeof (await service.diagnostics(Number.NaN, code)).text, "string");
    }
    assert.deepEqual((await notebook.complete("earl|")).matches, ["early"]);
  });

  test("150 cells with tfjs: the last one is as well typed as the first, and no slower", async () => {
    notebook.run("import * as tf from '@tensorflow/tfjs'; const v0 = tf.scalar(0)");
    await notebook.complete("v0.dat|");
    const times: number[] = [];
    for (let i = 1; i <= 150; i++) {
      const code = `const v${i} = v${i - 1}.add(tf.scalar(${i}));\nfunction f${i}(x: number) { return x + ${i} }`;
      const count = notebook.run(code);
      if (i % 10 !== 0) continue;
      const begun = performance.now();
      assert.deepEqual((await notebook.complete(`v${i}.dataS|`)).matches, ["dataSync"]);
      times.push(performance.now() - begun);
      if (i % 50 === 0) {
        assert.equal((await notebook.service.diagnostics(count, code)).text, "");
      }
    }
    const all = await notebook.complete("f1|");
    assert.ok(["f1", "f100", "f150"].every((name) => all.matches.includes(name)));
    // A check of every earlier cell would take a dozen times as long for the last as for the first.
    const [first, last] = [median(times.slice(0, 5)), median(times.slice(-5))];
    assert.ok(last < 4 * first, `${times.map(Math.round)}`);
  });
});
