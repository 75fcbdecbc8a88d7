// How command-line options leave out optional parts of a configuration's training.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { addHyperParameters, givenHyperParameters } from "../../src/cli/options.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import { runId } from "../../src/training/run-id.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkdHere } from "./abkd.ts";

/** Returns what the options of a command line change. */
function given(...line: string[]) {
  const command = addHyperParameters(new Command(), "Training:");
  command.parse(line, { from: "user" });
  return givenHyperParameters(command.opts()).training;
}

test("--optimiser adam and --keep loss remove a recipe's own, and leave the id as without them", () => {
  const changes = given("--optimiser", "adam", "--keep", "loss");
  const recipe = { optimiser: { name: "adamw" }, keep: "accuracy", epochs: 9 };
  assert.deepEqual({ ...recipe, ...changes }, { optimiser: undefined, keep: undefined, epochs: 9 });
  const subject = { dataset: "cora", seed: 1 };
  assert.equal(runId(teacherConfig(subject, { training: changes })), runId(teacherConfig(subject)));
});

test("each optional part has a value that leaves it out", () => {
  const none = ["--warm-up", "none", "--clip", "none", "--schedule", "none"];
  assert.deepEqual(given(...none), { warmUp: undefined, clip: undefined, schedule: undefined });
});

test("options that are not given change nothing", () => {
  assert.deepEqual(given("--keep", "accuracy"), { keep: "accuracy" });
  assert.deepEqual(given("--optimiser", "sgd:0.9"), { optimiser: { name: "sgd", momentum: 0.9 } });
  const step = { name: "step", every: 50, factor: 0.5 };
  assert.deepEqual(given("--schedule", "step:50:0.5"), { schedule: step });
});

test("a precision is a name, then its scheme and chances; the legal ones are named", () => {
  assert.deepEqual(given("--precision", "int8"), { precision: { name: "int8" } });
  const scheme = { name: "int4", scheme: "degree-quant", share: 0.3, least: 0 };
  assert.deepEqual(given("--precision", "int4:degree-quant:0.3:0"), { precision: scheme });
  assert.deepEqual(given("--precision", "float32"), { precision: undefined });
  const wrong = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addHyperParameters(wrong, "Training:");
  assert.throws(() => wrong.parse(["--precision", "int8:most"], { from: "user" }), {
    message: /int8:most.* Legal: int8\[:after\|degree-quant\|.*\]\[:share\]\[:least\], int4/,
  });
});

test("a sampler's numbers follow its name", () => {
  const neighbours = { name: "neighbours", fanOut: "15,10" };
  const changes = given("--batch", "1024", "--sampler", "neighbours:15,10");
  assert.deepEqual(changes, { batch: 1024, sampler: neighbours });
  const walks = { name: "walks", length: 2, steps: 30 };
  assert.deepEqual(given("--sampler", "walks:2:30"), { sampler: walks });
  assert.deepEqual(given("--sampler", "none"), { sampler: undefined });
});

test("--quiet keeps warnings, and nothing else, on stderr", async (t) => {
  const split = "random:200/3/5:1";
  const about = ["--dataset", "synthetic", "--model", "mlp", "--split", split, "--epochs", "1"];
  const { code, stderr } = await abkdHere(
    "train",
    ...about,
    "--quiet",
    "--runs",
    temporaryFolder(t),
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    stderr
      .trim()
      .split("\n")
      .map((line) => line.replace(/:? the (validation|test) set.*/, " $1")),
    [`synthetic ${split} validation`, `synthetic ${split} test`],
  );
});
