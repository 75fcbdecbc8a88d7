// Runs cells one after another and reports how each ended; an interrupt ends the running one.

import { type CompiledCell, compileCell } from "../cell/compile.ts";
import type { Constants } from "../cell/constants.ts";
import type { Modules } from "../cell/modules.ts";
import type { Bundle, Failure, Outcome } from "../channel.ts";
import { TRACED } from "../debug/questions.ts";
import { bundleOf } from "../display/bundle.ts";
import { isDisplay } from "../display/host.ts";
import type { FrameWriter } from "../frames.ts";
import { load, notify, store } from "../originals.ts";
import { critical } from "./critical.ts";
import { Errors, INTERRUPTED, interruptedBy } from "./errors.ts";
import { FOLDERS } from "./helper.ts";
import type { Evaluated, Inspector } from "./inspect.ts";
import { announceInterrupt, GRACE } from "./interrupts.ts";
import { currentRun, type ExecuteCommand, Run, setCurrent, within } from "./run.ts";
import { type LinkMessage, WORD } from "./shared.ts";
import { inSteps, outside, sheltered } from "./shelter.ts";
import type { Stacks } from "./stacks.ts";
import { failureOfTests } from "./tests.ts";
import { endTimers, own } from "./timers.ts";

interface Parts {
  readonly inspector: Inspector;
  readonly modules: Modules;
  readonly stacks: Stacks;
  readonly constants: Constants;
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Frames in standard output, and frames in standard error, which carry only marks. */
  readonly frames: FrameWriter;
  readonly marks: FrameWriter;
  /** Returns what resolves when some of the displays and tests that are under way are done; undefined if none are. */
  readonly unsettled: () => Promise<unknown> | undefined;
  /** Called when a run has ended. */
  readonly ended: (run: Run) => void;
}

export class Cells {
  readonly errors: Errors;
  readonly #parts: Parts;
  readonly #queue: { readonly command: ExecuteCommand; readonly number: number }[] = [];
  /** The last interrupt of the user that was handled, and the number of stops by then. */
  #heard = { request: 0, stops: 0 };

  constructor(parts: Parts) {
    this.#parts = parts;
    this.errors = new Errors(parts.stacks);
  }

  /** @param number the command's sequence number */
  add(command: ExecuteCommand, number: number): void {
    this.#queue.push({ command, number });
  }

