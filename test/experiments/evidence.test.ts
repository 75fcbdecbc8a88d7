// What notebooks and docs/reproduction.md say about the results: which profile, which trials, which words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { datasetName, evidenceOf, provenance, recordsOf } from "../../src/experiments/evidence.ts";
import { headlines } from "../../src/experiments/headlines.ts";
import { reproductionFiles } from "../../src/experiments/reproduction.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials } from "../../src/experiments/run-study.ts";
import { baselines } from "../../src/experiments/studies/arms.ts";
import { findStudy } from "../../src/experiments/studies/index.ts";
import { teachers } from "../../src/experiments/studies/teachers.ts";
import { type Profile, planStudy, type Study } from "../../src/experiments/study.ts";
import { verdictWords } from "../../src/experiments/study-words.ts";
import { failureOf, recordOf } from "../../src/experiments/trial-record.ts";
import { temporaryFolder } from "../training/small.ts";
import { arithmeticResult } from "./arithmetic-study.ts";

const study: Study = {
  ...{ name: "made-up", title: "Made up", about: ["About."], datasets: ["cora", "nowhere"] },
  arms: baselines,
  subject: "softkd",
  claims: (dataset) =>
    dataset === "cora"
      ? [
          {
            kind: "ordering",
            text: "SoftKD is above",
            better: "softkd",
            worse: "student",
            paper: 1,
          },
          {
            kind: "value",
            text: "the student's",
            arm: "student",
            paper: { mean: 74, deviation: 1 },
          },
        ]
      : [],
};

/** Writes records of a profile's trials, computed by arithmetic. */
function fill(store: ResultsStore, profile: Profile, most = Number.POSITIVE_INFINITY): void {
  const plan = planStudy(study, { profile, datasets: ["cora"] });
  for (const config of [...distinctTrials(plan).values()].slice(0, most)) {
    store.write(recordOf(arithmeticResult(config)));
  }
}

test("an empty store: the text says that nothing was run", (t) => {
  const evidence = evidenceOf(study, "cora", new ResultsStore(temporaryFolder(t)));
  assert.equal(evidence.profile, "quick");
  assert.equal(provenance(evidence), "Cora: not run here yet.");
  assert.deepEqual(verdictWords(evidence), ["Cora: not run here yet."]);
});

test("headlines of a table without comparisons are whole sentences", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const table3 = findStudy("table3");
  const plan = planStudy(table3, { profile: "quick", datasets: ["cora"] });
  const teacher = plan.trials.find(({ arm }) => arm === "teacher")!;
  store.write(recordOf(arithmeticResult(teacher.config)));
  const sentences = headlines(evidenceOf(table3, "cora", store));
  assert.match(sentences[0]!, /^Cora: /);
  for (const sentence of sentences) assert.doesNotMatch(sentence, /ABKD is [.;]/);
});

test("a quick profile: a first look without verdicts that names its trials", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  fill(store, "quick");
  const evidence = evidenceOf(study, "cora", store);
  assert.equal(evidence.profile, "quick");
  const day = new Date().toISOString().slice(0, 10);
  assert.match(
    provenance(evidence),
    /^Cora: quick profile, 6 of 6 trials \(splits geom-gcn:0 and geom-gcn:1, seeds 1 and 3\), recorded (\S+),/,
  );
  assert.ok(provenance(evidence).includes(`recorded ${day}`));
  assert.equal(recordsOf(evidence, "softkd").length, 2);
  const words = verdictWords(evidence).join("\n");
  assert.match(words, /no verdict follows/);
  assert.match(words, /so far: SoftKD is above \(the paper: \+1\.00 points\): \+1\d\.\d\d points/);
  assert.match(
    words,
    /SoftKD 8\d\.\d > Teacher 8\d\.\d \(paper 88\.40\) > Student 7\d\.\d \(paper 74\.00\)/,
  );
});

