// The tests of node:test that cells have started: a cell ends after its tests, and fails if one of them does.
import { currentRun } from "./run.ts";
import { own } from "./timers.ts";

interface FailedTest {
  readonly name: string;
  readonly error: unknown;
}

const pending = new Set<Promise<unknown>>();
let failed: FailedTest[] = [];

/** Notes a test or a suite that has been started. */
export function noteTest(test: Promise<unknown>): void {
  const end = (): void => {
    pending.delete(reported);
  };
  // Node's reporter prints a test's outcome soon after its end.
  const reported: Promise<unknown> = test.then(pause, pause).then(end, end);
  pending.add(reported);
}

const pause = (): Promise<void> =>
  new Promise((resolve) => own.setImmediate(() => own.setImmediate(resolve)));

/** Notes that a test has failed; outside any cell's run, Node's report is all there is. */
export function noteFailure(name: string, error: unknown): void {
  if (currentRun()) failed.push({ name, error });
}

/** Returns what resolves when a test that has been started is done; undefined if there are none. */
export function unsettledTests(): Promise<unknown> | undefined {
  const [first] = pending;
  return first;
}

/** Returns what a cell fails with because of its tests: a failed test's own error, or all of them in one. */
export function failureOfTests(): { readonly error: unknown } | undefined {
  const [first, ...others] = failed;
  if (!first || others.length === 0) return first;
  const names = failed.map(({ name }) => name).join(", ");
  const errors = failed.map(({ error }) => error);
  return { error: new AggregateError(errors, `${errors.length} tests failed: ${names}`) };
}

/** Forgets the tests of a cell that has ended, even if some have not: the cell was interrupted. */
export function forgetTests(): void {
  pending.clear();
  failed = [];
}
