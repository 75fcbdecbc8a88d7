// A packer killed at any call loses and duplicates no record, and the next one finishes its work.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packResults } from "../../src/experiments/pack-results.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { failureOf, recordOf } from "../../src/experiments/trial-record.ts";
import { temporaryFolder } from "../training/small.ts";
import {
  ageFiles,
  arithmeticConfig,
  arithmeticPlan,
  arithmeticResult,
  damageLine,
} from "./arithmetic-study.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const LANES = 2;

/** Makes a pack of two records and a damaged line, and own files for two records and a failure. */
function halfPacked(folder: string): void {
  const store = new ResultsStore(folder);
  const write = (seed: number): void =>
    store.write(recordOf(arithmeticResult(arithmeticConfig("abkd", "geom-gcn:0", seed))));
  for (const seed of [1, 2, 3]) write(seed);
  packResults(store);
  damageLine(join(folder, "cora.jsonl"), 2);
  for (const seed of [4, 5]) write(seed);
  store.writeFailure(failureOf(arithmeticConfig("abkd", "geom-gcn:0", 6), "a loss of NaN"));
}

/** Reads everything that a store has on halfPacked's trials. */
function contents(folder: string): unknown {
  const ids = [1, 2, 3, 4, 5, 6].map(
    (seed) => recordOf(arithmeticResult(arithmeticConfig("abkd", "geom-gcn:0", seed))).id,
  );
  const { records, failures } = new ResultsStore(folder).read(ids);
  return [[...records.values()], [...failures.values()]];
}

async function packUntil(folder: string, call: number): Promise<string> {
  const args = ["--import", here("./kill-at.ts"), here("./pack-script.ts"), folder];
  const child = spawn(process.execPath, args, { env: { ...process.env, KILL_AT: String(call) } });
  const said = child.stdout.toArray();
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(call === 0 ? code === 0 : signal === "SIGKILL", `call ${call}: ${code} ${signal}`);
  return (await said).join("");
}

test("killed at any of its calls, it loses nothing, counts nothing twice and leaves nothing half done", async (t) => {
  const start = temporaryFolder(t);
  halfPacked(start);
  const before = contents(start);
  const copy = (): string => {
    const folder = temporaryFolder(t);
    cpSync(start, folder, { recursive: true });
    return folder;
  };
  const undisturbed = copy();
  const calls = Number(await packUntil(undisturbed, 0));
  assert.ok(calls > 25, `${calls} calls`);
  assert.deepEqual(contents(undisturbed), before);
  const pack = readFileSync(join(undisturbed, "cora.jsonl"), "utf8");
  assert.deepEqual(readdirSync(undisturbed), ["cora.jsonl", "cora.jsonl.bad"]);

  const queue = Array.from({ length: calls }, (_, k) => k + 1);
  const lane = async (): Promise<void> => {
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      const folder = copy();
      await packUntil(folder, call);
      ageFiles(folder);
      assert.deepEqual(contents(folder), before, `after a kill at call ${call}`);
      packResults(new ResultsStore(folder));
      assert.deepEqual(contents(folder), before);
      assert.equal(readFileSync(join(folder, "cora.jsonl"), "utf8"), pack);
      // Both packers may have set the damaged line aside; it also survives the next packing.
      const left = readdirSync(folder);
      assert.deepEqual(
        left.filter((name) => name !== "cora.jsonl.bad.2"),
        ["cora.jsonl", "cora.jsonl.bad"],
        `call ${call}`,
      );
      packResults(new ResultsStore(folder));
      assert.deepEqual(readdirSync(folder), left, `call ${call}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  t.diagnostic(`${calls} kills`);
});

test("a reader misses no record while a packer works", async (t) => {
  const folder = temporaryFolder(t);
  const plan = arithmeticPlan({ splits: 40 });
  const store = new ResultsStore(folder);
  for (const { config } of plan.trials) store.write(recordOf(arithmeticResult(config)));
  const ids = new Set(plan.trials.map(({ id }) => id));
  const child = spawn(process.execPath, [here("./pack-script.ts"), folder], { stdio: "inherit" });
  const ended = once(child, "exit");
  let reads = 0;
  let packed = false;
  ended.then(() => {
    packed = true;
  });
  while (!packed) {
    const { records, problems } = store.read(ids);
    assert.deepEqual([records.size, problems], [ids.size, []], `at read ${reads}`);
    reads++;
    await new Promise(setImmediate);
  }
  assert.deepEqual(readdirSync(folder), ["cora.jsonl"]);
  assert.equal(store.read(ids).records.size, ids.size);
  t.diagnostic(`${reads} reads`);
});

// A limit on file size makes a write fail halfway, as a full disk does.
test("a disk that fills up leaves every record where it was", async (t) => {
  const folder = join(temporaryFolder(t), "results");
  mkdirSync(folder);
  const plan = arithmeticPlan({ splits: 4 });
  const store = new ResultsStore(folder);
  for (const { config } of plan.trials) store.write(recordOf(arithmeticResult(config)));
  const before = readdirSync(folder).sort();
  for (const kilobytes of [0, 8]) {
    const packing = promisify(execFile)("bash", [
      "-c",
      `ulimit -f ${kilobytes}; exec "$0" "$@"`,
      ...[process.execPath, here("./pack-script.ts"), folder],
    ]);
    await assert.rejects(packing, (error: { stdout?: string }) => {
      assert.match(error.stdout ?? "", /^cannot write .*: the file would be larger than/);
      return true;
    });
    assert.deepEqual(readdirSync(folder).sort(), before, "no broken file, nothing lost");
  }
  writeFileSync(join(folder, "cora.jsonl"), "");
  packResults(store);
  assert.equal(store.read(plan.trials.map(({ id }) => id)).records.size, before.length);
});
