// Packs of results: their lines, damage, merges of two branches, one packer at a time.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { FileError } from "../../src/base/files.ts";
import { sealed } from "../../src/base/sealed-json.ts";
import { packResults } from "../../src/experiments/pack-results.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials, runStudy } from "../../src/experiments/run-study.ts";
import { studyReport } from "../../src/experiments/study-report.ts";
import { failureOf, recordOf, type TrialRecord } from "../../src/experiments/trial-record.ts";
import { randomStream } from "../../src/graph/random.ts";
import { runId } from "../../src/training/run-id.ts";
import { temporaryFolder } from "../training/small.ts";
import {
  ageFiles,
  arithmeticConfig,
  arithmeticPlan,
  arithmeticResult,
  arithmeticRunner,
  damageLine,
} from "./arithmetic-study.ts";
import { committedRecords, RESULTS } from "./committed-records.ts";

/** Writes JSON with sorted members and no blanks, independently of src/: digests and ids are made from it. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

const hash = (value: unknown): string =>
  createHash("sha256").update(sortedJson(value)).digest("hex").slice(0, 16);

const linesOf = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

/** Makes a store with the packed records of a small study. */
async function packed(t: TestContext, splits = 2) {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = arithmeticPlan({ splits });
  await runStudy(plan, { store }, arithmeticRunner);
  const ids = [...distinctTrials(plan).keys()];
  const { records } = store.read(ids);
  assert.equal(packResults(store).packed, ids.length);
  return { store, plan, ids, records, path: store.packPath("cora") };
}

test("every committed trial has the right digest, and its id follows from its whole configuration", () => {
  const all = committedRecords();
  for (const { file, text, record } of all) {
    const { digest, ...content } = record;
    assert.equal(digest, hash(content), record.id);
    assert.equal(record.id, hash(record.config));
    if (!file.endsWith(".jsonl")) continue;
    assert.equal(text, sortedJson(record));
    assert.equal(`${record.config.dataset}.jsonl`, file);
  }
  for (const [file, some] of Map.groupBy(all, (one) => one.file)) {
    const ids = some.map(({ record }) => record.id);
    assert.deepEqual(ids, [...ids].sort(), file);
  }
  const seen = new Set(all.map(({ record }) => record.id));
  assert.ok(seen.size >= 2948);
  const { records, failures, problems } = new ResultsStore(RESULTS).read(seen);
  assert.deepEqual([records.size + failures.size, problems], [seen.size, []]);
});

test("records and failures become lines sorted by id, and are read as before", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const records = [1, 2, 3].map((seed) =>
    recordOf(arithmeticResult(arithmeticConfig("abkd", "geom-gcn:0", seed))),
  );
  for (const record of records) store.write(record);
  const elsewhere = { ...arithmeticConfig("abkd", "public", 1), dataset: "up/../and:away" };
  store.write(recordOf(arithmeticResult(elsewhere)));
  // One trial diverged; another has an earlier failure and a result.
  const diverged = failureOf(arithmeticConfig("abkd", "geom-gcn:0", 4), "a loss of NaN");
  store.writeFailure(diverged);
  store.writeFailure(failureOf(records[0]!.config, "a loss of NaN"));
  writeFileSync(join(store.folder, "theorem-1.json"), "{}");
  const ids = [...records.map(({ id }) => id), diverged.id];

  const report = packResults(store);
  assert.deepEqual([report.packed, report.problems], [6, []]);
  assert.deepEqual(readdirSync(store.folder), [
    "cora.jsonl",
    "theorem-1.json",
    "up%2F..%2Fand%3Aaway.jsonl",
  ]);
  const keys = linesOf(store.packPath("cora")).map((line) => {
    const { id, format } = JSON.parse(line) as TrialRecord;
    return `${id} ${format}`;
  });
  assert.equal(keys.length, 5);
  assert.deepEqual(
    keys.map((key) => key.slice(0, 16)),
    keys.map((key) => key.slice(0, 16)).sort(),
  );
  const read = store.read(ids);
  assert.deepEqual([...read.records.values()], records);
  assert.deepEqual([...read.failures.values()], [diverged]);
  assert.deepEqual(store.known([...ids, "0".repeat(16)]), new Set(ids));
  assert.match(store.place(records[0]!.id), /cora\.jsonl line [1-5]$/);

  const text = readFileSync(store.packPath("cora"), "utf8");
  assert.equal(packResults(store).packed, 0);
  assert.equal(readFileSync(store.packPath("cora"), "utf8"), text, "once more changes nothing");
});

