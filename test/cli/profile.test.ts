// --profile: the tables, the trace beside the run, and the same results as without it.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { contents, temporaryFolder } from "../training/small.ts";
import { abkd } from "./abkd.ts";

const TEACHER = ["--teacher-layers", "3", "--teacher-width", "8", "--teacher-epochs", "4"];
const STUDENT = ["--method", "abkd", "--epochs", "5", "--trials", "2", "--workers", "2"];

test("the first of several runs is profiled, and no result changes", async (t) => {
  const [profiled, plain] = [temporaryFolder(t), temporaryFolder(t)];
  const args = ["distill", "--dataset", "synthetic", ...TEACHER, ...STUDENT, "--quiet"];
  const { code, stdout, stderr } = await abkd(...args, "--runs", profiled, "--profile");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\n\nprofile of abkd on synthetic .*, seed 1:\noperator +calls /);
  assert.match(stdout, /\nproduct +\d+ /);
  assert.match(stdout, /\noptimiser +[\d.]+ /);
  const [, file] =
    /\ntrace of all 5 steps, for chrome:\/\/.*: (.*trace\.json)\n$/.exec(stdout) ?? [];
  const { traceEvents } = JSON.parse(readFileSync(file!, "utf8")) as { traceEvents: object[] };
  assert.ok(traceEvents.length > 50);

  const again = await abkd(...args, "--runs", plain);
  assert.equal(again.code, 0, again.stderr);
  assert.doesNotMatch(again.stdout, /profile/);
  rmSync(file!);
  assert.deepEqual(contents(profiled), contents(plain));
});

test("with --json the tables go to stderr; a reused run has none", async (t) => {
  const runs = temporaryFolder(t);
  const model = ["--layers", "2", "--width", "4", "--epochs", "3"];
  const args = ["train", "--dataset", "synthetic", ...model, "--runs", runs, "--json", "--quiet"];
  const first = await abkd(...args, "--profile", "--threads", "2");
  assert.equal(first.code, 0, first.stderr);
  assert.equal((JSON.parse(first.stdout) as object[]).length, 1);
  const [, file] = /\ntrace of all 3 steps, .*: (.*)\n$/.exec(first.stderr) ?? [];
  assert.ok(existsSync(file!), first.stderr);
  const taken = await abkd(...args, "--profile", "--resume");
  assert.equal(taken.code, 0);
  assert.match(
    taken.stderr,
    /^no profile: 2L-4H alone .* was trained earlier; run it without --resume/,
  );
});
