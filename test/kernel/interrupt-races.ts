// Interrupts at the worst moments: stops that V8 delivers late, at a cell's beginning or at its end.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { sleep, TestRunner } from "./runner-harness.ts";

/** How often each race is run. */
export interface Rounds {
  readonly native: number;
  readonly order: number;
  readonly locks: number;
  readonly timers: number;
  /** The time limit for each race, in milliseconds. */
  readonly timeout: number;
}

let runner: TestRunner;

/** Far more than any cell here takes: what has not ended by then never will. */
const NEVER = 10_000;

/** Native code that no stop can end, for about 30 ms. */
const NATIVE = `crypto.pbkdf2Sync("", "", rounds, 64, "sha512");`;

async function prepare(): Promise<void> {
  await runner.ready;
  await runner.run(`
    import crypto from "node:crypto";
    let [kept, rounds] = [42, 1000];
    for (let took = 0; took < 30; rounds *= 2) {
      let start = performance.now();
      ${NATIVE}
      took = performance.now() - start;
    }
    rounds /= 2;`);
}

/** Returns the status of a cell's outcome. */
async function ended(ran: ReturnType<TestRunner["start"]>["ran"], what: string): Promise<string> {
  const outcome = ran.then(({ outcome }) => outcome);
  const ended = await Promise.race([outcome, sleep(NEVER).then(() => undefined)]);
  assert.ok(ended, `${what} never ended`);
  if (ended.status === "ok") return "ok";
  assert.equal(ended.ename, "KeyboardInterrupt", `${what}: ${ended.traceback.join("\n")}`);
  return ended.ename;
}

/** Returns a generator of uniform numbers from 0 to 1. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Interrupts each of the cells, in turn, at a random moment; each ends, and the next runs. */
async function storm(codes: readonly string[], rounds: number, longest: number): Promise<void> {
  await prepare();
  const random = randomOf(rounds);
  for (let round = 0; round < rounds; round++) {
    const code = codes[round % codes.length] as string;
    const { ran } = runner.start(code);
    await sleep(random() * longest);
    runner.interrupt();
    if (random() < 0.3) runner.interrupt();
    // The cell may wait for the previous one while the stop is on its way.
    const after = runner.start(`kept + ${round}`);
    await ended(ran, `round ${round}: ${code}`);
    if ((await ended(after.ran, `the cell after round ${round}`)) === "ok") {
      const { outcome } = await after.ran;
      const shown = outcome.status === "ok" && outcome.result?.data["text/plain"];
      assert.equal(shown, String(42 + round));
    }
  }
  await sleep(100);
  assert.equal(await runner.value("[kept, await Promise.resolve(1)]"), "[ 42, 1 ]");
}

/** Cells that spend their time in Node's own timer code. */
const TIMERS = [
  "for (let i = 0; i < 5000; i++) setInterval(() => {}, 1 + (i % 4)); await new Promise(() => {});",
  "for (;;) for (let i = 1; i < 100; i++) clearTimeout(setTimeout(() => {}, i));",
  "for (;;) clearImmediate(setImmediate(() => {}));",
  `const again = () => { for (let i = 0; i < 1000; i++) setTimeout(() => {}, 1 + (i % 40)); setTimeout(again, 1); };
   again(); await new Promise(() => {});`,
  "for (;;) await new Promise((resolve) => setImmediate(resolve));",
  `const turn = () => { for (let i = 0; i < 1000; i++) setImmediate(() => {}); setImmediate(turn); };
   turn(); await new Promise(() => {});`,
  "let all = Array.from({ length: 2000 }, () => setTimeout(() => {}, 1e6)); for (;;) for (const one of all) one.refresh();",
  "let some = setTimeout(() => {}, 1e6); for (;;) { some.unref(); some.ref(); }",
];

/** A program that checks that timers of every kind still work. */
const STILL = `
  await Promise.all([1, 2, 3, 4, 7, 40].map((delay) => new Promise((resolve) => setTimeout(resolve, delay))));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => { let n = 0; const one = setInterval(() => { if (++n === 3) { clearInterval(one); resolve(); } }, 2); });
  await new Promise((resolve) => process.nextTick(resolve)); "alive"`;

/** Registers the tests. */
export function testRaces({ timeout, ...rounds }: Rounds): void {
  beforeEach(() => {
    runner = new TestRunner();
  });
  afterEach(() => runner.close());
  test("a stop that is delivered late, after native code, tears no cell", { timeout }, () =>
    storm(
      [
        `for (let i = 0; i < 3; i++) ${NATIVE}`,
        `for (let i = 0; i < 3; i++) { await null; ${NATIVE} }`,
        `setTimeout(() => { ${NATIVE} }, 1); ${NATIVE} await null; 1`,
        `setImmediate(() => { ${NATIVE} }); await new Promise(setImmediate);`,
        `process.nextTick(() => { ${NATIVE} }); ${NATIVE}`,
      ],
      rounds.native,
      60,
    ),
  );

  test("an interrupt ends the cell sent before it, whatever is stopped in between", {
    timeout,
  }, async () => {
    await prepare();
    const random = randomOf(3);
    for (let round = 0; round < rounds.order; round++) {
      const first = runner.start(`for (let i = 0; i < 2; i++) ${NATIVE}`);
      await sleep(random() * 50);
      runner.interrupt();
      await sleep(random() * 50);
      const endless = runner.start(
        ["for (;;);", "await new Promise(() => {});"][round % 2] as string,
      );
      await ended(first.ran, `round ${round}: the first cell`);
      runner.interrupt();
      await ended(endless.ran, `round ${round}: the endless cell`);
    }
  });

  test("an interrupt before the runner is ready does not kill it", { timeout }, async () => {
    const { ran } = runner.start("for (;;);");
    for (let i = 0; i < 100; i++) {
      runner.interrupt();
      await sleep(3);
    }
    await Promise.race([runner.ready, sleep(NEVER).then(() => assert.fail("it is never ready"))]);
    runner.interrupt();
    await ended(ran, "the cell");
    assert.equal(await runner.value("6 * 7"), "42");
  });

  test("locks and questions end, even several in a row", { timeout }, async () => {
    await prepare();
    for (let round = 0; round < rounds.locks; round++) {
      const code = [
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
        "prompt('?');",
        "await input('?');",
        "for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 12);",
      ][round % 4] as string;
      const { ran } = runner.start(code);
      await sleep((round * 7) % 30);
      runner.interrupt();
      await ended(ran, `round ${round}: ${code}`);
    }
    assert.equal(await runner.value("kept"), "42");
  });

  test("timers of all kinds keep working, whatever Node code was stopped", {
    timeout,
  }, async () => {
    await prepare();
    const random = randomOf(5);
    for (let round = 0; round < rounds.timers; round++) {
      const code = TIMERS[round % TIMERS.length] as string;
      const { ran } = runner.start(code.replaceAll(/\b(again|all|some)\b/g, `$1${round}`));
      await sleep(30 + random() * 60);
      runner.interrupt();
      await ended(ran, `round ${round}: ${code}`);
      assert.equal(await ended(runner.run(STILL), `timers after round ${round}: ${code}`), "ok");
    }
    const before = await runner.value("process.cpuUsage().user + process.cpuUsage().system");
    await sleep(500);
    const after = await runner.value("process.cpuUsage().user + process.cpuUsage().system");
    assert.ok(Number(after) - Number(before) < 250_000, "it is idle afterwards");
  });
}
