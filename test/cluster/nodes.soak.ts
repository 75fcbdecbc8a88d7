// How much faster a study is on two nodes than on one, each with one core; teachers aside, the median of five turns.
// ABKD_TURNS=1 ABKD_EPOCHS=20 node --test test/cluster/nodes.soak.ts for a shorter one. The nodes are this machine's cores, so that
// the ratio is asserted only where nothing else runs.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { median } from "simple-statistics";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";
import { recordsIn, studyIn } from "./tiny.ts";

const TURNS = Number(process.env["ABKD_TURNS"] ?? 5);
const EPOCHS = process.env["ABKD_EPOCHS"] ?? "800";
const LEAST_RATIO = 1.6;
/** The most processes that compute before the first turn, on average over a minute: more would share the cores. */
const AT_REST = 0.3;

test("a study on two nodes of one core takes at most five eighths of its time on one", {
  skip: withoutSlurm() || (availableParallelism() < 2 && "needs two cores"),
}, async (t) => {
  const load = loadavg()[0]!;
  const cluster = await startSlurm(t);
  const folder = temporaryFolder(t);
  const short = { ...cluster.env, TINY_COPIES: "1" };
  const long = { ...cluster.env, TINY_COPIES: "16", TINY_EPOCHS: EPOCHS };
  // The simulated nodes share this machine: without this, a job on one of them could use both cores.
  const core = "taskset -cp $(($(tr -d n <<< $SLURMD_NODENAME) - 1)) $$ > /dev/null";
  const slurm = ["--executor", "slurm", "--time", "30", "--setup", core];
  // The teachers that all turns share.
  const first = join(folder, "first");
  await studyIn(first, { ...short, TINY_EPOCHS: EPOCHS })("run", ...slurm);
  await cluster.idle(600);
  const seconds = async (turn: number, nodes: 1 | 2): Promise<number> => {
    const state = nodes === 1 ? ["state=drain", "reason=one"] : ["state=resume"];
    await cluster.slurm("scontrol", "update", "nodename=n2", ...state).catch(() => {});
    const at = join(folder, `${turn}-${nodes}`);
    cpSync(join(first, "runs", "teachers"), join(at, "runs", "teachers"), { recursive: true });
    const study = studyIn(at, long);
    const began = performance.now();
    const { code, stderr } = await study("run", ...slurm);
    assert.equal(code, 0, stderr);
    await cluster.idle(1800);
    const taken = (performance.now() - began) / 1000;
    assert.equal(recordsIn(join(at, "results")).size, 98, "2 teachers, 3 arms of 16 by 2 seeds");
    return taken;
  };
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const order = turn % 2 === 0 ? ([1, 2] as const) : ([2, 1] as const);
    const taken = new Map<1 | 2, number>();
    for (const nodes of order) taken.set(nodes, await seconds(turn, nodes));
    const [one, two] = [taken.get(1)!, taken.get(2)!];
    ratios.push(one / two);
    t.diagnostic(
      `turn ${turn + 1}: ${one.toFixed(1)} s on one node, ${two.toFixed(1)} s on two, ${(one / two).toFixed(2)} times faster`,
    );
  }
  const found = median(ratios);
  t.diagnostic(`median ${found.toFixed(2)}; load ${load.toFixed(2)} at the start`);
  if (load < AT_REST) assert.ok(found >= LEAST_RATIO, `${found.toFixed(2)} times faster`);
});
