// What goes wrong on a cluster: a trial that kills its process, a node that lacks the files.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { scriptOf } from "../../src/cluster/submission.ts";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";
import { assertSameRecords, logsOf, recordsIn, runHere, studyIn } from "./tiny.ts";

const skip = withoutSlurm();

test("a trial that kills its process three times is given up and named with its log; the others are done", {
  skip,
}, async (t) => {
  const cluster = await startSlurm(t);
  const folder = temporaryFolder(t);
  const study = studyIn(folder, { ...cluster.env, TINY_FATAL: "1" });
  const { code, stderr } = await study("run", "--executor", "slurm", "--time", "5");
  assert.equal(code, 0, stderr);
  const here = await runHere(join(folder, "here"));
  await cluster.idle(120);
  assertSameRecords(recordsIn(join(folder, "results")), here);
  const { stdout } = await study("status");
  assert.match(stdout, /on the cluster: 8 of 10 done, .*, 2 failed/);
  const named =
    /^ {2}[0-9a-f]{16}: its process ended by SIGKILL; .*a\d+-\d+\.log ends: abkd: \d trials failed$/gm;
  assert.equal([...stdout.matchAll(named)].length, 2, stdout);
  assert.match(logsOf(folder), /failed 3 times and is given up: its process ended by SIGKILL/);
});

test("a node without the files or without Node.js says so in one line", async (t) => {
  const folder = temporaryFolder(t);
  const run = async (script: string, env = {}): Promise<string> => {
    const file = join(folder, "job.sh");
    writeFileSync(file, script);
    const ended = promisify(execFile)("bash", [file], { env: { ...process.env, ...env } });
    return ended.then(
      () => assert.fail("it ran"),
      ({ code, stderr }: { code: number; stderr: string }) => `${code} ${stderr}`,
    );
  };
  const script = scriptOf(
    join(folder, "it's not here"),
    "a1",
    { setup: "export LOADED=1" },
    "task",
  );
  assert.match(
    await run(script),
    /^1 abkd: \S+ does not see .*it's not here\/plan.json: abkd and its runs must be on the shared file system\n$/,
  );
  const nowhere = script.replace(/^node=.*$/m, "node='/nowhere/node'; PATH=$EMPTY");
  assert.match(await run(nowhere, { EMPTY: folder }), /has no Node.js: put it on the shared file/);
});
