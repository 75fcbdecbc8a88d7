// A record is written once: of two writers the first wins, and one that disagrees is told.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sealed } from "../../src/base/sealed-json.ts";
import { DifferentResult, ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials, runStudy } from "../../src/experiments/run-study.ts";
import { recordOf, type TrialRecord } from "../../src/experiments/trial-record.ts";
import { temporaryFolder } from "../training/small.ts";
import {
  arithmeticConfig,
  arithmeticPlan,
  arithmeticResult,
  arithmeticRunner,
} from "./arithmetic-study.ts";

const SCRIPT = fileURLToPath(new URL("./arithmetic-study.ts", import.meta.url));
const STALE = new URL("./stale-handles.ts", import.meta.url).href;

const record = recordOf(arithmeticResult(arithmeticConfig("abkd", "geom-gcn:0", 1)));

/** Returns the record with other members and a digest that fits. */
function changed(change: Partial<TrialRecord>): TrialRecord {
  const { digest: _, ...content } = record;
  return sealed({ ...content, ...change }) as TrialRecord;
}

test("a second writer of the same result changes nothing", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  store.write(record);
  const first = readFileSync(store.path(record.id), "utf8");
  store.write(changed({ timing: { seconds: 99, secondsPerEpoch: 1 } }));
  assert.equal(readFileSync(store.path(record.id), "utf8"), first);
  assert.deepEqual(readdirSync(store.folder), [`${record.id}.json`]);
});

test("a second writer of another result is told, and both are kept", async (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const other = changed({ accuracy: { ...record.accuracy, test: 0.123 } });
  store.write(other);
  const message = new RegExp(`holds another result of the same trial.*kept as .*${record.id}.json`);
  assert.throws(
    () => store.write(record),
    (error: Error) => error instanceof DifferentResult && message.test(error.message),
  );
  assert.deepEqual(store.read([record.id]).records.get(record.id), other);
  const aside = JSON.parse(readFileSync(`${store.path(record.id)}.other`, "utf8")) as TrialRecord;
  assert.equal(aside.digest, record.digest);

  // A study says so too, but finishes its other trials.
  const plan = arithmeticPlan({ splits: 1 });
  const trials = distinctTrials(plan);
  const [disturbed] = [...trials.keys()].filter((id) => id !== record.id);
  const strange = recordOf(arithmeticResult(trials.get(disturbed!)!));
  const { digest: _, ...content } = strange;
  const meddling: typeof arithmeticRunner = async (configs, options) => {
    store.write(sealed({ ...content, bestEpoch: 1 }) as TrialRecord);
    await arithmeticRunner(configs, options);
  };
  await assert.rejects(runStudy(plan, { store }, meddling), DifferentResult);
  assert.equal(store.read(trials.keys()).records.size, trials.size);
});

test("a damaged record gives way to a sound one, and is kept", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  writeFileSync(store.path(record.id), "{");
  store.write(record);
  assert.deepEqual(store.read([record.id]).records.get(record.id), record);
  assert.equal(readFileSync(`${store.path(record.id)}.bad`, "utf8"), "{");
});

test("many processes that do the same trials at once leave one record of each", async (t) => {
  const folder = temporaryFolder(t);
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, [SCRIPT, folder, "6"], { stdio: "ignore" }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  const ids = [...distinctTrials(arithmeticPlan({ splits: 6 })).keys()];
  assert.deepEqual(readdirSync(folder).sort(), ids.map((id) => `${id}.json`).sort());
  assert.equal(new ResultsStore(folder).read(ids).records.size, ids.length);
});

test("stale handles of a file server cost a pause, not a record", async (t) => {
  const folder = temporaryFolder(t);
  const child = spawn(process.execPath, ["--import", STALE, SCRIPT, folder, "4"], {
    env: { ...process.env, STALE_EVERY: "7", STALE_UNDER: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });
  const [code] = await once(child, "close");
  assert.deepEqual([code, said], [0, "done\n"]);
  const ids = [...distinctTrials(arithmeticPlan({ splits: 4 })).keys()];
  assert.equal(new ResultsStore(folder).read(ids).records.size, ids.length);
});

test("a file server's clock decides which leftovers are old, not this machine's", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const left = join(store.folder, `${record.id}.json.999999999-0a1b2c3d.tmp`);
  writeFileSync(left, "");
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 7_200_000 });
  store.prepare();
  assert.ok(existsSync(left), "a clock two hours ahead makes no file old");
  const old = Date.now() / 1000 - 7_200 - 3_660;
  utimesSync(left, old, old);
  store.prepare();
  assert.ok(!existsSync(left));
});
