// How commands that train end on Ctrl-C, SIGTERM and SIGHUP: in order if there is time.
import { UserError } from "../base/errors.ts";
import type { TrainingEvent } from "../training/observer.ts";
import { InterruptedError } from "../training/train.ts";
import { SignalWatch } from "./signal-watch.ts";

export interface Stopper {
  /** An abort signal that the first signal triggers. */
  readonly signal: AbortSignal;
  /** Observes events: once the first run has started, there is something to keep. */
  readonly observe: (event: TrainingEvent) => void;
  /**
   * Returns an interrupted run's error with the signal's exit code and, if a run had begun, with advice;
   * other errors unchanged.
   */
  told(error: unknown, advice: string): unknown;
  release(): void;
}

/**
 * Stops in order on signals. The first SIGINT lets each running step end and be kept. So does SIGTERM, for
 * a second; then, as after a second signal, the signal itself ends the process, whatever its
 * threads are doing. Before the first run starts (while data is fetched and read, often without a turn of
 * the event loop), SIGTERM ends the process as it does any other.
 */
export function stopOnSignals(): Stopper {
  let hasBegun = false;
  const watch = new SignalWatch((signal) => {
    watch.release();
    process.kill(process.pid, signal);
  });
  watch.watch("SIGINT");
  watch.signal.addEventListener("abort", () => {
    const when = hasBegun ? "stopping after this step" : "stopping";
    process.stderr.write(`\n${when} (press Ctrl-C again to stop at once)\n`);
  });
  return {
    signal: watch.signal,
    observe(event) {
      if (event.type !== "start") return;
      hasBegun = true;
      watch.watch("SIGTERM");
    },
    told(error, advice) {
      const { exitCode } = watch;
      if (!(error instanceof InterruptedError) || exitCode === undefined) return error;
      const message = hasBegun ? `${error.message}; ${advice}` : error.message;
      return new UserError(message, { exitCode, cause: error });
    },
    release: () => watch.release(),
  };
}
