// A debugger's session on the link's thread: the Debug Adapter Protocol on one side, V8's inspector on the other.
import { setTimeout as delay } from "node:timers/promises";
import type { Event } from "../channel.ts";
import { WORD } from "../runner/shared.ts";
import { cellPath, prefixOf } from "./cell-paths.ts";
import { DebugError, type DebugRequest, failed, numberIn, stringIn, succeeded } from "./dap.ts";
import { debugInfo } from "./front.ts";
import { HIDDEN, Scripts, type Wanted } from "./scripts.ts";
import { Stopped, type StoppedParts } from "./stopped.ts";
import { type Stop, V8 } from "./v8.ts";

export interface SessionParts {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The notebook's folder, and the id of this process. */
  readonly folder: string;
  readonly pid: number;
  readonly tell: (event: Event) => void;
}

/** The one thread that cells run on. */
const THREAD = 1;
/** How long a main thread in native code may delay what a front end waits for; V8 does it when it can. */
const PATIENCE = 1_000;

const FILTERS = [
  { filter: "uncaught", label: "Uncaught exceptions", default: false },
  { filter: "all", label: "All exceptions", default: false },
];

const CAPABILITIES = {
  supportsConfigurationDoneRequest: true,
  supportsConditionalBreakpoints: true,
  supportsEvaluateForHovers: true,
  supportsExceptionInfoRequest: true,
  supportsModulesRequest: true,
  supportsRestartRequest: true,
  exceptionBreakpointFilters: FILTERS,
};

const STEPS: Readonly<Record<string, string>> = {
  next: "Debugger.stepOver",
  stepIn: "Debugger.stepInto",
  stepOut: "Debugger.stepOut",
};

type Handler = (fields: DebugRequest["arguments"]) => unknown;

