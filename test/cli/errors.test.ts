// Wrong requests give one line on stderr, nothing on stdout, exit code 2, no stack.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { main } from "../../src/cli/program.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkd, abkdHere, start } from "./abkd.ts";

/** All lines together take seconds. */
const LINE_MILLISECONDS = 30_000;

const SYNTHETIC = ["--dataset", "synthetic"];

const WRONG: readonly [args: string[], message: RegExp][] = [
  [["foo"], /^abkd: unknown command 'foo'/],
  [["--foo"], /^abkd: unknown option '--foo'/],
  [["distill", "--foo"], /^abkd: unknown option '--foo'/],
  [["distill", "--sed", "1"], /unknown option '--sed' \(Did you mean --seed\?\)/],
  [["distill", "--abkd-d_a", "3"], /'--abkd-d_a' \(Did you mean --abkd-embedding\?\)/],
  [["distill", "--d_a", "3"], /\(Did you mean --abkd-embedding\?\)/],
  [["distill", "--beta", "3"], /\(Did you mean --abkd-beta\?\)/],
  [["distill", "--method", "gsp", "--k", "l2"], /\(Did you mean --gsp-kernel\?\)/],
  [["distill", "--softkd-T", "3"], /\(Did you mean --softkd-temperature\?\)/],
  [["distill", "--dataset", "crora"], /no dataset "crora".*; did you mean "cora"\?/],
  [["distill", "--method", "abdk"], /no method "abdk".*; did you mean "abkd"\?/],
  [["methods", "abdk"], /no method "abdk".*; did you mean "abkd"\?/],
  [["study", "run", "tabel3"], /no study "tabel3".*; did you mean "table3"\?/],
  [["distill", "extra"], /too many arguments/],
  [["distill", "--seed", "x"], /'--seed <n>' argument 'x' is invalid. Expected a whole number, 0/],
  [["distill", "--seed", "-1"], /argument '-1' is invalid/],
  [["distill", "--seed", "1.5"], /argument '1.5' is invalid/],
  [["distill", "--trials", "0"], /Expected a whole number from 1 to 1000/],
  [["distill", "--learning-rate", "NaN"], /Legal: a number of at least 0/],
  [["distill", "--learning-rate", "Infinity"], /Legal: a number of at least 0/],
  [["distill", "--teacher-dropout", "1"], /of at least 0 and below 1/],
  [["distill", "--alpha", "1.5"], /Legal: a number of at least 0 and at most 1/],
  [["distill", "--model", "gcn", "--alpha", "0.1"], /--alpha is an option of gcnii.*, not of gcn/],
  [
    ["distill", "--teacher-model", "gcnii", "--teacher-batch-norm", "true"],
    /of gat, gcn, gin, mlp, rgcn, sage, not of gcnii/,
  ],
  [
    ["distill", "--dataset", "synthetic", "--method", "gnnsd", "--model", "gcn", "--layers", "2"],
    /this gcn has 1: give the student 3 layers or more \(--layers 3\)/,
  ],
  [["train", "--model", "gta"], /Allowed choices are cpf, gat, gcn, gcnii, /],
  [["train", "--model", "gcn", "--layers", "1"], /GCN: option "layers" is 1; legal: /],
  [
    ["train", "--optimiser", "adamw:0.9"],
    /Legal: adamw, rmsprop, sgd\[:momentum\]; left out: adam/,
  ],
  [["train", "--optimiser", "sgd:much"], /Legal: adamw, rmsprop, sgd/],
  [["train", "--schedule", "cosine"], /Legal: step:every:factor, linear/],
  [["train", "--schedule", "step:50"], /Legal: step:every:factor, linear/],
  [["train", "--epochs", "9", "--warm-up", "10"], /warmUp is 10, more than the 9 epochs/],
  [["train", "--keep", "last"], /Legal: accuracy, latest-accuracy; left out: loss/],
  [["distill", "--dataset", "nosuch"], /no dataset "nosuch"; known: cora/],
  [["distill", "--method", "foo"], /no method "foo"; known: student/],
  [["distill", "--students", "1"], /Expected a whole number, 2 or more/],
  [
    ["distill", "--method", "gsp", "--students", "2"],
    /gsp trains one student: leave --students out, or choose --method alignahead/,
  ],
  [["distill", "--method", "alignahead", "--students", "7"], /"students" is 7; legal: /],
  [["distill", "--preset", "foo"], /no preset "foo"/],
  [["distill", "--abkd-beta", "much"], /'--abkd-beta <x>' argument 'much' is invalid. Legal: /],
  [
    ["distill", "--softkd-soft-weight", "1"],
    /--softkd-soft-weight is an option of softkd, not of abkd/,
  ],
  // The keys of configurations are not flags.
  [["distill", "--softkd-alpha", "1"], /Did you mean --softkd-soft-weight\?/],
  [["distill", "--gsp-soft-labels", "1"], /Did you mean --gsp-soft-weight\?/],
  [["distill", ...SYNTHETIC, "--split", "geom-gcn:0"], /synthetic has no split "geom-gcn:0"/],
  [["distill", "--split", "halves"], /split "halves": expected geom-gcn:0..9/],
  [["distill", "--data", "/no/such/folder"], /\/no\/such\/folder is not a folder/],
  [["distill", ...SYNTHETIC, "--abkd-subspace", "true"], /"subspace" is true, but projections/],
  [["distill", ...SYNTHETIC, "--width", "65536"], /needs at least 267 GiB, .* fewer layers/],
  [["train", ...SYNTHETIC, "--layers", "4096", "--width", "512"], /needs at least \d+ GiB/],
  [["distill", ...SYNTHETIC, "--abkd-embedding", "1e12"], /needs at least [\d,]+ GiB/],
  [["distill", "--seed", "9007199254740990", "--trials", "5"], /too large for --trials 5: seeds/],
  [["train", "--trials", "1e9"], /Expected a whole number from 1 to 1000/],
  [["train", "--epochs", "1.5"], /Legal: a whole number of at least 0/],
  [
    ["train", "--layers", "0"],
    /'--layers <x>' argument '0' is invalid. Legal: cpf, gat, gcn, .*: a whole number of at least 2 .*; gcnii.* of at least 1 and/,
  ],
  [["train", "--threads", "0"], /'--threads <n>' argument '0' is invalid.* from 1 to 256/],
  [["export", "0123"], /no complete run "0123" in runs/],
  [
    ["export", "0123", "--output", ""],
    /--output is empty: give a value, as in --output <file>, or/,
  ],
  [["train", "--runs", ""], /--runs is empty/],
  [["predict", "x", "--data="], /--data is empty/],
  [["export", "x", "--format", "tflite"], /Allowed choices are safetensors, npz, onnx, web/],
  [["predict"], /missing required argument 'file'/],
  [
    ["predict", "/no/such/file"],
    /\/no\/such\/file: there is no such file or folder; name a model's file .* or a finished run's folder/,
  ],
  [["predict", "x", "--output", "x.txt"], /name a file that ends in .csv, .json or .ndjson/],
];

