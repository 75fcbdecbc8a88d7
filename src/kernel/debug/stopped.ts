// A cell that the debugger has stopped: its frames, their variables, and values of expressions there.
import type { Runtime } from "node:inspector";
import { DebugError, type DebugRequest, numberIn, stringIn, type Variable } from "./dap.ts";
import type { Scripts } from "./scripts.ts";
import { type CallFrame, GROUP, type Remote, type Stop, thrownText, type V8 } from "./v8.ts";

export interface StoppedParts {
  readonly v8: V8;
  readonly scripts: Scripts;
  readonly stop: Stop;
  readonly reason: string;
}

/** A frame as front ends show it. */
interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly source: { readonly name: string; readonly path: string };
}

/** What a scope is called, by V8's name; scopes of one name are shown as one. */
const SCOPES: Readonly<Record<string, string>> = {
  local: "Locals",
  block: "Locals",
  catch: "Locals",
  with: "Locals",
  eval: "Locals",
  closure: "Closure",
  module: "Module",
  script: "Globals",
};

/** Ids of frames never repeat: one of an earlier stop is refused. */
let frames = 0;

export class Stopped {
  readonly #parts: StoppedParts;
  readonly #frames: readonly Frame[];
  readonly #calls: ReadonlyMap<number, CallFrame>;
  /** Whether the code that is about to run is the user's, and whether the kernel has put it there. */
  readonly isTop: boolean;
  readonly isBetween: boolean;

  private constructor(
    parts: StoppedParts,
    all: readonly { frame: Frame; call: CallFrame; isAdded: boolean }[],
  ) {
    this.#parts = parts;
    this.#frames = all.map(({ frame }) => frame);
    this.#calls = new Map(all.map(({ frame, call }) => [frame.id, call]));
    this.isTop = all[0]?.call === parts.stop.callFrames[0];
    this.isBetween = all[0]?.isAdded ?? false;
  }

  /** Returns a stop as a front end sees it; undefined if no frame is the user's. */
  static async at(parts: StoppedParts): Promise<Stopped | undefined> {
    const { v8, scripts, stop } = parts;
    await v8.ask("stopped", {});
    const owners = await scripts.owners(stop.callFrames.map(({ location }) => location.scriptId));
    const all: { frame: Frame; call: CallFrame; isAdded: boolean }[] = [];
    // The kernel itself calls packages as well.
    if (owners.every((owner) => !owner || owner.isPackage)) return undefined;
    for (const [i, call] of stop.callFrames.entries()) {
      const owner = owners[i];
      if (!owner) continue;
      const { scriptId, lineNumber, columnNumber = 0 } = call.location;
      const [place] = await scripts.places(scriptId, [[lineNumber + 1, columnNumber + 1]]);
      if (!place) continue;
      const { line, column, isAdded } = place;
      const { path, name } = owner;
      const isFunction = call.scopeChain.some(({ type }) => type === "local");
      const called = call.functionName || (isFunction ? "(anonymous)" : name);
      const frame = { id: ++frames, name: called, line, column, source: { name, path } };
      all.push({ frame, call, isAdded });
    }
    return all.length > 0 ? new Stopped(parts, all) : undefined;
  }

  /** The line of the first frame: a text that is the same for the same line of the same call. */
  get place(): string {
    const { source, line, name } = this.#frames[0]!;
    return JSON.stringify([source.path, line, name, this.#frames.length]);
  }

  /** The exception that it was stopped for. */
  get text(): string | undefined {
    const { reason, stop } = this.#parts;
    if (reason !== "exception") return undefined;
    return (stop.data?.description ?? String(stop.data?.value)).split("\n", 1)[0];
  }

  exception(): object {
    const { text } = this;
    if (text === undefined) throw new DebugError("it was not stopped for an exception");
    const exceptionId = this.#parts.stop.data?.className ?? "Error";
    return { exceptionId, description: text, breakMode: "always" };
  }

  stackTrace({ startFrame, levels }: DebugRequest["arguments"]): object {
    const from = Number.isInteger(startFrame) ? (startFrame as number) : 0;
    const most =
      Number.isInteger(levels) && levels !== 0 ? (levels as number) : this.#frames.length;
    const stackFrames = this.#frames.slice(from, from + most);
    return { stackFrames, totalFrames: this.#frames.length };
  }

  async scopes(frameId: number): Promise<object> {
    const call = this.#call(frameId);
    const names = [...new Set(call.scopeChain.flatMap(({ type }) => SCOPES[type] ?? []))];
    const scopes = await Promise.all(
      names.map(async (name) => {
        const variablesReference = await this.#scope(call, name);
        return { name, variablesReference, expensive: false };
      }),
    );
    return { scopes };
  }

  async variables(reference: number): Promise<object> {
    return { variables: await this.#partsOf(reference) };
  }

  /** The session's variables, as the first frame sees them. */
  async globals(): Promise<object> {
    const variables = await this.#partsOf(await this.#scope(this.#call(undefined), "Globals"));
    return { variables: variables.map((each) => ({ ...each, evaluateName: each.name })) };
  }

  async evaluate(fields: DebugRequest["arguments"]): Promise<object> {
    const { v8 } = this.#parts;
    const context = fields["context"];
    const value = await this.#value(stringIn(fields, "expression"), fields, context === "hover");
    return v8.ask("value", { isLine: context !== "repl" }, [value]);
  }

  async bundle(fields: DebugRequest["arguments"]): Promise<object> {
    const value = await this.#value(stringIn(fields, "variableName"), fields, true);
    return { ...(await this.#parts.v8.ask("bundle", {}, [value])), metadata: {} };
  }

  async #value(
    expression: string,
    fields: DebugRequest["arguments"],
    throwOnSideEffect: boolean,
  ): Promise<Remote> {
    const { v8 } = this.#parts;
    const { code } = await v8.ask("code", { expression });
    const frameId = fields["frameId"] === undefined ? undefined : numberIn(fields, "frameId");
    const { callFrameId } = this.#call(frameId);
    const { result, exceptionDetails } = await v8.post<Runtime.EvaluateReturnType>(
      "Debugger.evaluateOnCallFrame",
      { callFrameId, expression: code, throwOnSideEffect, objectGroup: GROUP, silent: true },
    );
    if (exceptionDetails) throw new DebugError(thrownText(exceptionDetails));
    return result;
  }

  async #partsOf(reference: number): Promise<readonly Variable[]> {
    const parts = await this.#parts.v8.ask("parts", { reference });
    if (!parts) throw new DebugError("these variables are of an earlier stop");
    return parts;
  }

  async #scope(call: CallFrame, name: string): Promise<number> {
    const scopes = call.scopeChain.filter(({ type }) => SCOPES[type] === name);
    const values = scopes.map(({ object }) => object);
    const isGlobal = name === "Globals";
    return (await this.#parts.v8.ask("scope", { isGlobal }, values)).reference;
  }

  /** Returns a frame's call; without an id, the first frame's. */
  #call(frameId: number | undefined): CallFrame {
    const call = this.#calls.get(frameId ?? this.#frames[0]!.id);
    if (!call) throw new DebugError("that frame is of an earlier stop");
    return call;
  }
}
