// V8's inspector on this thread: evaluates code as a console does, and returns the values themselves.

import { type Runtime, Session } from "node:inspector";
import { promiseHooks } from "node:v8";
import { stringify } from "../originals.ts";
import { critical } from "./critical.ts";

/** The outcome of an evaluation: a value, or what was thrown. */
export type Evaluated =
  | { readonly value: unknown }
  | {
      readonly thrown: unknown;
      /** Where V8 saw the error, from 1. The stack of a SyntaxError does not tell. */
      readonly at: { readonly line: number; readonly column: number };
    }
  /** V8 gave no result: the code was stopped. */
  | { readonly stopped: string };

type Reply = Runtime.EvaluateReturnType;

const GROUP = "cell";

export class Inspector {
  readonly #session = new Session();
  readonly #holder: { value?: unknown } = {};
  readonly #holderId: string;
  /**
   * Promises of scripts that have not ended. If one were collected, the inspector would call back into
   * Node in the middle of the collection, and V8 would abort the process.
   */
  readonly #pending = new Set<{ promise?: unknown }>();

  constructor() {
    this.#session.connect();
    // The holder gets an id; afterwards no global name refers to it.
    const name = "abkd.kernel.holder";
    Object.defineProperty(globalThis, name, { value: this.#holder, configurable: true });
    let id: string | undefined;
    const expression = `globalThis[${stringify(name)}]`;
    this.#session.post("Runtime.evaluate", { expression }, (_, reply) => {
      id = reply?.result.objectId;
    });
    Reflect.deleteProperty(globalThis, name);
    if (id === undefined) throw new Error("V8's inspector does not answer");
    this.#holderId = id;
  }

  /**
   * Evaluates a script with top-level await; its declarations stay. `done` is called at most once: during
   * this call if the script was stopped; never if one of its promises was stopped or the process ends.
   */
  evaluate(expression: string, done: (evaluated: Evaluated) => void): void {
    const script: { promise?: unknown } = {};
    this.#pending.add(script);
    // The first promise created is the script's: V8 runs it as an asynchronous function.
    const unhook = promiseHooks.onInit((promise: unknown) => {
      script.promise = promise;
      unhook();
    }) as () => void;
    this.#session.post(
      "Runtime.evaluate",
      { expression, replMode: true, awaitPromise: true, objectGroup: GROUP },
      (error, reply) => {
        this.#pending.delete(script);
        // The process is ending; exits.ts reports why.
        if (error?.message.includes("context was destroyed")) return;
        done(error ? { stopped: error.message } : this.#evaluated(reply as Reply));
      },
    );
    unhook();
  }

  /** Evaluates an expression at once; undefined if it has side effects or throws. */
  peek(expression: string): { readonly value: unknown } | undefined {
    let found: { readonly value: unknown } | undefined;
    this.#session.post(
      "Runtime.evaluate",
      { expression, throwOnSideEffect: true, timeout: 200, silent: true, objectGroup: GROUP },
      (error, reply) => {
        const evaluated = error ? undefined : this.#evaluated(reply as Reply);
        if (evaluated && "value" in evaluated) found = evaluated;
      },
    );
    this.release();
    return found;
  }

  /** Returns the names declared by let, const and class at the top level of cells. */
  declared(): string[] {
    let names: string[] = [];
    this.#session.post("Runtime.globalLexicalScopeNames", {}, (error, reply) => {
      if (!error) names = reply.names;
    });
    return names;
  }

  /** Releases the values of finished cells. */
  release(): void {
    this.#session.post("Runtime.releaseObjectGroup", { objectGroup: GROUP });
  }

  #evaluated({ result, exceptionDetails }: Reply): Evaluated {
    if (!exceptionDetails) return { value: this.#take(result) };
    const { exception, text, lineNumber, columnNumber } = exceptionDetails;
    const at = { line: lineNumber + 1, column: columnNumber + 1 };
    return { thrown: exception ? this.#take(exception) : new Error(text), at };
  }

  #take(remote: Runtime.RemoteObject): unknown {
    const { type, objectId, unserializableValue, value } = remote;
    if (objectId === undefined && unserializableValue === undefined) {
      return type === "undefined" ? undefined : value;
    }
    const argument = objectId === undefined ? { unserializableValue } : { objectId };
    return critical(() => {
      this.#session.post("Runtime.callFunctionOn", {
        objectId: this.#holderId,
        functionDeclaration: "function (value) { this.value = value; }",
        arguments: [argument],
      });
      const taken = this.#holder.value;
      this.#holder.value = undefined;
      return taken;
    });
  }
}
