// V8's inspector on this thread: evaluates code as a console does, and returns the values themselves.

import { type Runtime, Session } from "node:inspector";
import { promiseHooks } from "node:v8";
import { stringify, uncurry } from "../originals.ts";
import { critical } from "./critical.ts";
import { enter, inShelter, sheltered } from "./shelter.ts";

/** The outcome of an evaluation: a value, or what was thrown. */
export type Evaluated =
  | { readonly value: unknown }
  | {
      readonly thrown: unknown;
      /** Where V8 saw the error, from 1, if it could not compile the script. A SyntaxError's stack does not tell. */
      readonly at?: { readonly line: number; readonly column: number };
    }
  /** V8 gave no result: the code was stopped. */
  | { readonly stopped: string };

type Reply = Runtime.EvaluateReturnType;

const GROUP = "cell";
/** What V8 resolves a script's promise to has its value under this name. */
const RESULT = ".repl_result";
const STOPPED = /terminated/;

const then = uncurry(Promise.prototype.then);

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
    // Cells can replace what the class has.
    const { emit, post } = this.#session;
    Object.assign(this.#session, { emit, post });
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
   * Evaluates a script with top-level await; its declarations stay. The script must leave the shelter first.
   * `done` is called sheltered and at most once: during this call if the script cannot run or was stopped; never if
   * one of its promises was stopped or the process ends.
   */
  evaluate(expression: string, done: (evaluated: Evaluated) => void): void {
    const script: { promise?: Promise<object> } = {};
    this.#pending.add(script);
    // The first promise created is the script's: V8 runs it as an asynchronous function.
    const unhook = promiseHooks.onInit((promise) => {
      script.promise = promise as Promise<object>;
      unhook();
    }) as () => void;
    this.#session.post(
      "Runtime.evaluate",
      { expression, replMode: true, awaitPromise: true, objectGroup: GROUP },
      (error, reply) => {
        sheltered(() => {
          this.#pending.delete(script);
          // The promise tells how a script that began has ended: this reply has passed through what the script has
          // made of built-ins. If the process is ending, exits.ts reports why.
          if (script.promise === undefined && !error) done(this.#evaluated(reply as Reply));
          else if (error && STOPPED.test(error.message)) done({ stopped: error.message });
        });
      },
    );
    unhook();
    enter();
    if (script.promise === undefined) return;
    then(
      script.promise,
      (result) => inShelter(() => done({ value: Reflect.get(result, RESULT) })),
      (thrown: unknown) => inShelter(() => done({ thrown })),
    );
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

  /** Whether a declared name has no value, because its cell failed before; false if V8 was stopped meanwhile. */
  isEmpty(name: string): boolean {
    let isEmpty = false;
    const parameters = {
      expression: name,
      throwOnSideEffect: true,
      silent: true,
      objectGroup: GROUP,
    };
    this.#session.post("Runtime.evaluate", parameters, (error, reply) => {
      const exception = error ? undefined : (reply as Reply).exceptionDetails?.exception;
      isEmpty = exception?.className === "ReferenceError";
    });
    this.release();
    return isEmpty;
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
