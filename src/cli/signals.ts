// How a command that trains ends on Ctrl-C and on SIGTERM: with a checkpoint where there is time.
import { UserError } from "../errors.ts";
import type { TrainingEvent } from "../training/observer.ts";
import { InterruptedError } from "../training/train.ts";

/** Exit codes as shells count them: 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof EXIT_CODES;

/** After SIGTERM: who sent it follows with SIGKILL soon; a step of a large teacher may take longer. */
export const TERM_MILLISECONDS = 1_500;

export interface Stopper {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** To be told of what goes on: from the first run's start on there is something to keep. */
  readonly observe: (event: TrainingEvent) => void;
  /** The error of an interrupted run with the signal's exit code, and with what to do; others as they are. */
  told(error: unknown, advice: string): unknown;
  release(): void;
}

/**
 * The first SIGINT lets each step end and be kept. So does SIGTERM, for a second and a half; then, as
 * after a second signal, the process ends by the signal itself, whatever its threads are doing. Before
 * the first run starts (data is fetched and read, often without a turn of the event loop) SIGTERM ends
 * the process as it does any other.
 */
export function stopOnSignals(): Stopper {
  const controller = new AbortController();
  let stoppedBy: StopSignal | undefined;
  let late: NodeJS.Timeout | undefined;
  const release = (): void => {
    clearTimeout(late);
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
  const endBy = (signal: StopSignal): void => {
    release();
    process.kill(process.pid, signal);
  };
  function stop(signal: NodeJS.Signals): void {
    const known = signal === "SIGTERM" ? "SIGTERM" : "SIGINT";
    if (controller.signal.aborted) {
      endBy(known);
      return;
    }
    stoppedBy = known;
    process.stderr.write("\nstopping after this step (once more: at once)\n");
    if (known === "SIGTERM") late = setTimeout(endBy, TERM_MILLISECONDS, known);
    controller.abort();
  }
  process.on("SIGINT", stop);
  return {
    signal: controller.signal,
    observe(event) {
      if (event.type === "start" && process.listenerCount("SIGTERM", stop) === 0) {
        process.on("SIGTERM", stop);
      }
    },
    told(error, advice) {
      if (!(error instanceof InterruptedError) || !stoppedBy) return error;
      const exitCode = EXIT_CODES[stoppedBy];
      return new UserError(`${error.message}; ${advice}`, { exitCode, cause: error });
    },
    release,
  };
}
