// Names that may not be assigned to: constants and imports, which V8 gets as `let`.
//
// A cell reports a declaration when it reaches it, and asks before each assignment to a name that is a
// constant when the cell is compiled. So a declaration that is never reached changes nothing.

import { Shadows } from "./shadows.ts";

/** What kind of constant a name is. */
export type Fixed = "constant" | "import";

/** One session's constants. */
export class Constants {
  /** The session's built-ins that cells have declared anew. */
  readonly shadows = new Shadows();
  readonly #names = new Map<string, Fixed>();

  has(name: string): boolean {
    return this.#names.has(name);
  }

  fix(kind: Fixed, names: readonly string[]): void {
    for (const name of names) this.#names.set(name, kind);
  }

  /** The names have been redeclared as something else. */
  free(names: readonly string[]): void {
    for (const name of names) this.#names.delete(name);
  }

  /** Returns a function that returns its argument, so that it can wrap the assigned value.
   *  @throws TypeError if one of the names is a constant now */
  assign(names: readonly string[]): <T>(value: T) => T {
    const name = names.find((each) => this.#names.has(each));
    if (name === undefined) return (value) => value;
    const what =
      this.#names.get(name) === "import"
        ? `Assignment to imported name '${name}': imports are constant`
        : `Assignment to constant variable '${name}'`;
    throw new TypeError(`${what}; redeclare it as a variable with let ${name} = …`);
  }
}