  /** Starts the next cell if none is running. */
  next(): void {
    const current = currentRun();
    if (current) {
      // The event loop called this: a late stop has torn the start of the current run.
      if (!current.begun) within(current, () => this.#start(current));
      return;
    }
    const run = critical(() => this.#take());
    if (run) within(run, () => this.#start(run));
  }

  /** Makes the first waiting cell the current one, inside a critical section. */
  #take(): Run | undefined {
    const next = this.#queue.shift();
    if (!next) return undefined;
    const run = new Run(next.command, next.number, load(this.#parts.words, WORD.stops));
    setCurrent(run);
    return run;
  }

  /** Handles an interrupt inside a critical section; the returned function ends the cell that is meant. */
  hear({ request, before }: Extract<LinkMessage, { type: "cancel" }>): (() => void) | undefined {
    const { words } = this.#parts;
    // A stop has swallowed an earlier command: that command is sent again, and then this interrupt.
    if (load(words, WORD.taken) < before) return undefined;
    // A stop may have come before a waiting cell started.
    const run = currentRun() ?? this.#take();
    const last = this.#heard;
    const stops = load(words, WORD.stops);
    this.#heard = { request, stops };
    store(words, WORD.cancelled, request);
    notify(words, WORD.cancelled);
    const isNew = request > last.request;
    if (run && ((isNew && run.number <= before) || run.stops !== stops)) {
      return () => this.#interrupt(run, request);
    }
    return stops === last.stops ? undefined : announceInterrupt;
  }

  #interrupt(run: Run, request: number): void {
    const isAnnounced = run.request !== 0;
    const isSecond = isAnnounced && run.request !== request;
    run.request = request;
    const wantsTime = !isAnnounced && within(run, () => outside(announceInterrupt));
    if (wantsTime && !run.evaluated) {
      // A library ends in its own way: the cell's outcome is what its promise settles to.
      run.onEvaluated = (evaluated) => this.#endInterrupted(run, evaluated);
      own.setTimeout(() => sheltered(() => this.#endInterrupted(run)), GRACE);
    } else if (isSecond) {
      // A stop may also have torn the ending that the first interrupt began.
      this.#abandon(run);
      this.#conclude(run, INTERRUPTED);
    } else if (!run.onEvaluated) {
      this.#endInterrupted(run);
    }
  }

  #start(run: Run): void {
    const { inspector, words, constants } = this.#parts;
    const { code, count } = run.command;
    let compiled: ReturnType<typeof compileCell>;
    try {
      constants.shadows.settle((name) => !inspector.isEmpty(name));
      compiled = compileCell(code, count, constants, FOLDERS.folder);
    } catch (error) {
      this.#conclude(run, this.errors.compileFailure(error, code, count));
      return;
    }
    this.#parts.stacks.remember(code, count, compiled);
    run.begun = true;
    const isTraced = load(words, WORD.debugging) === 1;
    inspector.evaluate(isTraced ? compiled.code + TRACED : compiled.code, (evaluated) => {
      run.evaluated = true;
      if (run.onEvaluated) run.onEvaluated(evaluated);
      else if (run.finished) return;
      else if (!("stopped" in evaluated)) {
        within(run, () => inSteps(this.#finish(run, evaluated, compiled)));
      } else if (load(words, WORD.stops) === run.stops) {
        this.#conclude(run, this.errors.failure(new Error(evaluated.stopped), compiled.url));
      } // else the interrupt that stopped it will end it
    });
  }

  /** Does what follows the last statement: displays, resources, the value's view, user expressions. */
  *#finish(
    run: Run,
    evaluated: Exclude<Evaluated, { stopped: string }>,
    { url, showsValue }: Pick<CompiledCell, "url" | "showsValue">,
  ): Generator<unknown, void, unknown> {
    let failure: Failure | undefined;
    if ("thrown" in evaluated) failure = this.errors.failure(evaluated.thrown, url, evaluated.at);
    try {
      if (run.hasResources) yield outside(() => run.resources.disposeAsync());
    } catch (error) {
      failure ??= this.errors.failure(error, url);
    }
    if (!failure && run.answer) yield run.answer.settled;
    for (let shown = this.#parts.unsettled(); shown; shown = this.#parts.unsettled()) yield shown;
    const failed = run.answer?.failure ?? failureOfTests();
    if (failed) failure ??= this.errors.failure(failed.error, url);
    if (failure || !("value" in evaluated)) {
      this.#conclude(run, failure ?? INTERRUPTED);
      return;
    }
    const { value } = evaluated;
    const hasValue = value !== undefined && !isDisplay(value);
    const isShown = showsValue && hasValue && !run.answer && !run.command.silent;
    const data = isShown ? ((yield bundleOf(value)) as Bundle) : undefined;
    const userExpressions = yield* this.#userExpressions(run);
    this.#conclude(run, {
      status: "ok",
      ...(data ? { result: { data, metadata: {} } } : {}),
      userExpressions,
    });
  }

  *#userExpressions(run: Run): Generator<unknown, Record<string, unknown>, unknown> {
    const results: Record<string, unknown> = {};
    for (const [name, expression] of Object.entries(run.command.userExpressions)) {
      results[name] = yield* this.#userExpression(expression, run.count);
    }
    return results;
  }

  *#userExpression(expression: string, count: number): Generator<unknown, unknown, unknown> {
    let compiled: ReturnType<typeof compileCell>;
    try {
      compiled = compileCell(expression, count, this.#parts.constants, FOLDERS.folder);
    } catch (error) {
      return this.errors.compileFailure(error, expression, count);
    }
    const evaluated = (yield new Promise<Evaluated>((resolve) => {
      this.#parts.inspector.evaluate(compiled.code, resolve);
    })) as Evaluated;
    if ("thrown" in evaluated) return this.errors.failure(evaluated.thrown, "");
    const data: Bundle = "value" in evaluated ? ((yield bundleOf(evaluated.value)) as Bundle) : {};
    return { status: "ok", data, metadata: {} };
  }

  /** @param evaluated the cell's outcome, if a library ended it in its own way */
  #endInterrupted(run: Run, evaluated?: Evaluated): void {
    if (run.cancelled || run.finished) return;
    this.#abandon(run);
    const thrown = evaluated && "thrown" in evaluated ? evaluated.thrown : undefined;
    const end = () => sheltered(() => this.#conclude(run, interruptedBy(thrown)));
    if (!run.hasResources) {
      end();
      return;
    }
    own.setTimeout(end, GRACE);
    within(run, () => outside(() => run.resources.disposeAsync())).then(end, end);
  }

  /** Stops what the run has begun: its timers, its loops and its imports. */
  #abandon(run: Run): void {
    endTimers(run);
    this.#parts.modules.abandon();
  }

  #conclude(run: Run, outcome: Outcome): void {
    const { marks, inspector, ended } = this.#parts;
    critical(() => {
      if (run.finished) return;
      run.finished = true;
      setCurrent(undefined);
      ended(run);
      inspector.release();
      this.#tell(run, outcome);
      marks.event({ type: "mark", cell: run.cell });
    });
    own.setImmediate(() => sheltered(() => this.next()));
  }

  /** Reports the outcome. A view that JSON cannot encode, or that nests too deep, becomes an error instead. */
  #tell({ cell }: Run, outcome: Outcome): void {
    const { frames } = this.#parts;
    try {
      frames.event({ type: "done", cell, outcome });
    } catch (error) {
      frames.event({ type: "done", cell, outcome: this.errors.failure(error, "") });
    }
  }
}
