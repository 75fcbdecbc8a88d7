// A process that does one job: the first line of its input is the job, a second line stops it. It prints
// events, then the reply, as lines of JSON, and loads the data itself, as another machine would.
import { createInterface } from "node:readline";
import type { Job, Setting } from "../../src/training/executor.ts";
import { doJob } from "../../src/training/job.ts";
import { loadTrialData } from "../../src/training/trial-data.ts";

const stop = { aborted: false };
const lines = createInterface({ input: process.stdin });
lines.once("line", (order) => {
  lines.once("line", () => {
    stop.aborted = true;
  });
  const { job, setting } = JSON.parse(order) as { job: Job; setting: Setting };
  void work(job, setting).finally(() => lines.close());
});

async function work(job: Job, setting: Setting): Promise<void> {
  const data = (await loadTrialData([job.config], {}))(job.config);
  const resources = { data, threads: Int32Array.of(1) };
  say(await doJob(job, setting, resources, say, stop));
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
