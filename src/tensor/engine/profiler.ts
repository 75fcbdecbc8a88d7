// Timing profiles: time by operator and by phase over a whole run, and its first steps as a trace.

import { UserError } from "../../base/errors.ts";
import { notebookInterrupts } from "../../display/host.ts";
import type { Traffic } from "./kernel-facts.ts";

/** Whose operator it is. `kernel`: this engine; `tfjs`: tfjs's cpu back end; `tensorflow`: the native engine. */
export type OperatorKind = "kernel" | "tfjs" | "tensorflow";

/** The total over all calls of one operator, without the operators that ran inside it. */
export interface OperatorTime {
  readonly name: string;
  readonly kind: OperatorKind;
  readonly calls: number;
  readonly seconds: number;
  /** Counted as in src/tensor/engine/kernels.ts; absent unless known for every call. */
  readonly bytes?: number;
  /** Floating-point operations; absent unless known for every call. */
  readonly operations?: number;
}

/** A named part of a run; time outside any part is not counted. */
export interface PhaseTime {
  readonly name: string;
  readonly seconds: number;
  /** The time of this that operators took. */
  readonly operators: number;
}

/** A complete event of the Trace Event Format, in microseconds since the profile began. */
export interface Span {
  readonly name: string;
  readonly cat: "step" | "phase" | OperatorKind;
  readonly ts: number;
  readonly dur: number;
  readonly args?: Readonly<Record<string, number>>;
}

export interface ProfileTimes {
  /** Wall-clock time: the sum of the operators' seconds and `between`. */
  readonly seconds: number;
  /** Time outside operators: JavaScript, tfjs's tape, waiting. */
  readonly between: number;
  /** Longest first. */
  readonly operators: readonly OperatorTime[];
  /** In the order of their first beginnings. */
  readonly phases: readonly PhaseTime[];
  readonly steps: number;
  /** How many steps `spans` covers. */
  readonly tracedSteps: number;
}

export interface ProfileData extends ProfileTimes {
  /** Inner spans come before the ones around them. */
  readonly spans: readonly Span[];
}

/** Keeps a trace small enough (10 MB at most) for a browser to open at once, however long the run. */
const TRACED_STEPS = 20;
const MOST_SPANS = 100_000;

/** An operator that has begun but not ended. */
interface Open {
  readonly name: string;
  readonly kind: OperatorKind;
  readonly began: number;
  /** Milliseconds that operators inside it took. */
  inner: number;
}

interface Totals {
  readonly kind: OperatorKind;
  calls: number;
  milliseconds: number;
  bytes: number;
  operations: number;
}

interface OpenPart {
  readonly name: string;
  readonly began: number;
  /** The operators' total in milliseconds when it began. */
  readonly operators: number;
}

/** Records one timing profile. Times come from performance.now(). */
export class Profiler {
  readonly #began = performance.now();
  readonly #open: Open[] = [];
  readonly #totals = new Map<string, Totals>();
  readonly #phases = new Map<string, { milliseconds: number; operators: number }>();
  readonly #spans: Span[] = [];
  /** Total time of the outermost operators. */
  #inOperators = 0;
  #phase: OpenPart | undefined;
  #step: OpenPart | undefined;
  #steps = 0;
  #tracedSteps = 0;
  #data: ProfileData | undefined;

  begin(kind: OperatorKind, name: string): void {
    this.#open.push({ kind, name, began: performance.now(), inner: 0 });
  }

  /** Ends what was begun last. `traffic` is called after the clock is read. */
  end(traffic?: () => Traffic | undefined): void {
    const now = performance.now();
    const open = this.#open.pop();
    if (!open) return;
    const { name, kind, began, inner } = open;
    const outer = this.#open.at(-1);
    if (outer) outer.inner += now - began;
    else this.#inOperators += now - began;
    const moved = traffic?.();
    let totals = this.#totals.get(name);
    if (!totals) {
      totals = { kind, calls: 0, milliseconds: 0, bytes: 0, operations: 0 };
      this.#totals.set(name, totals);
    }
    totals.calls++;
    totals.milliseconds += now - began - inner;
    totals.bytes += moved?.bytes ?? Number.NaN;
    totals.operations += moved?.operations ?? Number.NaN;
    if (this.#tracing && this.#spans.length < MOST_SPANS) {
      this.#span(name, kind, began, now, moved && { ...moved });
    }
  }

