// A worker thread's side of worker-threads.ts: does one job at a time and sends its events to the main thread.
import type { MessagePort } from "node:worker_threads";
import type { Job, Setting } from "./executor.ts";
import { doJob, type Reply, settingTrouble } from "./job.ts";
import { enterWorker } from "./modules.ts";
import type { TrialData } from "./trial-data.ts";

export interface WorkerTask {
  readonly job: Job;
  readonly setting: Setting;
  readonly data: TrialData;
  /** See TrialResources. */
  readonly threads: Int32Array;
  /** Receives the job's TrainingEvents, and null after the last. */
  readonly events: MessagePort;
  /** One number in shared memory: not 0 once the user wants to stop. */
  readonly stop: Int32Array;
}

enterWorker();

export const check: (setting: Setting) => Promise<string | undefined> = settingTrouble;

/** piscina's entry point. Throws errors that are bugs of ours, with their stack. */
export default async function work(task: WorkerTask): Promise<Reply> {
  const { job, setting, data, threads, events } = task;
  const stop = {
    get aborted(): boolean {
      return Atomics.load(task.stop, 0) !== 0;
    },
  };
  try {
    return await doJob(job, setting, { data, threads }, (event) => events.postMessage(event), stop);
  } finally {
    // Not close(): piscina blocks this thread between tasks, before a close would be noticed.
    events.postMessage(null);
  }
}
