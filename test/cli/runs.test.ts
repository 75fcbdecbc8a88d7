// What happens to a user's runs: progress, interruption, kill -9, damage, a full disk.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunResult } from "../../src/training/run.ts";
import { contents, temporaryFolder } from "../training/small.ts";
import { abkd, start, startUnder } from "./abkd.ts";

const CHECKPOINT = "checkpoint.safetensors";
const TEACHER = ["--teacher-layers", "3", "--teacher-width", "8", "--teacher-epochs", "8"];

function distill(runs: string, ...args: string[]): string[] {
  const common = ["distill", "--dataset", "synthetic", ...TEACHER, "--runs", runs];
  return [...common, "--workers", "1", "--checkpoint-every", "0.1", ...args];
}

const OPTIMISED = "--optimiser sgd:0.9 --warm-up 2 --schedule step:3:0.5 --clip 1 --keep accuracy";

/** Returns a file of the only student's run, or undefined while it does not exist. */
function fileOf(runs: string, name: string): string | undefined {
  // Only by names: a file that is being written may be renamed before it is examined.
  const names = readdirSync(runs, { recursive: true, encoding: "utf8" });
  const found = names.find((f) => f.endsWith(name) && !f.includes("teachers"));
  return found && join(runs, found);
}

async function until(condition: () => boolean): Promise<void> {
  for (let k = 0; !condition(); k++) {
    assert.ok(k < 3000, "waited 30 s");
    await sleep(10);
  }
}

test("distill prints results to stdout and plain progress to stderr", async (t) => {
  const runs = temporaryFolder(t);
  const args = distill(runs, "--method", "softkd", "--epochs", "6", "--trials", "2");
  const first = await abkd(...args);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^seed 1 {2}test \d+\.\d % .*\nseed 2 {2}test /);
  assert.match(first.stdout, /5,835 parameters, [\d.]+ times fewer than the teacher's 11,7/);
  assert.match(first.stdout, /test over 2 runs: mean .*, standard deviation .*, median /);
  assert.match(first.stderr, /^teacher 3L-8H alone on synthetic .*: begins\n/);
  assert.match(first.stderr, /\nsoftkd on synthetic .*, seed 2: test .*, best epoch \d of 6, /);
  assert.ok(!first.stderr.includes("\r"), "no live line where piped");

  const again = await abkd(...args, "--json", "--quiet");
  // No progress, but what a reader of the results must know.
  assert.match(again.stderr, /^(?:the teacher [^\n]* is dead: [^\n]*\n)*$/);
  const results = JSON.parse(again.stdout) as RunResult[];
  assert.deepEqual(
    results.map(({ config }) => config.seed),
    [1, 2],
  );
  for (const { format, versions, parameters, curve } of results) {
    assert.equal(format, "abkd-run/1");
    assert.deepEqual(Object.keys(versions).sort(), ["abkd", "node", "tfjs"]);
    assert.equal(parameters.model, 5835);
    assert.equal(curve.loss.length, 6);
  }
  const files = [...contents(runs)].map(([file, text]) => file + text).join();
  assert.ok(!files.includes(runs), "no path of this machine in any file");
});

test("Ctrl-C keeps the checkpoint, exits 130, and --resume ends in the same bits", async (t) => {
  const [stopped, whole] = [temporaryFolder(t), temporaryFolder(t)];
  const epochs = ["--method", "abkd", "--epochs", "400", "--patience", "400"];
  const running = start(distill(stopped, ...epochs));
  await running.seen("abkd on synthetic");
  await until(() => fileOf(stopped, CHECKPOINT) !== undefined);
  running.process.kill("SIGINT");
  const { code, stderr, stdout } = await running.outcome;
  assert.equal(code, 130, stderr);
  assert.equal(stdout, "");
  const [, at] = /stopped after epoch (\d+), which is kept; .*--resume/.exec(stderr) ?? [];
  assert.ok(Number(at) > 0 && Number(at) < 400, stderr);
  assert.equal(fileOf(stopped, "run.json"), undefined);

  const resumed = await abkd(...distill(stopped, ...epochs, "--resume"));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.ok(resumed.stderr.includes(`going on after epoch ${at}`), resumed.stderr);
  assert.equal((await abkd(...distill(whole, ...epochs))).code, 0);
  assert.deepEqual(contents(stopped), contents(whole));

  const finished = await abkd(...distill(stopped, ...epochs, "--resume"));
  assert.match(finished.stderr, /abkd on synthetic .*trained earlier/);
});

