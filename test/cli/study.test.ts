// abkd study: what its commands print, and their errors; training itself is tested elsewhere.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { methods } from "../../src/distillation/registry.ts";
import { contenders } from "../../src/experiments/contenders.ts";
import type { StudyReport } from "../../src/experiments/report-data.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials } from "../../src/experiments/run-study.ts";
import { findStudy, studies } from "../../src/experiments/studies/index.ts";
import { planStudy } from "../../src/experiments/study.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import { runId } from "../../src/training/run-id.ts";
import { skipWithoutData } from "../datasets/support/shared-data.ts";
import { arithmeticResult, storeTrials } from "../experiments/arithmetic-study.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkd, abkdHere } from "./abkd.ts";

test("study list names every study with its trials", async () => {
  const { code, stdout } = await abkdHere("study", "list");
  assert.equal(code, 0);
  for (const { name, title } of studies) assert.ok(stdout.includes(name) && stdout.includes(title));
});

test("status, run and report of a finished study", async (t) => {
  const folder = join(temporaryFolder(t), "results");
  const store = new ResultsStore(folder);
  const plan = planStudy(findStudy("table3"), { profile: "quick", datasets: ["cora"] });
  for (const config of distinctTrials(plan).values())
    store.write(recordOf(arithmeticResult(config)));
  const given = ["table3", "--datasets", "cora", "--results", folder];
  const html = join(folder, "..", "pages", "report.html");

  const [status, run, report] = await Promise.all([
    abkdHere("study", "status", ...given),
    abkd("study", "run", ...given),
    abkd("study", "report", ...given, "--json", "--html", html),
  ]);
  assert.match(status.stdout, /cora +abkd:literal +2 +0 +2\n/);
  assert.match(run.stdout, /table3: 0 trials run, .* done/);
  assert.deepEqual([status.code, run.code, report.code], [0, 0, 0], report.stderr);
  const { datasets, facts } = JSON.parse(report.stdout) as StudyReport & { facts: object[] };
  const arm = datasets[0]!.arms.find(({ method }) => method === "abkd")!;
  assert.ok(datasets[0]!.arms.every(({ publishedOf }) => publishedOf === undefined));
  assert.deepEqual([arm.n, arm.paper?.mean, arm.verdict?.outcome], [2, 84.27, "none"]);
  assert.ok(arm.mean! > 0.8 && arm.std! > 0);
  assert.equal(arm.interval, undefined, "two splits have no interval worth a look");
  assert.ok(facts.length > 10);
  for (const id of distinctTrials(plan).keys())
    assert.ok(readFileSync(html, "utf8").includes(`>${id}</td>`), `${id} is not on the page`);
});

test("in the paper profile published weights stand beside the searched ones", async (t) => {
  const folder = join(temporaryFolder(t), "results");
  storeTrials(folder, "table3", "paper");
  const html = join(folder, "..", "report.html");
  const given = ["table3", "--profile", "paper", "--datasets", "cora", "--results", folder];
  const report = await abkdHere("study", "report", ...given, "--json", "--html", html);
  const { datasets } = JSON.parse(report.stdout) as StudyReport;
  const published = datasets[0]!.arms.find(({ publishedOf }) => publishedOf === "lsp")!;
  assert.deepEqual([published.method, published.n], ["lsp:published", 40]);
  assert.match(readFileSync(html, "utf8"), /with published weights/);
});

test("a refused study does not say that the same command continues; a failed one does", async (t) => {
  const folder = temporaryFolder(t);
  const given = ["study", "run", "table3", "--datasets", "synthetic", "--results"];
  const absent = ["--data", join(folder, "absent")];
  const refused = await abkd(...given, join(folder, "results"), ...absent);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /absent/);
  assert.doesNotMatch(refused.stderr, /continues|are kept/);
  const file = join(folder, "file");
  writeFileSync(file, "no folder");
  const failed = await abkd(...given, file);
  assert.equal(failed.code, 1, failed.stderr);
  assert.match(
    failed.stderr,
    /0 of \d+ trials are kept in .*: once that is fixed, the same command/,
  );
});