export class DebugSession {
  readonly #parts: SessionParts;
  readonly #prefix: string;
  /** The texts of cells that a front end has shown, by path. */
  readonly #texts = new Map<string, string>();
  #isStarted = false;
  #v8: V8 | undefined;
  #scripts: Scripts | undefined;
  #stopped: Stopped | undefined;
  /** Resolves when V8 has let the main thread run. */
  #resumed: PromiseWithResolvers<void> | undefined;
  #exceptions = "none";
  #isPausing = false;
  /** The step under way, and where it began. */
  #step: { readonly method: string; readonly place: string } | undefined;
  readonly #handlers: Readonly<Record<string, Handler>>;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#prefix = prefixOf(parts.pid);
    this.#handlers = {
      initialize: () => this.#initialize(),
      attach: () => this.#attach(),
      configurationDone: () => ({}),
      debugInfo: () => this.#info(),
      dumpCell: (fields) => this.#dump(stringIn(fields, "code")),
      source: (fields) => this.#source(fields),
      modules: () => this.#modules(),
      threads: () => ({ threads: [{ id: THREAD, name: "Cells" }] }),
      setBreakpoints: (fields) => this.#setBreakpoints(fields),
      setExceptionBreakpoints: (fields) => this.#setExceptions(fields),
      pause: () => this.#pause(),
      continue: () => this.#continue(),
      stackTrace: (fields) => this.#here().stackTrace(fields),
      scopes: (fields) => this.#here().scopes(numberIn(fields, "frameId")),
      variables: (fields) => this.#here().variables(numberIn(fields, "variablesReference")),
      inspectVariables: () => this.#here().globals(),
      richInspectVariables: (fields) => this.#here().bundle(fields),
      evaluate: (fields) => this.#here().evaluate(fields),
      exceptionInfo: () => this.#here().exception(),
      restart: () => this.#restart(),
      disconnect: () => this.#detach(),
    };
    for (const step of Object.keys(STEPS)) {
      Object.assign(this.#handlers, { [step]: () => this.#go(STEPS[step]!) });
    }
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Answers a request; never rejects. */
  async answer(request: number, message: DebugRequest): Promise<void> {
    const { tell } = this.#parts;
    try {
      const handler = Object.hasOwn(this.#handlers, message.command)
        ? this.#handlers[message.command]
        : undefined;
      if (!handler) throw new DebugError(`the debugger has no request ${message.command}`);
      const body = await handler(message.arguments);
      tell({ type: "debug", request, reply: succeeded(message, body) });
    } catch (error) {
      tell({ type: "debug", request, reply: failed(message, (error as Error).message) });
    }
  }

  /** Ends the stopped cell's code where it stands, for an interrupt. The caller holds the lock. */
  async end(): Promise<void> {
    this.#resumed ??= Promise.withResolvers();
    const { promise } = this.#resumed;
    this.#step = undefined;
    await this.#v8?.post("Debugger.resume", { terminateOnResume: true });
    await promise;
    // This call is ended instead, or shows that the end has come.
    await this.#v8?.post("Runtime.evaluate", { expression: "0", silent: true }).catch(() => {});
  }

  #initialize(): object {
    this.#isStarted = true;
    return CAPABILITIES;
  }

  async #attach(): Promise<object> {
    if (!this.#isStarted) throw new DebugError("initialize comes first");
    if (!this.#v8) {
      const v8 = new V8({
        parsed: (script) => this.#scripts?.parsed(script),
        paused: (stop) => void this.#paused(stop),
        resumed: () => this.#ran(),
      });
      this.#v8 = v8;
      this.#scripts = new Scripts(v8, this.#prefix, this.#parts.folder, this.#texts);
      Atomics.store(this.#parts.words, WORD.debugging, 1);
      await patient(
        Promise.all([
          v8.post("Debugger.enable"),
          v8.post("Debugger.setBlackboxPatterns", { patterns: HIDDEN }),
          v8.post("Debugger.setPauseOnExceptions", { state: this.#exceptions }),
          v8.post("Debugger.setInstrumentationBreakpoint", {
            instrumentation: "beforeScriptWithSourceMapExecution",
          }),
        ]),
      );
    }
    this.#event("initialized", {});
    return {};
  }

  async #detach(): Promise<object> {
    const v8 = this.#v8;
    this.#forget();
    this.#isStarted = false;
    Atomics.store(this.#parts.words, WORD.debugging, 0);
    if (v8) {
      await patient(v8.post("Debugger.disable"));
      v8.close();
    }
    this.#event("terminated", {});
    return {};
  }

  #forget(): void {
    this.#v8 = undefined;
    this.#scripts = undefined;
    this.#step = undefined;
    this.#exceptions = "none";
    this.#ran();
  }

  /** Begins again with the same breakpoints: a stopped cell runs on. */
  async #restart(): Promise<object> {
    if (this.#stopped) await this.#go("Debugger.resume");
    return {};
  }

  #info(): object {
    return debugInfo(this.#parts.pid, {
      isStarted: this.#isStarted,
      breakpoints: this.#scripts?.wanted() ?? [],
      stoppedThreads: this.#stopped ? [THREAD] : [],
    });
  }

  #dump(code: string): object {
    const sourcePath = cellPath(this.#prefix, code);
    this.#texts.set(sourcePath, code);
    return { sourcePath };
  }

  #source(fields: DebugRequest["arguments"]): object {
    const path = stringIn((fields["source"] ?? {}) as Record<string, unknown>, "path");
    return { content: this.#attached().text(path), mimeType: "text/typescript" };
  }

  #modules(): object {
    const modules = (this.#scripts?.files() ?? []).map((file, id) => ({ id, ...file }));
    return { modules, totalModules: modules.length };
  }

  async #setBreakpoints(fields: DebugRequest["arguments"]): Promise<object> {
    const path = stringIn((fields["source"] ?? {}) as Record<string, unknown>, "path");
    const list = Array.isArray(fields["breakpoints"]) ? (fields["breakpoints"] as unknown[]) : [];
    const wanted = list.map(wantedOf);
    const set = await patient(this.#attached().set(path, wanted));
    const told = set ?? wanted.map(({ line }) => ({ verified: true, line }));
    // JupyterLab's list of breakpoints breaks without the source.
    return { breakpoints: told.map((each) => ({ ...each, source: { path } })) };
  }

  async #setExceptions({ filters }: DebugRequest["arguments"]): Promise<object> {
    const asked = Array.isArray(filters) ? filters : [];
    this.#exceptions = asked.includes("all")
      ? "all"
      : asked.includes("uncaught")
        ? "uncaught"
        : "none";
    const set = this.#v8?.post("Debugger.setPauseOnExceptions", { state: this.#exceptions });
    if (set) await patient(set);
    return { breakpoints: asked.map(() => ({ verified: true })) };
  }

  async #pause(): Promise<object> {
    this.#attached();
    this.#isPausing = true;
    await patient(this.#v8!.post("Debugger.pause"));
    return {};
  }

  async #continue(): Promise<object> {
    await this.#go("Debugger.resume");
    return { allThreadsContinued: true };
  }

  /** Lets a stopped cell run: on, or a step. */
  async #go(method: string): Promise<object> {
    const place = this.#here().place;
    this.#step = method === "Debugger.resume" ? undefined : { method, place };
    await this.#v8!.post(method);
    return {};
  }

  #attached(): Scripts {
    if (!this.#scripts) throw new DebugError("no debugger is attached");
    return this.#scripts;
  }

  #here(): Stopped {
    if (!this.#stopped) throw new DebugError("no cell is stopped");
    return this.#stopped;
  }

  #event(event: string, body: object): void {
    this.#parts.tell({ type: "debugEvent", event, body });
  }

  #ran(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
    if (!this.#stopped) return;
    this.#stopped = undefined;
    this.#event("continued", { threadId: THREAD, allThreadsContinued: true });
  }

  /** V8 has stopped the main thread: at a place of the user's, or before a script, to have its breakpoints set. */
  async #paused(stop: Stop): Promise<void> {
    const v8 = this.#v8;
    const scripts = this.#scripts;
    if (!v8 || !scripts) return;
    try {
      const { isStop, scriptIds } = reasonsOf(stop);
      for (const scriptId of scriptIds) await scripts.prepare(scriptId);
      const next = isStop ? await this.#arrive({ v8, scripts, stop }) : "Debugger.resume";
      if (next !== undefined) await v8.post(next);
    } catch {
      // A cell must not hang because its breakpoints could not be set.
      await v8.post("Debugger.resume").catch(() => {});
    }
  }

  /** Tells the front end of a stop, or returns how to go on from a place that is nobody's. */
  async #arrive(parts: Omit<StoppedParts, "reason">): Promise<string | undefined> {
    const reason = reasonOf(parts.stop, this.#isPausing);
    const stopped = await Stopped.at({ ...parts, reason });
    const step = this.#step;
    if (!stopped) return step && reason === "step" ? "Debugger.stepOver" : "Debugger.resume";
    const isSame = stopped.isBetween && stopped.place === step?.place;
    if (step && reason === "step" && (isSame || !stopped.isTop)) return step.method;
    this.#step = undefined;
    this.#isPausing = false;
    this.#stopped = stopped;
    this.#event("stopped", {
      reason,
      ...(stopped.text !== undefined && { description: "Exception", text: stopped.text }),
      threadId: THREAD,
      allThreadsStopped: true,
    });
    return undefined;
  }
}