  /** Begins a training step, and ends the one before. */
  step(number: number): void {
    this.endStep();
    this.#steps++;
    if (this.#tracing) this.#tracedSteps++;
    this.#step = this.#part(`step ${number}`);
  }

  endStep(): void {
    this.phase(undefined);
    const step = this.#step;
    this.#step = undefined;
    if (step && this.#tracing) this.#span(step.name, "step", step.began, performance.now());
  }

  /** Begins a phase, and ends the one before. */
  phase(name: string | undefined): void {
    const phase = this.#phase;
    if (phase) {
      const now = performance.now();
      const totals = this.#phases.get(phase.name)!;
      totals.milliseconds += now - phase.began;
      totals.operators += this.#inOperators - phase.operators;
      if (this.#tracing) this.#span(phase.name, "phase", phase.began, now);
    }
    this.#phase = name === undefined ? undefined : this.#part(name);
    // Added now, so that the phases are in the order in which they began.
    if (name !== undefined && !this.#phases.has(name)) {
      this.#phases.set(name, { milliseconds: 0, operators: 0 });
    }
  }

  /** Ends everything that is open, and the profile; later calls return the same. */
  finish(): ProfileData {
    if (this.#data) return this.#data;
    while (this.#open.length > 0) this.end();
    this.endStep();
    const seconds = (performance.now() - this.#began) / 1000;
    const known = (name: "bytes" | "operations", value: number): object =>
      Number.isNaN(value) ? {} : { [name]: value };
    const operators = [...this.#totals].map(([name, totals]) => ({
      name,
      kind: totals.kind,
      calls: totals.calls,
      seconds: totals.milliseconds / 1000,
      ...known("bytes", totals.bytes),
      ...known("operations", totals.operations),
    }));
    this.#data = {
      seconds,
      between: seconds - this.#inOperators / 1000,
      operators: operators.sort((a, b) => b.seconds - a.seconds),
      phases: [...this.#phases].map(([name, phase]) => ({
        name,
        seconds: phase.milliseconds / 1000,
        operators: phase.operators / 1000,
      })),
      steps: this.#steps,
      tracedSteps: this.#tracedSteps,
      spans: this.#spans,
    };
    return this.#data;
  }

  get #tracing(): boolean {
    return this.#steps <= TRACED_STEPS;
  }

  #part(name: string): OpenPart {
    return { name, began: performance.now(), operators: this.#inOperators };
  }

  #span(name: string, cat: Span["cat"], began: number, end: number, args?: Span["args"]): void {
    // Both ends are rounded the same way, so that nested spans stay nested.
    const at = (time: number): number => Math.round((time - this.#began) * 1e6);
    const [ts, dur] = [at(began) / 1e3, (at(end) - at(began)) / 1e3];
    this.#spans.push({ name, cat, ts, dur, ...(args && { args }) });
  }
}

/** A back end that can be profiled. It gets the profiler when a profile begins, and undefined when it ends. */
type Profiled = (profiler: Profiler | undefined) => void;

const profiled: Profiled[] = [];
let current: Profiler | undefined;

/** Adds a back end to those that are profiled. */
export function addProfiled(tell: Profiled): void {
  profiled.push(tell);
  if (current) tell(current);
}

/**
 * Starts recording what all engines of this thread do. An interrupt in a notebook ends the recording.
 * @returns a function that ends it and returns the profile
 * @throws UserError if a profile is already being recorded
 */
export function startProfile(): () => ProfileData {
  if (current) throw new UserError("a profile is already being recorded; end it first");
  const profiler = new Profiler();
  const interrupts = notebookInterrupts();
  const stop = (): ProfileData => {
    interrupts?.removeEventListener("interrupt", stop);
    if (current === profiler) {
      current = undefined;
      for (const tell of profiled) tell(undefined);
    }
    return profiler.finish();
  };
  interrupts?.addEventListener("interrupt", stop);
  current = profiler;
  for (const tell of profiled) tell(profiler);
  return stop;
}

/** Begins a phase of this name, if a profile is being recorded; it lasts until the next. */
export function beginPhase(name: string): void {
  current?.phase(name);
}

/** Begins a training step, if a profile is being recorded. */
export function beginStep(number: number): void {
  current?.step(number);
}

/** Ends the training step, if a profile is being recorded. */
export function endStep(): void {
  current?.endStep();
}

/** Makes a file for chrome://tracing and ui.perfetto.dev: Trace Event Format, JSON object form. */
export function traceJson({ spans, ...times }: ProfileData, name: string): string {
  const place = { pid: 1, tid: 1 };
  const named = (what: string, text: string): object => ({
    ph: "M",
    name: what,
    ...place,
    args: { name: text },
  });
  const events = [
    named("process_name", name),
    named("thread_name", "calling thread"),
    { name, cat: "run", ph: "X", ...place, ts: 0, dur: times.seconds * 1e6 },
    ...spans.map((span) => ({ ...span, ph: "X", ...place })),
  ];
  const lines = events.map((event) => JSON.stringify(event));
  const rest = { displayTimeUnit: "ms", otherData: times };
  return `{"traceEvents":[\n${lines.join(",\n")}\n],${JSON.stringify(rest).slice(1)}\n`;
}