test("wrong requests give one line and exit code 2", async (t) => {
  const folder = temporaryFolder(t);
  const wrong: [string[], RegExp][] = [
    [
      ["run", "table9"],
      /^abkd: no study "table9"; known: teachers, table2, .*alignahead; did you mean "table2"\?\n$/,
    ],
    [["run", "table3", "--datasets", "karate"], /^abkd: no dataset "karate"/],
    [["run", "table3", "--profile", "full"], /^abkd: .*--profile.*quick, paper/],
    [
      ["run", "table3", "--datasets", "synthetic", "--split", "geom-gcn"],
      /^abkd: synthetic has no geom-gcn splits; use --split random or public\n$/,
    ],
  ];
  const outcomes = await Promise.all(
    wrong.map(([args]) => abkdHere("study", ...args, "--results", join(folder, "results"))),
  );
  outcomes.forEach(({ code, stderr }, k) => {
    assert.equal(code, 2);
    assert.match(stderr, wrong[k]![1]);
  });
  assert.ok(!existsSync(join(folder, "results")));
});

test("plans have every registered method, one start per seed, and the full-size teacher in each profile", () => {
  for (const study of studies) {
    const ids = study.arms.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    // The studies of teachers, and of students without one, are no ABKD tables.
    if (ids.length > 0 && study.teacher !== null)
      for (const control of ["student", "softkd", "abkd:uniform", "abkd:diagonal", "abkd:last"]) {
        assert.ok(ids.includes(control), `${study.name} has no ${control}`);
      }
    const claims = study.datasets.flatMap((dataset) => study.claims(dataset));
    for (const claim of claims) {
      const named = claim.kind === "ordering" ? [claim.better, claim.worse] : [claim.arm];
      for (const arm of named) assert.ok(arm === "teacher" || ids.includes(arm), arm);
    }
    const teachers = (["quick", "paper"] as const).map((profile) => {
      const { trials } = planStudy(study, { profile, datasets: ["cora"] });
      const splits = Map.groupBy(trials, ({ split }) => split);
      const found = [...splits].flatMap(([, all]) =>
        all.flatMap(({ arm, config }) => (arm === "teacher" ? [config] : [])),
      );
      assert.equal(found.length, study.teacher === null ? 0 : splits.size);
      assert.equal(splits.size, profile === "quick" ? 2 : 20);
      for (const { arm, config } of trials) {
        if (!config.teacher) continue;
        // The control that learns from noise has the same teacher, before its first step.
        const untrained = arm === "abkd:random-teacher";
        const like = found.map((one) =>
          runId(untrained ? { ...one, training: { ...one.training, epochs: 0 } } : one),
        );
        assert.ok(like.includes(runId(config.teacher)));
      }
      return found[0];
    });
    assert.deepEqual(teachers[0], teachers[1]);
  }
  const arms = findStudy("table3").arms.map(({ id }) => id);
  for (const { name, role } of methods) {
    const isCompared = arms.some((id) => id.split(":")[0] === name);
    assert.equal(isCompared, role !== "apart", name);
  }
  for (const { id } of contenders()) assert.ok(arms.includes(id), id);
});

test("study pack moves records into packs, which status, run, report and show read", async (t) => {
  const folder = join(temporaryFolder(t), "results");
  storeTrials(folder, "table10");
  const store = new ResultsStore(folder);
  const plan = planStudy(findStudy("table10"), { profile: "quick", datasets: ["cora"] });
  const ids = [...distinctTrials(plan).keys()] as [string, ...string[]];
  const record = store.read(ids).records.get(ids[0]);
  const given = ["table10", "--datasets", "cora", "--results", folder];
  const loose = await abkdHere("study", "report", ...given);

  const packed = await abkdHere("study", "pack", "--results", folder);
  assert.equal(packed.code, 0, packed.stderr);
  const size = ids.length;
  assert.match(
    packed.stdout,
    new RegExp(`^${size} trials packed\n.*cora\\.jsonl: ${size} records, 0\\.\\d MB`),
  );
  assert.deepEqual(readdirSync(folder), ["cora.jsonl"]);
  const [again, status, run, report, show] = await Promise.all([
    abkdHere("study", "pack", "--results", folder),
    abkdHere("study", "status", ...given),
    abkd("study", "run", ...given),
    abkdHere("study", "report", ...given),
    abkdHere("study", "show", ids[0], "--results", folder),
  ]);
  assert.match(again.stdout, /^0 trials packed\n/);
  assert.match(status.stdout, new RegExp(`${size} of ${size} different trials are done`));
  assert.match(run.stdout, /table10: 0 trials run/);
  assert.equal(report.stdout, loose.stdout);
  assert.deepEqual(JSON.parse(show.stdout), record);
  assert.deepEqual(readdirSync(folder), ["cora.jsonl"], "what only reads writes nothing");

  writeFileSync(store.path(ids[0]), "{");
  const left = await abkdHere("study", "pack", "--results", folder);
  assert.equal(left.code, 1);
  assert.match(left.stderr, /cut off or damaged.*; it is left/);
  const none = await abkdHere("study", "show", "0".repeat(16), "--results", folder);
  assert.deepEqual(
    [none.code, none.stderr],
    [2, `abkd: no trial ${"0".repeat(16)} in ${folder}\n`],
  );
  const wrong = await abkdHere("study", "show", "../cora", "--results", folder);
  assert.deepEqual([wrong.code, /16 hex digits/.test(wrong.stderr)], [2, true]);
});