/** Whether V8 has stopped for the user, and the scripts that are about to run. */
function reasonsOf({ reason, data }: Stop): { isStop: boolean; scriptIds: string[] } {
  const all = data?.reasons ?? [{ reason, auxData: data ?? {} }];
  const before = all.filter((each) => each.reason === "instrumentation");
  const scriptIds = before.flatMap(({ auxData }) => auxData?.scriptId ?? []);
  return { isStop: before.length < all.length, scriptIds };
}

function reasonOf({ reason, hitBreakpoints = [], data }: Stop, isPausing: boolean): string {
  const reasons = [reason, ...(data?.reasons ?? []).map((each) => each.reason)];
  if (reasons.some((each) => /^(exception|promiseRejection)$/.test(each))) return "exception";
  if (hitBreakpoints.length > 0) return "breakpoint";
  if (reasons.includes("step")) return "step";
  return isPausing ? "pause" : "breakpoint"; // a debugger statement
}

function wantedOf(value: unknown): Wanted {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const { column, condition } = fields;
  return {
    line: numberIn(fields, "line"),
    ...(Number.isInteger(column) && { column: column as number }),
    ...(typeof condition === "string" && condition !== "" && { condition }),
  };
}

/** Waits for what V8 may do only later; returns undefined if that takes long. */
async function patient<T>(work: Promise<T>): Promise<T | undefined> {
  work.catch(() => {});
  return Promise.race([work, delay(PATIENCE, undefined)]);
}
