// The results store: complete records or none, and plain messages for everything else.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { UserError } from "../../src/base/errors.ts";
import { FileError } from "../../src/base/files.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials, runStudy } from "../../src/experiments/run-study.ts";
import type { Claim } from "../../src/experiments/study.ts";
import { studyReport } from "../../src/experiments/study-report.ts";
import { recordOf, type TrialRecord } from "../../src/experiments/trial-record.ts";
import { runId } from "../../src/training/run-id.ts";
import { temporaryFolder } from "../training/small.ts";
import {
  ageFiles,
  arithmeticConfig,
  arithmeticPlan,
  arithmeticResult,
  arithmeticRunner,
} from "./arithmetic-study.ts";

const ABOVE: Claim = { kind: "ordering", text: "above", better: "abkd", worse: "student" };
const SCRIPT = fileURLToPath(new URL("./arithmetic-study.ts", import.meta.url));

test("a record is read back as it was written; another name or version does not match", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const record = recordOf(arithmeticResult(arithmeticConfig("abkd", "geom-gcn:0", 1)));
  store.write(record);
  assert.deepEqual(store.read([record.id]).records.get(record.id), record);
  assert.deepEqual(readdirSync(store.folder), [`${record.id}.json`]);
  const other = "0123456789abcdef";
  writeFileSync(store.path(other), readFileSync(store.path(record.id)));
  const { records, problems } = store.read([other]);
  assert.equal(records.size, 0);
  assert.match(problems[0]!.message, /holds the result of another configuration/);
});

test("cut, altered and other versions' records are named and set aside, and their trials run again", async (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = arithmeticPlan({ splits: 2 });
  await runStudy(plan, { store }, arithmeticRunner);
  const ids = [...distinctTrials(plan).keys()];
  const [cut, altered, version, empty, ...intact] = ids as [string, string, string, string];
  const whole = new Map(ids.map((id) => [id, readFileSync(store.path(id), "utf8")]));
  const change = (id: string, edit: (record: TrialRecord) => object): void => {
    const record = JSON.parse(whole.get(id)!) as TrialRecord;
    writeFileSync(store.path(id), JSON.stringify(edit(record)));
  };
  writeFileSync(store.path(cut), whole.get(cut)!.slice(0, 300));
  change(altered, (record) => ({ ...record, accuracy: { ...record.accuracy, test: 0.99 } }));
  change(version, (record) => ({ ...record, format: "abkd-result/2" }));
  writeFileSync(store.path(empty), "");

  const { records, problems } = store.read(ids);
  assert.deepEqual([...records.keys()], intact);
  const messages = problems.map(({ message }) => message.replace(`${store.folder}/`, ""));
  assert.deepEqual(messages, [
    `${cut}.json is cut off or damaged: its text of 300 characters is not valid JSON (line 17 column 3)`,
    `${altered}.json was altered: its digest does not match`,
    `${version}.json is from another version (format "abkd-result/2", not "abkd-result/1")`,
    `${empty}.json is cut off or damaged: its text of 0 characters is not valid JSON`,
  ]);

  const notes: string[] = [];
  const observer = (event: { type: string; message?: string }): void => {
    if (event.type === "note") notes.push(event.message ?? "");
  };
  // Whatever already has the name for a damaged record stays.
  mkdirSync(`${store.path(altered)}.bad`);
  writeFileSync(`${store.path(empty)}.bad`, "an earlier one");
  assert.equal(await runStudy(plan, { store, observer }, arithmeticRunner), 4);
  assert.equal(notes.length, 4);
  assert.match(notes[0]!, /kept as .*\.json\.bad and run again$/);
  assert.equal(readFileSync(`${store.path(cut)}.bad`, "utf8"), whole.get(cut)!.slice(0, 300));
  assert.ok(existsSync(`${store.path(altered)}.bad.2`));
  assert.equal(readFileSync(`${store.path(empty)}.bad`, "utf8"), "an earlier one");
  assert.equal(store.read(ids).records.size, ids.length);
  assert.equal(await runStudy(plan, { store }, arithmeticRunner), 0, "nothing is done twice");
});

