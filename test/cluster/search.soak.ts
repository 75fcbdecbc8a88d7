// Searches on a cluster to their end: the recipe search from rung to rung by itself, and compress over several turns.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { start } from "../cli/abkd.ts";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";
import { assertSameRecords, logsOf, recordsIn } from "./tiny.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/search-recipes.ts", import.meta.url));
const skip = withoutSlurm();

test("a recipe search goes on from rung to rung by itself, to the records and recipe of a local one", {
  skip,
}, async (t) => {
  const cluster = await startSlurm(t);
  const folder = temporaryFolder(t);
  const search = async (at: string, ...more: string[]): Promise<string> => {
    const place = ["--results", join(folder, at, "search"), "--runs", join(folder, at, "runs")];
    const args = ["--dataset", "synthetic", "--only", "student", ...place, ...more];
    return (await promisify(execFile)(process.execPath, [SCRIPT, ...args], { env: cluster.env }))
      .stdout;
  };
  const submitted = await search("cluster", "--executor", "slurm");
  assert.match(submitted, /goes on after them/);
  // Between two rungs the queue is never empty: the job that goes on submits before it ends.
  await cluster.idle(3000);
  const logs = logsOf(join(folder, "cluster"));
  /** The row of its recipe, without its seconds. */
  const recipeIn = (text: string): string | undefined =>
    /^\| Student .*$/m.exec(text)?.[0].split("|").toSpliced(7, 1).join("|");
  const recipe = recipeIn(logs);
  const turns = [...logs.matchAll(/goes on after them/g)].length;
  t.diagnostic(`${turns} rungs were submitted by jobs; ${recipe}`);
  assert.ok(turns >= 5 && recipe !== undefined, logs);
  const here = await search("here", "--workers", "2");
  assertSameRecords(
    recordsIn(join(folder, "cluster", "search")),
    recordsIn(join(folder, "here", "search")),
  );
  assert.equal(recipeIn(here), recipe);
});

test("compress is warned of its time limit, goes on in another turn, and leaves its card", {
  skip,
}, async (t) => {
  const cluster = await startSlurm(t, { nodes: 1 });
  const folder = temporaryFolder(t);
  const [output, runs] = [join(folder, "out"), join(folder, "runs")];
  const command = () => {
    const request = ["compress", "synthetic", "--budget", "400", "--minutes", "1.5"];
    const teacher = ["--teacher-layers", "2", "--teacher-epochs", "100"];
    const place = ["--output", output, "--runs", runs, "--executor", "slurm"];
    return start([...request, ...teacher, ...place], cluster.env).outcome;
  };
  const first = await command();
  const [, job] = /^job (\d+) submitted/.exec(first.stdout) ?? [];
  assert.ok(job !== undefined, first.stderr);
  const running = () => cluster.slurm("squeue", "--noheader", "--states=RUNNING", "--format=%M");
  // Longer than the shortest turn that is worth another one.
  while (!/0:(2[5-9]|[345])/.test(await running())) await setTimeout(500);
  await cluster.slurm("scancel", "--signal=USR1", "--batch", job);
  while (!logsOf(runs).includes("asking for another turn")) await setTimeout(500);
  // Slurm lets it wait for two minutes; told so earlier, it would take the first turn's end for the second's.
  const reason = () => cluster.slurm("squeue", "--noheader", "--format=%r");
  while (!(await reason()).includes("BeginTime")) await setTimeout(500);
  // Within the second of the first turn's end its node would take the second's credential for a revoked one.
  await cluster.slurm("scontrol", "update", `jobid=${job}`, "StartTime=now+3");
  await cluster.idle(600);
  assert.match(logsOf(runs), /restart 1\n/);
  assert.ok(existsSync(join(output, "student.safetensors")), logsOf(runs));
  assert.match((await command()).stdout, /card\.md is there: this search is over/);
});
