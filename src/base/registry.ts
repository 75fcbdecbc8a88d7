// Registries by name, of methods, kinds of models, datasets and studies: built in, or added by a program.
import { needObject, needText } from "./arguments.ts";
import { OptionError } from "./errors.ts";
import { checkOptions, type OptionTable } from "./options.ts";
import { printable } from "./printable.ts";
import { didYouMean } from "./suggested.ts";

/** An entry of a registry. */
export interface Named {
  readonly name: string;
}

/** Names become part of file names, flags and run ids. */
const NAME = /^[a-z][a-z0-9]*([-._][a-z0-9]+)*$/;
const LONGEST_NAME = 64;

export class Registry<T extends Named> {
  readonly #what: string;
  readonly #builtIn: ReadonlySet<string>;
  readonly #all: T[];
  readonly #names: string[];

  /**
   * @param what what an entry is called in messages: "method"
   * @param builtIn the built-in entries, in the order in which they are listed
   */
  constructor(what: string, builtIn: readonly T[]) {
    this.#what = what;
    this.#all = [...builtIn];
    this.#names = builtIn.map(({ name }) => name);
    this.#builtIn = new Set(this.#names);
  }

  /** The built-in entries, then the added ones; always the same array. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** The entries' names, in the same order; always the same array. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** @throws {OptionError} naming the known ones, and the one that may have been meant */
  find(name: string): T {
    needText(name, this.#what, `the name of a ${this.#what}`);
    const found = this.#all.find((one) => one.name === name);
    if (found) return found;
    const meant = didYouMean(name, this.#names);
    const known = this.#names.join(", ");
    throw new OptionError(`no ${this.#what} "${printable(name)}"; known: ${known}${meant}`);
  }

  /** Whether a program added the entry of that name: another thread does not know it by itself. */
  isAdded(name: string): boolean {
    return this.#names.includes(name) && !this.#builtIn.has(name);
  }

  /** @throws {OptionError} for a name that is malformed or taken */
  checkName(name: string): void {
    needText(name, `a ${this.#what}'s name`, "text");
    if (!NAME.test(name) || name.length > LONGEST_NAME || name in Object.prototype) {
      throw new OptionError(
        `a ${this.#what} cannot be named "${printable(name)}": a name has lower-case letters and digits, ` +
          `in parts joined by "-", "." or "_", ${LONGEST_NAME} characters at most`,
      );
    }
    if (!this.#names.includes(name)) return;
    const why = this.#builtIn.has(name)
      ? "is built in; choose another name"
      : "was added before; choose another name, or first call what adding it returned";
    throw new OptionError(`the ${this.#what} "${name}" ${why}`);
  }

  /**
   * Adds an entry at the end.
   * @returns a function that removes it again
   * @throws {OptionError} for a name that is malformed or taken
   */
  add(entry: T): () => void {
    this.checkName(entry.name);
    this.#all.push(entry);
    this.#names.push(entry.name);
    return () => {
      const at = this.#all.indexOf(entry);
      if (at < 0) return;
      this.#all.splice(at, 1);
      this.#names.splice(at, 1);
    };
  }
}

/** @throws {OptionError} if the table is malformed, or the defaults are outside it */
export function checkDefaults<Options extends object>(
  owner: string,
  { defaults, options }: { readonly defaults: Options; readonly options: OptionTable<Options> },
): void {
  needObject(options, `${owner}: options`, "a table with an entry for each option");
  for (const [name, info] of Object.entries<unknown>(options)) {
    const legal = "{ kind, description } and the range of that kind";
    needObject(info, `${owner}: option "${name}"`, legal, "kind", "description");
  }
  checkOptions(`${owner}: defaults`, options, defaults);
}