test("kill -9 loses only what came after the last checkpoint", async (t) => {
  const [killed, whole] = [temporaryFolder(t), temporaryFolder(t)];
  const epochs = ["--method", "student", "--epochs", "400", "--patience", "400"];
  const running = start(distill(killed, ...epochs));
  await until(() => fileOf(killed, CHECKPOINT) !== undefined);
  running.process.kill("SIGKILL");
  assert.equal((await running.outcome).signal, "SIGKILL");
  assert.equal(fileOf(killed, "run.json"), undefined);
  const resumed = await abkd(...distill(killed, ...epochs, "--resume"));
  assert.match(resumed.stderr, /going on after epoch \d+/);
  assert.equal((await abkd(...distill(whole, ...epochs))).code, 0);
  // A kill during a write leaves a temporary file, which nothing reads.
  const left = [...contents(killed)].filter(([file]) => !file.endsWith(".tmp"));
  assert.deepEqual(new Map(left), contents(whole));
});

test("optimiser, warm-up, schedule, clipping and the kept epoch reach the run from the options", async (t) => {
  const args = distill(
    temporaryFolder(t),
    ...["--method", "softkd", "--epochs", "6", ...OPTIMISED.split(" ")],
    ...["--teacher-optimiser", "adamw", "--teacher-schedule", "linear", "--json", "--quiet"],
  );
  const { stdout, stderr, code } = await abkd(...args);
  assert.equal(code, 0, stderr);
  const [{ config, bestEpoch, curve }] = JSON.parse(stdout) as [RunResult];
  const { epochs, patience: _, learningRate: __, weightDecay: ___, ...rest } = config.training;
  assert.equal(epochs, 6);
  assert.deepEqual(rest, {
    ...{ optimiser: { name: "sgd", momentum: 0.9 }, warmUp: 2, clip: 1, keep: "accuracy" },
    schedule: { name: "step", every: 3, factor: 0.5 },
  });
  assert.deepEqual(config.teacher!.training.optimiser, { name: "adamw" });
  assert.deepEqual(config.teacher!.training.schedule, { name: "linear" });
  const { valAccuracy } = curve;
  assert.equal(bestEpoch, valAccuracy.indexOf(Math.max(...valAccuracy)) + 1);
  const again = await abkd(...args, "--resume");
  assert.deepEqual([again.code, again.stdout], [0, stdout], "the finished run is taken");
});

test("a damaged checkpoint is reported, with what to do, and is not resumed", async (t) => {
  const runs = temporaryFolder(t);
  const args = distill(runs, "--method", "student", "--epochs", "5000", "--patience", "5000");
  const running = start(args);
  await until(() => fileOf(runs, CHECKPOINT) !== undefined);
  running.process.kill("SIGINT");
  await running.outcome;
  const checkpoint = fileOf(runs, CHECKPOINT)!;
  const bytes = readFileSync(checkpoint);
  writeFileSync(checkpoint, bytes.subarray(0, bytes.length - 7));
  const { code, stdout, stderr } = await abkd(...args, "--resume", "--quiet");
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /^abkd: student on .*checkpoint.safetensors is not a whole .*without --resume[^\n]*\n$/,
  );
});

// A limit on file size makes a write fail halfway, as a full disk does.
test("a full disk is reported in one line and leaves nothing half-written", async (t) => {
  const runs = temporaryFolder(t);
  const args = distill(runs, "--method", "student", "--epochs", "5", "--quiet");
  const { code, stdout, stderr } = await startUnder("ulimit -f 4", args).outcome;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /^abkd: student on synthetic .*: cannot write .*: the file would be larger[^\n]*\n$/,
  );
  assert.deepEqual([...contents(runs).keys()], []);
});

test("a loss that becomes non-finite exits 1 and names the epoch and the method", async (t) => {
  const args = distill(temporaryFolder(t), "--method", "student", "--learning-rate", "3e38");
  const { code, stderr } = await abkd(...args, "--quiet");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^abkd: student on synthetic .*: the validation loss is \S+ in epoch 1; [^\n]*\n$/,
  );
});