/** Makes the loss of ABKD's trials non-finite, unless they are cured. */
function wildRunner(cured: boolean, begun: string[]): typeof arithmeticRunner {
  return async (configs, options) => {
    begun.push(...configs.map(runId));
    const wild = configs.filter(({ method }) => !cured && method?.name === "abkd");
    for (const config of wild) {
      const message = `abkd, seed ${config.seed}: the loss is NaN in epoch 3`;
      options.observer?.({ type: "fail", id: runId(config), message, diverged: true });
    }
    await arithmeticRunner(
      configs.filter((config) => !wild.includes(config)),
      options,
    );
    if (wild.length > 0) throw new UserError(`${wild.length} runs failed`, { exitCode: 1 });
  };
}

test("a trial that diverges is recorded as such and not run again unless asked", async (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = arithmeticPlan({ splits: 2, claims: [ABOVE] });
  const size = distinctTrials(plan).size;
  const begun: string[] = [];
  assert.equal(await runStudy(plan, { store }, wildRunner(false, begun)), size);
  assert.equal(begun.length, size);
  assert.equal(await runStudy(plan, { store }, wildRunner(false, begun)), 0, "not for ever");
  assert.equal(begun.length, size);

  const report = studyReport(plan, store);
  assert.deepEqual([report.done, report.diverged], [size - 4, 4]);
  const arm = report.datasets[0]!.arms.find(({ method }) => method === "abkd")!;
  assert.deepEqual([arm.n, arm.diverged, arm.planned], [0, 4, 4]);
  const [claim] = report.datasets[0]!.claims;
  assert.deepEqual(claim!.verdict, { outcome: "none", why: "4 of 8 trials diverged" });
  assert.match(report.datasets[0]!.notes.join(), /abkd, 4 trials diverged.*NaN in epoch 3/);

  const [id] = store.read(distinctTrials(plan).keys()).failures.keys();
  writeFileSync(store.failurePath(id!), "{");
  const [problem] = store.read([id!]).problems;
  assert.match(problem!.message, /\.failed\.json is cut off or damaged/);
  const again = { store, retryFailed: true };
  assert.equal(await runStudy(plan, again, wildRunner(true, begun)), 4);
  assert.deepEqual(studyReport(plan, store).diverged, 0);
});

test("a trial that fails for another reason has no record and is run again", async (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = arithmeticPlan({ splits: 1 });
  const failing: typeof arithmeticRunner = async ([first, ...rest], options) => {
    const message = "its worker failed";
    options.observer?.({ type: "fail", id: runId(first!), message, diverged: false });
    await arithmeticRunner(rest, options);
    throw new UserError(message, { exitCode: 1 });
  };
  await assert.rejects(runStudy(plan, { store }, failing), /its worker failed/);
  assert.equal(await runStudy(plan, { store }, arithmeticRunner), 1);
});

test("a different hyper-parameter or method version makes a different trial", async (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = arithmeticPlan({ splits: 1 });
  await runStudy(plan, { store }, arithmeticRunner);
  for (const changed of [{ version: 2 }, { learningRate: 0.02 }]) {
    const other = arithmeticPlan({ splits: 1, ...changed });
    const students = [...distinctTrials(other)].filter(([, config]) => config.method);
    assert.equal(store.read(students.map(([id]) => id)).records.size, 0);
  }
});

test("a store that cannot be written stops the study before its first trial", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  const plan = arithmeticPlan({ splits: 1 });
  let trials = 0;
  const counting: typeof arithmeticRunner = (configs, options) => {
    trials++;
    return arithmeticRunner(configs, options);
  };
  const store = new ResultsStore(join(folder, "file"));
  await assert.rejects(runStudy(plan, { store }, counting), (error) => {
    assert.ok(error instanceof FileError);
    assert.match(
      error.message,
      /^cannot write .*there is a file where a folder is needed|is a file/,
    );
    return true;
  });
  assert.equal(trials, 0);
});

