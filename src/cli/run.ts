// What `train` and `distill` share: they run configurations, show progress, report, and stop cleanly.
import { mean, median, sampleStandardDeviation } from "simple-statistics";
import { progressPrinter } from "../datasets/download-progress.ts";
import { grouped, percent, timesFewer } from "../display/format.ts";
import { profileText } from "../figures/profile.ts";
import { withPrerequisites } from "../training/beforehand.ts";
import type { NodeKinds } from "../training/node-kinds.ts";
import type { TrainingEvent } from "../training/observer.ts";
import { TrialsError } from "../training/outcomes.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { describeRun } from "../training/run-id.ts";
import { runFiles } from "../training/run-store.ts";
import { runTrials } from "../training/trials.ts";
import { givenMachineOptions, type RunOptions } from "./options.ts";
import { print, printJson, tellText } from "./output.ts";
import { showNotes, showProgress } from "./progress.ts";
import { stopOnSignals } from "./signals.ts";

/** Runs the configurations and prints the results to stdout; progress goes to stderr. */
export async function runAndReport(
  configs: readonly RunConfig[],
  options: RunOptions,
): Promise<void> {
  const progress = options.quiet ? undefined : showProgress(withPrerequisites(configs).keys());
  const downloads = options.quiet ? undefined : progressPrinter(process.stderr);
  const stopper = stopOnSignals();
  let profiled: ProfileEvent | undefined;
  const report = (results: readonly (RunResult | undefined)[]): void => {
    const there = results.filter((result) => result !== undefined);
    if (options.json) printJson(there);
    else if (there.length > 0) print(summary(there, options.runs));
  };
  try {
    const results = await runTrials(configs, {
      runsDir: options.runs,
      download: true,
      ...(downloads && { onProgress: downloads.show }),
      signal: stopper.signal,
      checkpointSeconds: options.checkpointEvery,
      ...(options.data !== undefined && { dataDir: options.data }),
      ...givenMachineOptions(options),
      ...(options.module && { modules: options.module }),
      ...(options.resume && { resume: true }),
      ...(options.profile && { profile: true }),
      observer: (event) => {
        stopper.observe(event);
        if (event.type === "profile") profiled = event;
        (progress?.observer ?? showNotes)(event);
      },
    });
    progress?.close();
    report(results);
    if (options.profile) tellProfile(profiled, configs[0]!, options.json ?? false);
  } catch (error) {
    downloads?.clear();
    progress?.close();
    if (error instanceof TrialsError && error.results.some((result) => result)) {
      report(error.results);
    }
    throw stopper.told(error, "the same command with --resume continues");
  } finally {
    stopper.release();
  }
}

type ProfileEvent = Extract<TrainingEvent, { type: "profile" }>;

/** Prints the timing profile; to stderr if stdout is JSON. */
function tellProfile(event: ProfileEvent | undefined, config: RunConfig, json: boolean): void {
  const say = json ? tellText : print;
  const name = describeRun(config);
  if (!event) {
    say(`no profile: ${name} was trained earlier; run it without --resume`);
    return;
  }
  const { profile, trace } = event;
  const { steps, tracedSteps } = profile;
  const which = tracedSteps < steps ? `the first ${tracedSteps} of ${steps}` : `all ${steps}`;
  say(
    `\nprofile of ${name}:\n${profileText(profile)}\n` +
      `\ntrace of ${which} steps, for chrome://tracing or ui.perfetto.dev: ${trace}`,
  );
}

/** Returns a line per run, the mean of several, and what a reader must know. */
function summary(results: readonly RunResult[], runsDir: string): string {
  const lines = results.map((result) => {
    const { config, accuracy, bestEpoch, timing } = result;
    const folder = runFiles(runsDir, config).folder;
    const dead = result.dead ? "  DEAD" : "";
    return (
      `seed ${config.seed}  test ${percent(accuracy.test)}  val ${percent(accuracy.val)}  ` +
      `train ${percent(accuracy.train)}  best epoch ${bestEpoch}  ` +
      `${timing.seconds.toFixed(1)} s  ${folder}${dead}`
    );
  });
  const [first] = results;
  if (!first) return "";
  const { model, teacher } = first.parameters;
  const compared =
    teacher === undefined
      ? ""
      : `, ${timesFewer(model, teacher)} the teacher's ${grouped(teacher)}`;
  lines.push(`${grouped(model)} parameters${compared}`);
  if (results.length > 1) {
    const test = results.map(({ accuracy }) => accuracy.test);
    lines.push(
      `test over ${test.length} runs: mean ${percent(mean(test))}, ` +
        `standard deviation ${percent(sampleStandardDeviation(test))}, median ${percent(median(test))}`,
    );
  }
  for (const { config, students, together } of results) {
    if (!students || !together) continue;
    const each = students.map(({ accuracy }) => percent(accuracy.test)).join(", ");
    const mean = percent(together.accuracy.test);
    lines.push(`seed ${config.seed}: test of each student ${each}; of their mean logits ${mean}`);
  }
  for (const { config, integers, data } of results) {
    if (!integers) continue;
    lines.push(
      `seed ${config.seed}: in integers, test ${percent(integers.accuracy.test)}; ` +
        `${integers.differing} of ${data.nodes} have another class than in the simulation`,
    );
  }
  for (const { config, nodeKinds } of results) {
    if (nodeKinds) lines.push(`seed ${config.seed}: ${describeKinds(nodeKinds)}`);
  }
  for (const { config, warnings } of results) {
    for (const warning of warnings) lines.push(`seed ${config.seed}: ${warning}`);
  }
  return lines.join("\n");
}

function describeKinds({ entities, all, constant }: NodeKinds): string {
  return (
    `test over entities ${percent(entities)}; over all nodes, those without a class counted as ` +
    `class 0, ${percent(all)} (class 0 for every node: ${percent(constant)})`
  );
}