test("a study continues from packed records, and its report is the same", async (t) => {
  const { store, plan, ids } = await packed(t, 3);
  const more = arithmeticPlan({ splits: 6 });
  const all = distinctTrials(more).size;
  assert.equal(await runStudy(more, { store }, arithmeticRunner), all - ids.length);
  const mixed = studyReport(more, store);
  assert.equal(packResults(store).packed, all - ids.length);
  assert.deepEqual(readdirSync(store.folder), ["cora.jsonl"]);
  assert.deepEqual(studyReport(more, store), mixed);
  assert.equal(await runStudy(plan, { store }, arithmeticRunner), 0);
});

test("a line altered anywhere is named; the others count, and its trial is run again", async (t) => {
  const { store, plan, ids, path } = await packed(t);
  const whole = readFileSync(path);
  const random = randomStream(7);
  for (let k = 0; k < 300; k++) {
    const bytes = Buffer.from(whole);
    const at = Math.floor(random.uniform() * bytes.length);
    if (k % 3 === 0) bytes[at]! ^= 1 << Math.floor(random.uniform() * 8);
    else if (k % 3 === 1) bytes.write("0", at);
    const damaged = k % 3 === 2 ? bytes.subarray(0, at) : bytes;
    if (damaged.equals(whole)) continue;
    writeFileSync(path, damaged);
    const { records, problems } = new ResultsStore(store.folder).read(ids);
    const said = problems.map(({ message }) => message);
    // If the file is cut between two lines, the remaining ones are complete.
    if (k % 3 === 2 && (at === 0 || whole[at] === 10 || whole[at - 1] === 10)) continue;
    assert.match(said[0] ?? "", /cora\.jsonl line \d+ was cut or altered/, `byte ${at}`);
    const lost = k % 3 === 2 ? ids.length : 2;
    assert.ok(records.size < ids.length && records.size >= ids.length - lost);
  }
  writeFileSync(path, whole);
  const lost = JSON.parse(linesOf(path)[3]!) as TrialRecord;
  damageLine(path, 4);
  const damaged = linesOf(path)[3];
  assert.match(
    store.read(ids).problems[0]!.message,
    /cora\.jsonl line 4 was cut or altered: its digest does not match$/,
  );
  const notes: string[] = [];
  const observer = (event: { type: string; message?: string }): void => {
    if (event.type === "note") notes.push(event.message ?? "");
  };
  assert.equal(await runStudy(plan, { store, observer }, arithmeticRunner), 1);
  assert.match(notes[0]!, /line 4 was cut or altered.*; its trial counts as not done$/);
  assert.ok(existsSync(store.path(lost.id)));
  const report = packResults(store);
  assert.match(report.problems[0]!, /line 4 .*; kept in .*cora\.jsonl\.bad$/);
  assert.deepEqual(linesOf(`${path}.bad`), [damaged]);
  assert.equal(report.packed, 1);
  assert.deepEqual(store.read(ids).problems, []);
  assert.equal(store.read(ids).records.get(lost.id)!.accuracy.test, lost.accuracy.test);
});

test("a line with another configuration or form is not trusted, though its digest matches", async (t) => {
  const { store, ids, path } = await packed(t);
  const lines = linesOf(path);
  const forged = [0, 1].map((k) => {
    const { digest: _, ...content } = JSON.parse(lines[k]!) as TrialRecord;
    const change = k === 0 ? { config: { ...content.config, seed: 99 } } : { epochs: -1 };
    return sortedJson(sealed({ ...content, ...change }));
  });
  writeFileSync(path, [...forged, ...lines.slice(2), ""].join("\n"));
  const { records, problems } = store.read(ids);
  assert.equal(records.size, ids.length - 2);
  assert.deepEqual(problems.map(({ message }) => message.replace(/^.*cora/, "cora")).sort(), [
    `cora.jsonl line 1 holds the result of another configuration (${JSON.parse(lines[0]!).id})`,
    "cora.jsonl line 2 is damaged: its epochs is not what it should be",
  ]);
});

test("a file and a line that differ both stay, unless they differ only in timing", async (t) => {
  const { store, ids, records, path } = await packed(t);
  const [first, second] = ids.map((id) => records.get(id)!) as [TrialRecord, TrialRecord];
  const rewrite = ({ digest: _, ...content }: TrialRecord, change: object): void =>
    store.write(sealed({ ...content, ...change }) as TrialRecord);
  rewrite(first, { timing: { ...first.timing, seconds: 1e6 } });
  rewrite(second, { accuracy: { ...second.accuracy, test: 0.5 } });
  const text = readFileSync(path, "utf8");
  const report = packResults(store);
  assert.equal(report.packed, 1);
  assert.equal(report.problems.length, 1);
  assert.match(
    report.problems[0]!,
    new RegExp(
      `${second.id}\\.json and .*cora\\.jsonl line \\d+ have different results for one trial`,
    ),
  );
  assert.equal(readFileSync(path, "utf8"), text);
  assert.deepEqual(readdirSync(store.folder).sort(), [`${second.id}.json`, "cora.jsonl"].sort());
});