/** Lists the local files that a Markdown text links to. */
function linked(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target!);
}

// Needs the graphs of table 9, since the text would otherwise say that they are missing.
test("the committed docs/reproduction.md and its parts match the committed results", {
  skip: skipWithoutData(),
}, async (t) => {
  const folder = join(import.meta.dirname, "../..");
  const made = join(temporaryFolder(t), "reproduction.md");
  const { code, stderr } = await abkd(
    ...["study", "report", "--results", join(folder, "results"), "--output", made],
  );
  assert.equal(code, 0, stderr);
  const committed = join(folder, "docs/reproduction.md");
  const files = (document: string): Map<string, string> => {
    const parts = document.replace(/\.md$/, "");
    const texts = readdirSync(parts).map((name): [string, string] => [name, join(parts, name)]);
    return new Map(
      [["document", document] as const, ...texts].map(([name, file]) => [
        name,
        readFileSync(file, "utf8"),
      ]),
    );
  };
  const [now, then] = [files(made), files(committed)];
  assert.deepEqual([...then.keys()], [...now.keys()]);
  for (const [name, text] of now)
    assert.ok(
      then.get(name) === text,
      `${name} is stale: \`npm run -s abkd -- study report\` writes it`,
    );

  const text = then.get("document")!;
  assert.ok(Buffer.byteLength(text) < 40_000, "longer than can be read");
  const links = linked(text);
  assert.ok(links.length >= 2 * studies.length);
  for (const target of links) assert.ok(existsSync(join(folder, "docs", target)), target);
  for (const [name, page] of then)
    for (const target of name.endsWith(".md") ? linked(page) : [])
      assert.ok(then.has(target), `${name} links to ${target}`);
});

test("each trial in docs/reproduction's lists is found by its id and agrees with its record", () => {
  const folder = join(import.meta.dirname, "../..");
  const store = new ResultsStore(join(folder, "results"));
  for (const { name } of studies) {
    const [titles, ...rows] = readFileSync(join(folder, `docs/reproduction/${name}.csv`), "utf8")
      .trim()
      .split("\n");
    assert.equal(titles, "graph,arm,split,trial,state,seed,test %,val %,best epoch,epochs");
    const cells = rows.map((row) => {
      // An arm's name may contain commas, inside quotes.
      const [, graph, split, id, state, seed, test] =
        /^(\w+),(?:"[^"]*"|[^,"]*),([^,]*),([0-9a-f]{16}),(\w+),(\d+),([\d.]*),/.exec(row) ?? [];
      return { graph, split, id: id!, state, seed: Number(seed), test };
    });
    const { records } = store.read(cells.map(({ id }) => id));
    for (const { id, graph, split, seed, state, test } of cells) {
      const { config, accuracy, dead } = records.get(id)!;
      assert.deepEqual([graph, split], [config.dataset, config.split]);
      assert.deepEqual([state, test], [dead ? "dead" : "alive", (100 * accuracy.test).toFixed(2)]);
      assert.equal(seed, config.seed);
    }
  }
});
