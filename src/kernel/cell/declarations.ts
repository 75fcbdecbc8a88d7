// Declares names for later cells from inside a running one: only then is it known whether an import
// is a value or a type.
import { Session } from "node:inspector";

const VALUES = Symbol.for("abkd.cell.values");

interface Answer {
  readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
}

/** Declares names as a cell's `let` would. */
export class Declarations {
  #session: Session | undefined;

  /** @throws SyntaxError with V8's message if a name cannot be declared */
  declare(values: Readonly<Record<string, unknown>>): void {
    if (!this.#session) {
      this.#session = new Session();
      this.#session.connect();
    }
    Object.defineProperty(globalThis, VALUES, { value: values, configurable: true });
    const expression = `let {${Object.keys(values)}}=globalThis[Symbol.for("${VALUES.description}")]`;
    let failure: string | undefined;
    this.#session.post("Runtime.evaluate", { expression, replMode: true }, (error, answer) => {
      const { exceptionDetails } = (answer ?? {}) as Answer;
      const thrown = exceptionDetails?.exception?.description;
      failure = error?.message ?? thrown?.split("\n")[0];
    });
    Reflect.deleteProperty(globalThis, VALUES);
    if (failure !== undefined) throw new SyntaxError(failure.replace(/^SyntaxError: /, ""));
  }

  close(): void {
    this.#session?.disconnect();
  }
}
