// progress(): in a notebook, on a terminal, in a pipe; however the loop is left.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { afterEach, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { OptionError } from "../../src/base/errors.ts";
import { duration } from "../../src/display/format.ts";
import { LiveLine } from "../../src/display/line.ts";
import { progress } from "../../src/display/progress.ts";
import type { LineStream } from "../../src/display/terminal-line.ts";

interface Shown {
  readonly text: string;
  readonly id: string | undefined;
  readonly update: boolean | undefined;
  readonly at: number;
}

const key = Symbol.for("Jupyter.display");

/** A notebook's display function that remembers. */
function host(): Shown[] {
  const shown: Shown[] = [];
  const display = async (
    value: Record<string, string>,
    { id, update, raw }: { id?: string; update?: boolean; raw?: boolean },
  ): Promise<void> => {
    assert.equal(raw, true);
    shown.push({ text: value["text/plain"]!, id, update, at: performance.now() });
  };
  Reflect.set(globalThis, key, display);
  return shown;
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, key);
});

describe("in a notebook", () => {
  test("one display is updated inside a synchronous loop, ten times a second at most", (t) => {
    // The line's own clock, which stands still however long a drawing takes.
    let now = performance.now();
    t.mock.method(performance, "now", () => now);
    const shown = host();
    const items = [];
    for (const item of progress([1, 2, 3, 4, 5, 6, 7, 8], "squares")) {
      items.push(item);
      now += 60;
    }
    assert.deepEqual(items, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(new Set(shown.map(({ id }) => id)).size, 1);
    assert.deepEqual(
      shown.map(({ update }) => update),
      shown.map((_, k) => k > 0),
    );
    assert.equal(shown[0]!.text, "squares: 0/8");
    assert.match(shown[1]!.text, /^squares: [1-8]\/8, \d+\.\d\/s, \d+:\d\d left$/);
    assert.match(shown.at(-1)!.text, /^squares: 8\/8, \d+\.\d\/s, \d+:\d\d$/);
    const drawn = shown.slice(0, -1);
    for (const [k, { at }] of drawn.entries()) {
      if (k > 0) assert.ok(at - drawn[k - 1]!.at > 95, `update ${k} came too soon`);
    }
  });

  test("break, an error and an early end leave a final state that says so", async () => {
    const shown = host();
    for (const item of progress(new Set([1, 2, 3]))) if (item === 2) break;
    assert.match(shown.at(-1)!.text, /^1\/3, .*stopped after \d+:\d\d$/);
    assert.throws(() => {
      for (const _ of progress([1, 2])) throw new Error("mine");
    }, /mine/);
    assert.match(shown.at(-1)!.text, /^0\/2, stopped after \d+:\d\d$/);
    async function* later(): AsyncGenerator<number> {
      for (let k = 0; k < 3; k++) {
        await setTimeout(1);
        yield k;
      }
    }
    const got = [];
    for await (const item of progress(later(), "rows")) got.push(item);
    assert.deepEqual(got, [0, 1, 2]);
    assert.match(shown.at(-1)!.text, /^rows: 3, .*\/s, \d+:\d\d$/);
  });

  test("a counter counts, and its end is shown once", () => {
    const shown = host();
    const counter = progress(1_000_000, "samples");
    for (let k = 0; k < 1_000_000; k += 10) counter.tick(10);
    counter.done();
    counter.done();
    counter.tick();
    assert.match(shown.at(-1)!.text, /^samples: 1000000\/1000000, [\d,]+\/s, \d+:\d\d$/);
    const wanted = shown.filter(({ text }) => text.startsWith("samples: 1000000/"));
    assert.equal(wanted.length, 1);
    assert.throws(() => progress(-1), OptionError);
  });
});

describe("elsewhere", () => {
  function stream(isTTY: boolean): { text: () => string; stream: LineStream } {
    let text = "";
    const write = (chunk: string): boolean => {
      text += chunk;
      return true;
    };
    return { text: () => text, stream: { isTTY, columns: 20, write } as unknown as LineStream };
  }

  test("a terminal's line is drawn over, within its width", () => {
    const { text, stream: terminal } = stream(true);
    const line = new LiveLine(terminal);
    line.update(() => "a line that is longer than the terminal");
    line.update(() => "too soon");
    line.end("the end");
    assert.equal(text(), `\ra line that is long\r${"the end".padEnd(19)}\n`);
  });

  test("a pipe gets the last line of a short loop only", () => {
    const { text, stream: pipe } = stream(false);
    const line = new LiveLine(pipe);
    for (let k = 0; k < 100; k++) line.update(() => `${k}`);
    line.end("100");
    assert.equal(text(), "100\n");
  });

  test("stdout stays free for results", () => {
    const code = `
      const { progress } = await import(${JSON.stringify(new URL("../../src/display/progress.ts", import.meta.url))});
      for (const _ of progress([1, 2, 3], "loop"));
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", code],
      { encoding: "utf8" },
    );
    assert.equal(stdout, "");
    assert.match(stderr, /^loop: 3\/3, .*\n$/);
  });
});

test("durations are read as clocks are", () => {
  assert.deepEqual([0, 9.6, 94, 3600, 4000].map(duration), [
    ...["0:00", "0:10", "1:34", "1:00:00", "1:06:40"],
  ]);
});
