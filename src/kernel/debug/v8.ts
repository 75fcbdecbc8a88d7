// V8's inspector of the main thread, as the link's thread drives it: it answers also while it has stopped that thread.
import { type Runtime, Session } from "node:inspector/promises";
import { setTimeout as delay } from "node:timers/promises";
import { DebugError } from "./dap.ts";
import { HOST, type Question, type Questions } from "./questions.ts";

/** The objects that the debugger holds; they are let go when the cell runs on. */
export const GROUP = "debugger";

/** How often a question is asked that came while the main thread was at the kernel's own work, and the wait between. */
const ATTEMPTS = 50;
const AGAIN_MILLISECONDS = 2;

/** A cell may have changed what spreading and apply() use. */
const CALL = "function () { return this(arguments); }";

type Call = (method: string, parameters?: object) => Promise<unknown>;

/** A value on the main thread: V8's name for it, or the value itself. */
export type Remote = Pick<Runtime.RemoteObject, "objectId" | "value" | "unserializableValue">;

export class V8 {
  readonly #session = new Session();
  #host: string | undefined;

  constructor(listeners: {
    readonly parsed: (script: { scriptId: string; url: string; length: number }) => void;
    readonly paused: (stop: Stop) => void;
    readonly resumed: () => void;
  }) {
    const { parsed, paused, resumed } = listeners;
    this.#session.connectToMainThread();
    this.#session.on("Debugger.scriptParsed", ({ params }) => parsed(params as never));
    this.#session.on("Debugger.paused", ({ params }) => paused(params as never));
    this.#session.on("Debugger.resumed", resumed);
  }

  /** Sends a command of V8's protocol. */
  async post<Answer = unknown>(method: string, parameters: object = {}): Promise<Answer> {
    return (await (this.#session.post as Call).call(this.#session, method, parameters)) as Answer;
  }

  /** Asks the host on the main thread (runner/debug.ts). */
  async ask<Ask extends keyof Questions>(
    ask: Ask,
    fields: Questions[Ask][0],
    values: readonly Remote[] = [],
  ): Promise<Questions[Ask][1]> {
    const question = JSON.stringify({ ask, ...fields } as unknown as Question);
    this.#host ??= await this.#find();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { result, exceptionDetails } = await this.post<Runtime.CallFunctionOnReturnType>(
        "Runtime.callFunctionOn",
        {
          objectId: this.#host,
          functionDeclaration: CALL,
          arguments: [{ value: question }, ...values.map(argumentOf)],
          returnByValue: true,
          silent: true,
        },
      );
      if (exceptionDetails) throw new DebugError(thrownText(exceptionDetails));
      if (result.value !== "") return JSON.parse(String(result.value)) as Questions[Ask][1];
      await delay(AGAIN_MILLISECONDS);
    }
    throw new DebugError("the kernel is busy with its own work");
  }

  async #find(): Promise<string> {
    const expression = `globalThis[Symbol.for(${JSON.stringify(HOST.description)})]`;
    const { result } = await this.post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression,
      silent: true,
    });
    if (result.objectId === undefined) throw new DebugError("the runner does not answer");
    return result.objectId;
  }

  /** Lets the main thread run on, without breakpoints. */
  close(): void {
    this.#session.disconnect();
  }
}

/** A call on the stack of a stopped thread. */
export interface CallFrame {
  readonly callFrameId: string;
  readonly functionName: string;
  /** From 0. */
  readonly location: { scriptId: string; lineNumber: number; columnNumber?: number };
  readonly scopeChain: readonly { type: string; object: Runtime.RemoteObject }[];
  readonly this: Runtime.RemoteObject;
}

/** Why and where V8 has stopped the main thread. */
export interface Stop {
  readonly reason: string;
  readonly data?: {
    readonly description?: string;
    readonly scriptId?: string;
    readonly className?: string;
    readonly value?: unknown;
    readonly reasons?: readonly { reason: string; auxData?: { scriptId?: string } }[];
  };
  readonly hitBreakpoints?: readonly string[];
  readonly callFrames: readonly CallFrame[];
}

/** Returns the first line of what an evaluation has thrown. */
export function thrownText({ exception, text }: Runtime.ExceptionDetails): string {
  const shown = exception?.description ?? (exception ? String(exception.value) : text);
  return shown.split("\n", 1)[0] ?? text;
}

function argumentOf({ objectId, value, unserializableValue }: Remote): object {
  if (objectId !== undefined) return { objectId };
  return unserializableValue === undefined ? { value } : { unserializableValue };
}