test("more of the paper profile than of the quick one: the paper profile is shown, whatever was asked for", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  fill(store, "paper");
  const evidence = evidenceOf(study, "cora", store, "quick");
  assert.equal(evidence.profile, "paper");
  const words = verdictWords(evidence).join("\n");
  assert.match(words, /\*\*Cora: of 2 claims 2 reproduced\.\*\*/);
  assert.match(words, /- \*\*reproduced\*\*: SoftKD is above .* Holm's p < \.001/);
  assert.match(words, /> Student 7\d\.\d \(paper 74\.00, \d+ of 40 died\)/);
});

test("part of the paper profile: the claims say what is missing", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  fill(store, "paper", 40);
  const { profile, part } = evidenceOf(study, "cora", store);
  assert.equal(profile, "paper");
  assert.match(part.claims[0]!.verdict.why, /^\d+ of 80 trials are missing$/);
});

test("a study of only teachers has no seeds, and a range that is not the paper's", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = planStudy(teachers, { profile: "quick", datasets: ["cora"] });
  for (const { config } of plan.trials) store.write(recordOf(arithmeticResult(config)));
  const evidence = evidenceOf(teachers, "cora", store);
  assert.match(
    provenance(evidence),
    /2 of 2 trials \(splits geom-gcn:0 and geom-gcn:1\), recorded/,
  );
  const words = verdictWords(evidence).join("\n");
  assert.match(words, /a first look at 2 splits, from which/);
  assert.match(words, /so far: the mean over splits is GCNII's own, 88\.4 ± 0\.6: 8\d\.\d\d/);
});

test("diverged trials are counted, and a method that mostly diverged is named separately", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  const plan = planStudy(study, { profile: "quick", datasets: ["cora"] });
  for (const { arm, config } of plan.trials) {
    if (arm === "softkd") store.writeFailure(failureOf(config, "a loss of NaN in epoch 3"));
    else store.write(recordOf(arithmeticResult(config)));
  }
  const evidence = evidenceOf(study, "cora", store);
  assert.match(provenance(evidence), /quick profile, 4 of 6 trials, 2 diverged \(splits/);
  assert.match(verdictWords(evidence).join("\n"), /Most students died or diverged with: SoftKD\./);
});

test("dataset names are written as in the paper", () => {
  assert.deepEqual(["cora", "nell", "nell-0.01"].map(datasetName), ["Cora", "NELL", "NELL-0.01"]);
});

test("the document has claims with verdicts, its parts, and what was not run", (t) => {
  const store = new ResultsStore(temporaryFolder(t));
  fill(store, "paper");
  const other: Study = { ...study, title: "Not run", name: "other" };
  const empty = new ResultsStore(temporaryFolder(t));
  const size = { dataset: "cora", what: "nodes", paper: 2708, ours: 2708 } as const;
  const reproduced = { outcome: "reproduced", why: "equal" } as const;
  const { document: text, parts } = reproductionFiles(
    {
      studies: [
        { study, evidence: [evidenceOf(study, "cora", store)] },
        { study: other, evidence: [evidenceOf(other, "cora", empty)] },
      ],
      graphs: [{ ...size, verdict: reproduced }],
      models: [],
      theorem: { about: "By autograd.", claims: [] },
      facts: [{ id: "x", where: "eq. 4", text: "a | b", holds: true }],
    },
    "parts",
  );
  assert.match(text, /\| Made up \| cora \(paper, 100 of 100 trials\) \| 2 reproduced \|/);
  assert.match(text, /\| Not run \| not run here yet \|/);
  assert.match(text, /## Not run\n[\s\S]*- Cora, 2 claims: no verdict: not run here yet\n/);
  assert.match(
    parts.get("other.md")!,
    /– none \| SoftKD is above \| \+1\.00 points \| {2}\| not run here yet/,
  );
  const [id] = distinctTrials(evidenceOf(study, "cora", store).plan).keys();
  assert.ok(text.includes("](parts/made-up.csv)"));
  assert.match(
    parts.get("made-up.csv")!,
    new RegExp(`^cora,Teacher,geom-gcn:0,${id},alive,1,`, "m"),
  );
  assert.match(text, /\| cora \| nodes \| 2708 \| 2708 \| ✓ reproduced \| equal \|/);
  assert.match(parts.get("made-up.md")!, /## Nowhere/);
});
