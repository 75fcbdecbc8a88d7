// SIGTERM ends a run in time, whatever it is doing, with a checkpoint if possible.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stopOnSignals } from "../../src/cli/signals.ts";
import { smallConfig, temporaryFolder } from "../training/small.ts";
import { type Outcome, type Running, start } from "./abkd.ts";

const ENDLESS = ["--epochs", "1000000", "--patience", "1000000"];
const CHECKPOINT = "checkpoint.safetensors";
/** The time a run has after SIGTERM plus what a busy machine may add: far less than a step of WIDE. */
const LIMIT = 30_000;
/** A teacher whose first step takes more than a minute on one thread. */
const WIDE = ["--layers", "64", "--width", "1500", "--threads", "1", "--engine", "wasm"];

/** Starts `abkd`, and ends it if the test fails. */
function begin(t: TestContext, args: readonly string[]): Running {
  const running = start(args);
  t.after(() => running.process.kill("SIGKILL"));
  return running;
}

/** Whether a run's checkpoint exists; its file is not opened, since it is replaced all the time. */
function hasCheckpoint(runs: string): boolean {
  const files = readdirSync(runs, { recursive: true, encoding: "utf8" });
  return files.some((file) => file.endsWith(CHECKPOINT));
}

/** Sends SIGTERM and waits until the process ends. */
async function terminated(running: Running): Promise<Outcome> {
  running.process.kill("SIGTERM");
  const outcome = await Promise.race([running.outcome, sleep(LIMIT, undefined, { ref: false })]);
  if (!outcome) running.process.kill("SIGKILL");
  assert.ok(outcome, "it goes on after SIGTERM");
  return outcome;
}

test("SIGTERM between two steps keeps a checkpoint and exits 143", async (t) => {
  const runs = temporaryFolder(t);
  const places = ["--runs", runs, "--checkpoint-every", "0.1", "--workers", "1"];
  const running = begin(t, [
    "train",
    "--dataset",
    "synthetic",
    "--layers",
    "2",
    ...places,
    ...ENDLESS,
  ]);
  for (let k = 0; !hasCheckpoint(runs); k++) {
    assert.ok(k < 6000, "no checkpoint in a minute");
    await sleep(10);
  }
  const { code, signal, stderr, stdout } = await terminated(running);
  // On a very busy machine the step may not end in time; then the last checkpoint stays.
  if (signal === null) {
    assert.equal(code, 143, stderr);
    assert.match(stderr, /stopped after epoch \d+, which is kept; .*--resume continues\n$/);
  } else {
    assert.equal(signal, "SIGTERM");
  }
  assert.equal(stdout, "");
  assert.ok(hasCheckpoint(runs));
});

test("SIGTERM ends a run in the middle of a step, and a second SIGTERM at once", async (t) => {
  const runs = temporaryFolder(t);
  const args = ["train", "--dataset", "synthetic", ...WIDE, "--runs", runs];
  const [one, two] = [begin(t, args), begin(t, args)];
  await Promise.all([one.seen("begins"), two.seen("begins")]);
  await sleep(1000);
  two.process.kill("SIGTERM");
  await two.seen("stopping after this step");
  for (const { signal, code } of await Promise.all([terminated(one), terminated(two)])) {
    assert.deepEqual([signal, code], ["SIGTERM", null]);
  }
});

// With the test's own clock, so that a busy machine cannot break it and a longer grace period cannot pass.
test("after SIGTERM a step has more than a second, and the process ends within two", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const kill = t.mock.method(process, "kill", () => true);
  t.mock.method(process.stderr, "write", () => true);
  const before = process.listeners("SIGTERM");
  const stopper = stopOnSignals();
  stopper.observe({ type: "start", id: "", config: smallConfig(), epoch: 0, asTeacher: false });
  const [stop] = process.listeners("SIGTERM").filter((one) => !before.includes(one));
  stop!("SIGTERM");
  assert.ok(stopper.signal.aborted);
  t.mock.timers.tick(1000);
  assert.equal(kill.mock.callCount(), 0);
  t.mock.timers.tick(1000);
  assert.deepEqual(
    kill.mock.calls.map((call) => call.arguments),
    [[process.pid, "SIGTERM"]],
  );
  assert.deepEqual(process.listeners("SIGTERM"), before);
});

test("SIGTERM before the first run has its default effect, since there is nothing to keep", async (t) => {
  const runs = join(temporaryFolder(t), "runs");
  const running = begin(t, ["train", "--dataset", "synthetic", ...WIDE, "--runs", runs]);
  await new Promise((resolve) => running.process.once("spawn", resolve));
  const { signal } = await terminated(running);
  assert.equal(signal, "SIGTERM");
  assert.ok(!existsSync(runs));
});