test("wrong requests are reported in one line", async (t) => {
  for (const [args, message] of WRONG) {
    // Run in this process, since starting a hundred would take a minute.
    const write = t.mock.method(process.stderr, "write", () => true);
    // A line that is wrongly accepted trains: a signal ends it, and the exit code names the line.
    const late = setTimeout(() => process.emit("SIGINT", "SIGINT"), LINE_MILLISECONDS);
    const code = await main(args);
    clearTimeout(late);
    const stderr = write.mock.calls.map((call) => String(call.arguments[0])).join("");
    write.mock.restore();
    const shown = `abkd ${args.join(" ")} said: ${stderr}`;
    assert.equal(code, 2, shown);
    assert.match(stderr, message, shown);
    assert.match(stderr, /^abkd: [^\n]+\n$/, shown);
  }
});

test("the process ends with only that line and exit code 2", async () => {
  for (const args of [
    ["distill", "--seed", "x"],
    ["distill", "--dataset", "nosuch"],
  ]) {
    const { code, stdout, stderr } = await abkd(...args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^abkd: [^\n]+\n$/);
  }
});

test("a file that is no model file is reported in one line", async (t) => {
  const folder = temporaryFolder(t);
  for (const [name, content] of [
    ["empty", ""],
    ["text.safetensors", "what is this file for, and who wrote it?"],
    ["zip.npz", "PK\x03\x04 and then nothing of the kind"],
  ] as const) {
    const file = join(folder, name);
    writeFileSync(file, content);
    const { code, stderr } = await abkdHere("predict", file);
    assert.ok(code === 1 || code === 2, `exit code ${code}`);
    assert.match(stderr, /^abkd: [^\n]+\n$/);
    assert.ok(stderr.includes(file));
  }
});

test("help and version go to stdout with exit code 0, and help says where every default comes from", async () => {
  const [none, version, help] = await Promise.all([
    abkd(),
    abkd("--version"),
    abkd("distill", "--dataset", "citeseer", "--method", "softkd", "--help"),
  ]);
  assert.equal(none.code, 0);
  assert.match(none.stdout, /distill +distil a teacher/);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Defaults for --dataset citeseer, --method softkd/);
  assert.match(
    help.stdout,
    /teacher: --teacher-model gcnii --teacher-layers 64 .*--teacher-weight-decay 0.000005/,
  );
  assert.match(help.stdout, /source: GCNII's repository/);
  assert.match(help.stdout, /--softkd-temperature/);
});

test("a reader that stops early causes no error", async () => {
  const { process: child, outcome } = start(["methods", "--json"]);
  child.stdout?.destroy();
  const { code, stderr } = await outcome;
  assert.deepEqual([code, stderr], [0, ""]);
});

test("data and the list of commands load no engine, and a start keeps what it compiled", async (t) => {
  const folder = temporaryFolder(t);
  const trace = join(folder, "trace.mjs");
  writeFileSync(
    trace,
    `import { registerHooks } from "node:module";
     registerHooks({ load(url, context, next) {
       if (/tfjs|src.tensor/.test(url)) process.stderr.write("loads " + url);
       return next(url, context);
     } });`,
  );
  const env = { NODE_OPTIONS: `--import ${trace}`, NODE_COMPILE_CACHE: undefined, TMPDIR: folder };
  for (const args of [["data", "list"], ["--help"]]) {
    const { code, stderr } = await start(args, env).outcome;
    assert.deepEqual([code, stderr], [0, ""]);
  }
  const { stderr } = await start(["methods"], env).outcome;
  assert.match(stderr, /loads .*tfjs/, "the trace itself works");
  assert.ok(existsSync(join(folder, "node-compile-cache")));
});
