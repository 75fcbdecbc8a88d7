// Names that may not be assigned to: constants and imports, which V8 gets as `let`.
//
// A cell reports a declaration when it reaches it, and asks before each assignment to a name that is a
// constant when the cell is compiled. So a declaration that is never reached changes nothing.

import { uncurry } from "../originals.ts";
import { Shadows } from "./shadows.ts";

/** What kind of constant a name is. */
export type Fixed = "constant" | "import";

// Cells call these while they run, and may have changed what maps and arrays do.
const { get, has, set, delete: drop } = Map.prototype as Map<string, Fixed>;
const [getIn, isIn, setIn, dropFrom] = [uncurry(get), uncurry(has), uncurry(set), uncurry(drop)];
const WrongAssignment = TypeError;

/** One session's constants. */
export class Constants {
  /** The session's built-ins that cells have declared anew. */
  readonly shadows = new Shadows();
  readonly #names = new Map<string, Fixed>();

  has(name: string): boolean {
    return isIn(this.#names, name);
  }

  fix(kind: Fixed, names: readonly string[]): void {
    for (let i = 0; i < names.length; i++) setIn(this.#names, names[i]!, kind);
  }

  /** The names have been redeclared as something else. */
  free(names: readonly string[]): void {
    for (let i = 0; i < names.length; i++) dropFrom(this.#names, names[i]!);
  }

  /** Returns a function that returns its argument, so that it can wrap the assigned value.
   *  @throws TypeError if one of the names is a constant now */
  assign(names: readonly string[]): <T>(value: T) => T {
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const kind = getIn(this.#names, name);
      if (kind === undefined) continue;
      const what =
        kind === "import"
          ? `Assignment to imported name '${name}': imports are constant`
          : `Assignment to constant variable '${name}'`;
      throw new WrongAssignment(`${what}; redeclare it as a variable with let ${name} = …`);
    }
    return (value) => value;
  }
}