test("a read-only store is named; its records can still be read", async (t) => {
  const folder = temporaryFolder(t);
  const store = new ResultsStore(join(folder, "results"));
  const plan = arithmeticPlan({ splits: 1 });
  await runStudy(plan, { store }, arithmeticRunner);
  chmodSync(folder, 0o755);
  chmodSync(store.folder, 0o555);
  // Root may write everywhere, so these lines run as nobody.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    const more = arithmeticPlan({ splits: 2 });
    await assert.rejects(runStudy(more, { store }, arithmeticRunner), /permission is denied/);
    assert.equal(store.read(distinctTrials(plan).keys()).records.size, plan.trials.length);
  } finally {
    if (root) process.seteuid?.(0);
    chmodSync(store.folder, 0o755);
  }
});

// A limit on file size makes a write fail halfway, as a full disk does.
test("a full disk ends the study with the reason; what was stored stays", async (t) => {
  const folder = join(temporaryFolder(t), "results");
  mkdirSync(folder);
  const small = arithmeticPlan({ splits: 1 });
  await runStudy(small, { store: new ResultsStore(folder) }, arithmeticRunner);
  const before = readdirSync(folder).sort();
  const run = promisify(execFile)("bash", [
    "-c",
    'ulimit -f 0; exec "$0" "$@"',
    ...[process.execPath, SCRIPT, folder, "3"],
  ]);
  await assert.rejects(run, (error: { stdout?: string }) => {
    assert.match(error.stdout ?? "", /^cannot write .*: the file would be larger than/);
    return true;
  });
  assert.deepEqual(readdirSync(folder).sort(), before, "no broken file, nothing lost");
  assert.equal(
    new ResultsStore(folder).read(distinctTrials(small).keys()).records.size,
    small.trials.length,
  );
});

test("unfinished files of killed writers are removed, those of live writers are not", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const dead = join(store.folder, "0123456789abcdef.json.999999999-00000000.tmp");
  const living = join(store.folder, `0123456789abcdef.json.${process.pid}-00000000.tmp`);
  const foreign = join(store.folder, "notes.txt");
  for (const file of [dead, living, foreign]) writeFileSync(file, "{");
  ageFiles(store.folder);
  store.prepare();
  const left = readdirSync(store.folder).map((name) => join(store.folder, name));
  assert.deepEqual(left.sort(), [living, foreign].sort());
});

test("files of another machine's writer stay, though no process here has its id", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const names = [
    ...["0123456789abcdef.json.999999999-0123abcd.tmp", "cora.jsonl.999999999-0123abcd.tmp"],
    ...[".pack.lock.999999999", ".probe.999999999-0123abcd.tmp"],
  ];
  for (const name of names) writeFileSync(join(store.folder, name), "{");
  store.prepare();
  assert.deepEqual(readdirSync(store.folder).sort(), [...names].sort());
  ageFiles(store.folder, 59);
  store.prepare();
  assert.deepEqual(readdirSync(store.folder).sort(), [...names].sort());
  ageFiles(store.folder, 61);
  store.prepare();
  assert.deepEqual(readdirSync(store.folder), []);
});

test("lines and files that were set aside stay, whatever number their names end in", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const kept = [
    ...["cora.jsonl.bad", "cora.jsonl.bad.999999999", "cora.jsonl.999999999"],
    ...["0123456789abcdef.json.bad.999999999", "0123456789abcdef.json.999999999"],
  ];
  const temporary = [
    ...["cora.jsonl.999999999-0123abcd.tmp", "cora.jsonl.bad.999999999-0123abcd.tmp"],
    ...["cora.jsonl.bad.2.999999999-0123abcd.tmp", ".probe.999999999-0123abcd.tmp"],
    ...["0123456789abcdef.failed.json.999999999-0123abcd.tmp"],
    ...[".pack.lock.999999999", ".pack.lock.999999999.old"],
  ];
  for (const name of [...kept, ...temporary]) writeFileSync(join(store.folder, name), "{");
  ageFiles(store.folder);
  store.prepare();
  assert.deepEqual(readdirSync(store.folder).sort(), [...kept].sort());
});
