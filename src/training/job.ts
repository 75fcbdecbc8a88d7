// A job done in this thread, for whichever executor: it is checked, trained, and answered in plain data.
import { UserError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import type { Job, Setting } from "./executor.ts";
import { importModules, refuseMissing } from "./modules.ts";
import type { Observer, StopSignal } from "./observer.ts";
import type { RunResult } from "./run.ts";
import { describeRun } from "./run-id.ts";
import { DivergedError, InterruptedError } from "./train.ts";
import { runTrial, type TrialResources } from "./trial.ts";

/** What became of a job. Errors lose their class on the way to another thread or process. */
export type Reply =
  | { readonly result: RunResult }
  | {
      readonly error: {
        readonly message: string;
        readonly exitCode: number;
        readonly diverged: boolean;
        /** What there is of a run that was stopped. */
        readonly results: readonly RunResult[];
      };
    };

/** A student's epoch takes milliseconds: nobody can read them all. */
const EPOCH_EVENT_MILLISECONDS = 100;

/**
 * Trains the run, or finds it.
 * @param hear is told of some epochs and of all else
 * @throws whatever is no user's error, with its stack
 */
export async function doJob(
  job: Job,
  setting: Setting,
  resources: Omit<TrialResources, "runsDir" | "engine">,
  hear: Observer,
  stop: StopSignal,
): Promise<Reply> {
  const { runsDir, engine } = setting;
  try {
    refuseOtherLibrary(setting);
    await importModules(setting.modules);
    return {
      result: await runTrial(job, { ...resources, runsDir, engine }, someEpochs(hear), stop),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message, exitCode } = error;
    const results = error instanceof InterruptedError ? error.results : [];
    return { error: { message, exitCode, diverged: error instanceof DivergedError, results } };
  }
}

/** The result, or the error with its class again. */
export function resultOf(reply: Reply, { config }: Job): RunResult {
  if ("result" in reply) return reply.result;
  const { exitCode, diverged, results } = reply.error;
  const message = `${describeRun(config)}: ${reply.error.message}`;
  if (exitCode === 130) throw new InterruptedError(message, { results });
  throw new (diverged ? DivergedError : UserError)(message, { exitCode });
}

/**
 * Whether jobs of this setting can be done in this thread; asked before anything is trained.
 * @returns why not
 */
export async function settingTrouble(setting: Setting): Promise<string | undefined> {
  try {
    refuseOtherLibrary(setting);
    await importModules(setting.modules);
    refuseMissing(setting.needs);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** @throws UserError where the jobs were made by another version: equal configurations may mean other runs */
function refuseOtherLibrary({ library }: Setting): void {
  if (library === VERSION) return;
  throw new UserError(
    `this program runs abkd ${library}, and its workers load ${VERSION}: the package was changed since ` +
      "the program began; start it again (in a notebook, restart the kernel)",
  );
}

function someEpochs(hear: Observer): Observer {
  let last = Number.NEGATIVE_INFINITY;
  return (event) => {
    if (event.type === "epoch" && event.epoch < event.epochs) {
      const now = performance.now();
      if (now - last < EPOCH_EVENT_MILLISECONDS) return;
      last = now;
    }
    hear(event);
  };
}
