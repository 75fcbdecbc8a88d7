// What became of many runs: their results, or one error for those that failed or were stopped.
import { UserError } from "../base/errors.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { describeRun, runId } from "./run-id.ts";
import { DivergedError, InterruptedError } from "./train.ts";

/** Some runs failed; `results` has those that did not. Exit code 1. */
export class TrialsError extends UserError {
  /** The results in the order of the configurations; undefined for a run that failed. */
  readonly results: readonly (RunResult | undefined)[];

  constructor(message: string, results: readonly (RunResult | undefined)[], cause: unknown) {
    super(message, { exitCode: 1, cause });
    this.results = results;
  }
}

/** A run that could not begin because its teacher failed, whose own error is reported separately. */
export class TeacherFailure extends UserError {
  constructor(config: RunConfig, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${describeRun(config)}: no teacher: ${why}`, { exitCode: 1, cause });
  }
}

/** Whether the loss of a run, or of one that it needs, became non-finite. */
export function hasDiverged(error: unknown): boolean {
  const root = error instanceof TeacherFailure ? error.cause : error;
  return root instanceof TeacherFailure ? hasDiverged(root) : root instanceof DivergedError;
}

/**
 * @returns the results, if every run has one
 * @throws InterruptedError with the results so far if runs were stopped, TrialsError if runs failed
 */
export function conclude(
  configs: readonly RunConfig[],
  outcomes: readonly PromiseSettledResult<RunResult>[],
): RunResult[] {
  const errors = outcomes.flatMap((o) => (o.status === "rejected" ? [o.reason as Error] : []));
  if (errors.length === 0) {
    return outcomes.map((o) => (o as PromiseFulfilledResult<RunResult>).value);
  }
  const interrupted = errors.find((error) => error instanceof InterruptedError);
  if (interrupted) {
    throw new InterruptedError(interrupted.message, { results: resultsSoFar(configs, outcomes) });
  }
  const roots = errors.map((e) => (e instanceof TeacherFailure ? (e.cause as Error) : e));
  const messages = [...new Set(roots.map(({ message }) => message))];
  const results = outcomes.map((o) => (o.status === "fulfilled" ? o.value : undefined));
  const count = configs.length === 1 ? "" : `${errors.length} of ${configs.length} runs failed: `;
  throw new TrialsError(count + messages.join("; "), results, errors[0]);
}

/** Returns finished runs and stopped ones; a student that waited for its teacher has the teacher's error. */
function resultsSoFar(
  configs: readonly RunConfig[],
  outcomes: readonly PromiseSettledResult<RunResult>[],
): RunResult[] {
  return outcomes.flatMap((outcome, index) => {
    if (outcome.status === "fulfilled") return [outcome.value];
    const { reason } = outcome as { readonly reason: unknown };
    if (!(reason instanceof InterruptedError)) return [];
    return reason.results.filter(({ id }) => id === runId(configs[index]!));
  });
}
