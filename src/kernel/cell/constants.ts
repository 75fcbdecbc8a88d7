// Names that may not be assigned to: constants and imports, which V8 is given as `let`.
//
// A cell says what it has declared once it has got there, and asks before each assignment to a name that
// is a constant when the cell is compiled. So a declaration that was never reached changes nothing.

/** What kind of constant a name is. */
export type Fixed = "constant" | "import";

/** The constants of one session. */
export class Constants {
  readonly #names = new Map<string, Fixed>();

  has(name: string): boolean {
    return this.#names.has(name);
  }

  fix(kind: Fixed, names: readonly string[]): void {
    for (const name of names) this.#names.set(name, kind);
  }

  /** They have been declared as something else. */
  free(names: readonly string[]): void {
    for (const name of names) this.#names.delete(name);
  }

  /** Gives back a function that gives back its argument: the assignment.
   *  @throws TypeError where one of the names is a constant now */
  assign(names: readonly string[]): <T>(value: T) => T {
    const name = names.find((each) => this.#names.has(each));
    if (name === undefined) return (value) => value;
    const what =
      this.#names.get(name) === "import"
        ? `Assignment to imported name '${name}': imports are constant`
        : `Assignment to constant variable '${name}'`;
    throw new TypeError(`${what}; let ${name} = … declares it anew, as a variable`);
  }
}