test("a pack without a sound line stays, and is reported in a few lines", async (t) => {
  const { store, ids, path } = await packed(t, 4);
  const text = readFileSync(path, "utf8").replaceAll("\n", "\r\n");
  writeFileSync(path, text);
  const { records, problems } = store.read(ids);
  assert.deepEqual([records.size, problems.length], [0, 11]);
  assert.match(problems[10]!.message, /cora\.jsonl has \d+ more damaged lines$/);
  assert.match(
    packResults(store).problems.join(),
    /^\S*cora\.jsonl holds no record; it is left in place$/,
  );
  assert.equal(readFileSync(path, "utf8"), text);
});

test("damaged files, and anything else in the folder, are reported and stay", async (t) => {
  const { store, ids } = await packed(t);
  const cut = "0123456789abcdef";
  writeFileSync(store.path(cut), "{");
  mkdirSync(store.path("1".repeat(16)));
  // If a damaged file is beside a sound line, the line counts.
  writeFileSync(store.path(ids[0]!), "");
  const { packed: count, problems } = packResults(store);
  assert.equal(count, 0);
  assert.equal(problems.length, 3);
  assert.match(
    problems.join("\n"),
    /cut off or damaged.*; it is left[\s\S]*is not a regular file; it is left/,
  );
  assert.equal(readFileSync(store.path(cut), "utf8"), "{");
  const read = store.read(ids);
  assert.deepEqual([read.records.size, read.problems], [ids.length, []]);
});

test("a pack that cannot be read stops the study, since its trials are not missing", async (t) => {
  const { store, plan, ids, path } = await packed(t);
  rmSync(path);
  mkdirSync(path);
  assert.throws(() => store.read(ids), FileError);
  await assert.rejects(
    runStudy(plan, { store }, arithmeticRunner),
    /is not a regular file; move it away/,
  );
});

test("after a merge of two branches' packs, the lines of both count, and the next packing sorts them", async (t) => {
  const { store, ids, records, path } = await packed(t);
  const folder = temporaryFolder(t);
  const git = (...args: string[]): void => {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
    execFileSync("git", [...who, ...args], { cwd: folder, stdio: "pipe" });
  };
  const lines = linesOf(path);
  const write = (some: readonly string[]): void => {
    mkdirSync(join(folder, "results"), { recursive: true });
    writeFileSync(join(folder, "results/cora.jsonl"), `${some.join("\n")}\n`);
    git("add", "-A");
    git("commit", "-qm", "results");
  };
  git("init", "-q", "-b", "main");
  writeFileSync(
    join(folder, ".gitattributes"),
    readFileSync(new URL("../../.gitattributes", import.meta.url)),
  );
  // Both add records between the same two; one record is the same in both but for its timing.
  const { digest: _, ...twice } = JSON.parse(lines[5]!) as TrialRecord;
  const slower = sealed({ ...twice, timing: { ...twice.timing, seconds: 1e6 } });
  write([lines[0]!, ...lines.slice(-2)]);
  git("checkout", "-qb", "other");
  write([lines[0]!, ...[2, 4].map((k) => lines[k]!), sortedJson(slower), ...lines.slice(-2)]);
  git("checkout", "-q", "main");
  write([lines[0]!, ...[1, 3, 5].map((k) => lines[k]!), ...lines.slice(6)]);
  git("merge", "-q", "other", "-m", "merged");

  const merged = new ResultsStore(join(folder, "results"));
  const read = merged.read(ids);
  assert.deepEqual([read.records.size, read.problems], [ids.length, []]);
  assert.deepEqual(packResults(merged).problems, []);
  assert.equal(linesOf(merged.packPath("cora")).length, ids.length);
  const after = merged.read(ids).records;
  for (const id of ids) assert.equal(after.get(id)!.accuracy.test, records.get(id)!.accuracy.test);

  // Without the attributes, conflict markers are damaged lines, and the rest counts.
  const marked = ["<<<<<<< HEAD", lines[2]!, "=======", lines[1]!, ">>>>>>> other"];
  writeFileSync(path, [lines[0], ...marked, ...lines.slice(3), ""].join("\n"));
  const conflict = store.read(ids);
  assert.deepEqual([conflict.records.size, conflict.problems.length], [ids.length, 3]);
  assert.equal(packResults(store).problems.length, 3);
  assert.deepEqual(linesOf(path), lines);
});

