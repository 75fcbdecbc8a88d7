// A study that is killed again and again ends like one that was left alone.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { markdown, studyDocument } from "../../src/experiments/study-document.ts";
import { studyReport } from "../../src/experiments/study-report.ts";
import { parseRecord } from "../../src/experiments/trial-record.ts";
import { randomStream } from "../../src/graph/random.ts";
import { temporaryFolder } from "../training/small.ts";
import { ageFiles, arithmeticPlan } from "./arithmetic-study.ts";

const SCRIPT = fileURLToPath(new URL("./arithmetic-study.ts", import.meta.url));
const KILLS = 100;
/** The number of studies that are killed side by side. */
const LANES = 4;
const SPLITS = 60;

/** Returns everything that a report says. */
function reportOf(folder: string): string {
  const report = studyReport(arithmeticPlan({ splits: SPLITS }), new ResultsStore(folder));
  const document = markdown(report.title, studyDocument(report, []));
  return JSON.stringify(report) + document;
}

/** Runs the study in a process of its own. @returns whether it ended by itself */
async function runOnce(folder: string, killAfter?: number): Promise<boolean> {
  const child = spawn(process.execPath, [SCRIPT, folder, String(SPLITS)], { stdio: "inherit" });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  if (killAfter !== undefined) {
    await Promise.race([setTimeout(killAfter), ended]);
    child.kill("SIGKILL");
  }
  const [code, signal] = await ended;
  assert.ok(code === 0 || signal === "SIGKILL", `exit code ${code}`);
  return code === 0;
}

/** Checks that every record is complete, whenever the writer died. @returns their ids */
function soundRecords(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^[0-9a-f]{16}\.json$/.test(name));
  return names.map((name) => {
    const id = name.slice(0, 16);
    const text = readFileSync(join(folder, name), "utf8");
    assert.equal(typeof parseRecord(text, id), "object", name);
    return id;
  });
}

async function lane(t: TestContext, seed: number, expected: string): Promise<number> {
  const random = randomStream(seed);
  let folder = temporaryFolder(t);
  let torn = 0;
  let before = new Set<string>();
  for (let kills = 0; kills < KILLS / LANES; ) {
    const whole = await runOnce(folder, 20 + 200 * random.uniform());
    const now = new Set(readdirSync(folder).length > 0 ? soundRecords(folder) : []);
    assert.deepEqual(
      [...before].filter((id) => !now.has(id)),
      [],
      "a finished trial was lost",
    );
    before = now;
    torn += readdirSync(folder).filter((name) => name.endsWith(".tmp")).length;
    if (!whole) kills++;
    else {
      assert.equal(reportOf(folder), expected);
      [folder, before] = [temporaryFolder(t), new Set()];
    }
  }
  ageFiles(folder);
  await runOnce(folder);
  assert.equal(reportOf(folder), expected);
  const left = readdirSync(folder).filter((name) => !/^[0-9a-f]{16}\.json$/.test(name));
  assert.deepEqual(left, [], "nothing half done is left");
  return torn;
}

test(`killed ${KILLS} times at random moments, the study's report is the same byte for byte`, async (t) => {
  const undisturbed = temporaryFolder(t);
  assert.ok(await runOnce(undisturbed));
  const expected = reportOf(undisturbed);
  const lanes = Array.from({ length: LANES }, (_, k) => lane(t, k + 1, expected));
  const torn = (await Promise.all(lanes)).reduce((a, b) => a + b, 0);
  t.diagnostic(`${torn} writes were cut in the middle`);
});
