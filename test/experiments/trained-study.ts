// A study of real trials on the synthetic graph, with models small enough to be killed and run again.
// As a script it runs the study: node trained-study.ts STORE RUNS
import { fileURLToPath } from "node:url";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runStudy } from "../../src/experiments/run-study.ts";
import { attentionControls, baselines, searched } from "../../src/experiments/studies/arms.ts";
import { type Arm, planStudy, type Study, type StudyPlan } from "../../src/experiments/study.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { runTrials } from "../../src/training/trials.ts";

const TRAINING = { epochs: 6, patience: 6 };

/** Shrinks a study's configuration, including the teacher, which no profile does. */
function small(config: RunConfig): RunConfig {
  const { initial, teacher, method } = config;
  return {
    ...config,
    model: { ...config.model, ...(!method && { layers: 3, width: 8 }) },
    training: { ...config.training, ...TRAINING },
    ...(teacher && { teacher: small(teacher) }),
    ...(initial && { initial: { ...initial, from: small(initial.from) } }),
  };
}

/** A one-layer network that starts from the attended layer, as in table 4. */
const heir: Arm = {
  ...{ id: "heir", label: "heir", role: "method" },
  config(subject, teacher) {
    const student = baselines[0]!.config(subject, teacher);
    const from = searched.config(subject, teacher);
    const model = { ...student.model, layers: 1 };
    return { ...student, model, initial: { from, layer: "attended" } };
  },
};

const study: Study = {
  ...{ name: "trained", title: "Trained", about: [], datasets: ["synthetic"] },
  arms: [searched, ...baselines, ...attentionControls.slice(0, 1), heir],
  subject: "abkd",
  claims: () => [],
};

export function trainedPlan(): StudyPlan {
  const plan = planStudy(study, { profile: "quick", datasets: ["synthetic"] });
  const [split] = plan.datasets[0]!.splits;
  const trials = plan.trials.flatMap((trial) => {
    if (trial.split !== split) return [];
    const config = small(trial.config);
    return [{ ...trial, config, id: runId(config) }];
  });
  return { ...plan, trials };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = "", runsDir = ""] = process.argv;
  const store = new ResultsStore(folder);
  await runStudy(trainedPlan(), { store, runsDir, workers: 2, checkpointSeconds: 0 }, runTrials);
}