test("lines that contradict each other are not trusted, and are set aside", async (t) => {
  const { store, ids, path } = await packed(t);
  const lines = linesOf(path);
  const { digest: _, ...content } = JSON.parse(lines[2]!) as TrialRecord;
  const other = sortedJson(sealed({ ...content, dead: true, bestEpoch: 1 }));
  writeFileSync(path, [...lines, other, ""].join("\n"));
  const { records, problems } = store.read(ids);
  assert.equal(records.size, ids.length - 1);
  assert.equal(problems.length, 2);
  assert.match(problems[0]!.message, /line \d+ and line 3 have different results for trial/);
  packResults(store);
  assert.deepEqual(linesOf(path), lines.toSpliced(2, 1));
  assert.deepEqual(linesOf(`${path}.bad`).sort(), [lines[2], other].sort());
});

test("one packer runs at a time; a dead one's lock is taken over, another machine's is not", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const config = arithmeticConfig("abkd", "geom-gcn:0", 1);
  store.write(recordOf(arithmeticResult(config)));
  const lock = join(store.folder, ".pack.lock");
  // Containers may share a host's name, but each has its own process ids, which mean nothing outside it.
  const space = existsSync("/proc/self/ns/pid") ? ` ${readlinkSync("/proc/self/ns/pid")}` : " -";
  const others = [`not-${hostname()} 999999999${space}`, `${hostname()} 999999999 pid:[1]`];
  for (const owner of [`${hostname()} ${process.pid}${space}`, ...others]) {
    writeFileSync(lock, `${owner}\n`);
    assert.throws(
      () => packResults(store),
      /another process is packing these results: .*\.pack\.lock/,
    );
    assert.equal(readFileSync(lock, "utf8"), `${owner}\n`);
    assert.ok(existsSync(store.path(runId(config))));
  }
  writeFileSync(lock, `${hostname()} 999999999${space}\n`);
  writeFileSync(`${lock}.999999999`, "");
  ageFiles(store.folder);
  assert.equal(packResults(store).packed, 1);
  assert.deepEqual(readdirSync(store.folder), ["cora.jsonl"]);
});

test("a packer whose lock was deleted does not remove its successor's lock", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, ".pack.lock");
  const store = new (class extends ResultsStore {
    override looseFiles() {
      rmSync(path);
      writeFileSync(path, "elsewhere 1\n");
      return super.looseFiles();
    }
  })(folder);
  store.write(recordOf(arithmeticResult(arithmeticConfig("abkd", "geom-gcn:0", 1))));
  assert.equal(packResults(store).packed, 1);
  assert.equal(readFileSync(path, "utf8"), "elsewhere 1\n");
});

test("a damaged line is reported if its trial is asked for and missing; without an id, always", async (t) => {
  const { store, plan, ids, path } = await packed(t);
  const lines = linesOf(path);
  const lost = (JSON.parse(lines[3]!) as TrialRecord).id;
  const others = ids.filter((id) => id !== lost);
  const told = (asked: readonly string[]): (string | undefined)[] =>
    store.read(asked).problems.map(({ id }) => id);
  damageLine(path, 4);
  assert.deepEqual(told(ids), [lost]);
  assert.deepEqual(told(others), [], "of trials that nobody asked for");
  // If a digit of the id is damaged, the configuration tells whose line it is.
  const other = `${lost.slice(0, 15)}${lost.endsWith("0") ? "1" : "0"}`;
  writeFileSync(path, `${lines.toSpliced(3, 1, lines[3]!.replace(lost, other)).join("\n")}\n`);
  assert.deepEqual([told(ids), told(others)], [[lost], []]);

  const notes: string[] = [];
  const observer = (event: { type: string; message?: string }): void => {
    if (event.type === "note") notes.push(event.message ?? "");
  };
  const wild: typeof arithmeticRunner = async ([config], options) => {
    options.observer?.({ type: "fail", id: runId(config!), message: "NaN", diverged: true });
    throw new UserError("a run failed", { exitCode: 1 });
  };
  await runStudy(plan, { store, observer }, wild);
  assert.match(notes.join(), /line 4 was cut or altered.*; its trial counts as not done$/);
  // It diverged, so it is not run again unless that is requested.
  const more = arithmeticPlan({ splits: 3 });
  notes.length = 0;
  await runStudy(more, { store, observer }, arithmeticRunner);
  assert.match(notes.join(), /line 4 was cut or altered: its digest does not match$/);
  await runStudy(more, { store, retryFailed: true }, arithmeticRunner);
  assert.deepEqual(told(ids), [], "its trial has a record again");

  writeFileSync(path, `${lines.toSpliced(3, 1, "<<<<<<< HEAD").join("\n")}\n`);
  assert.deepEqual([told(ids), told(others)], [[undefined], [undefined]]);
});
