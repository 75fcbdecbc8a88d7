// Does a job in this thread, for any executor: checks it, trains it, and replies in plain data.
import { UserError } from "../base/errors.ts";
import { VERSION } from "../base/own-package.ts";
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
        /** The result so far of a run that was stopped. */
        readonly results: readonly RunResult[];
      };
    };

/** The shortest time between epoch events: a student's epoch takes milliseconds, too fast to read. */
const EPOCH_EVENT_MILLISECONDS = 100;

/**
 * Trains the run, or finds it finished.
 * @param hear receives some of the epoch events, and all others
 * @throws any error that is not a UserError, with its stack
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

/** Returns the result, or throws the error with its class restored. */
export function resultOf(reply: Reply, { config }: Job): RunResult {
  if ("result" in reply) return reply.result;
  const { exitCode, diverged, results } = reply.error;
  const message = `${describeRun(config)}: ${reply.error.message}`;
  if (exitCode === 130) throw new InterruptedError(message, { results });
  throw new (diverged ? DivergedError : UserError)(message, { exitCode });
}

/**
 * Checks, before anything is trained, whether jobs of this setting can be done in this thread.
 * @returns why not, or undefined
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

/** @throws UserError if another version made the jobs: equal configurations may mean other runs */
function refuseOtherLibrary({ library }: Setting): void {
  if (library === VERSION) return;
  throw new UserError(
    `this program runs abkd ${library}, but its workers load ${VERSION}: the package has changed since ` +
      "the program started; start it again (in a notebook, restart the kernel)",
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
