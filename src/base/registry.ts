// Registries by name, of methods, kinds of models, datasets and studies: built in, or added by a program.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getCallSites } from "node:util";
import { needObject, needText } from "./arguments.ts";
import { OptionError } from "./errors.ts";
import { notebookGlobal } from "./notebook.ts";
import { checkOptions, type OptionTable } from "./options.ts";
import { printable } from "./printable.ts";
import { didYouMean } from "./suggested.ts";

/** An entry of a registry. */
export interface Named {
  readonly name: string;
  /** Raised when the same options no longer give the same results. */
  readonly version?: number;
}

/** Entries that runs have used: another of that name would pass for them. */
const used = new Set<Named>();

/** From now on an entry that takes its place must have another version. */
export function markUsed(entry: Named): void {
  used.add(entry);
}

/** Whether two entries are written alike; what their functions call is not looked at. */
function isAlike(one: Named, other: Named): boolean {
  const text = (entry: Named): string =>
    JSON.stringify(entry, (_, value) => (typeof value === "function" ? String(value) : value));
  return text(one) === text(other);
}

/** Names become part of file names, flags and run ids. */
const NAME = /^[a-z][a-z0-9]*([-._][a-z0-9]+)*$/;
const LONGEST_NAME = 64;

/** An error names at most so many. */
const MOST_NAMED = 16;

/** Lists names, if there are many the first ones and how many more there are. */
export function firstOf(names: readonly string[]): string {
  if (names.length <= MOST_NAMED) return names.join(", ");
  return `${names.slice(0, MOST_NAMED).join(", ")} and ${names.length - MOST_NAMED} more`;
}

/** Returns a digest of the file that added an entry, as it is now; undefined for a notebook's cell. */
function digestOfCaller(): string | undefined {
  // The library's own frames come first: this file, and the function that adds entries.
  const own = new Set<string>();
  for (const { scriptName, functionName } of getCallSites(20)) {
    if (own.size === 0 || /^(add|register[A-Z]\w*)$/.test(functionName)) own.add(scriptName);
    if (own.has(scriptName) || scriptName.startsWith("node:")) continue;
    const file = scriptName.startsWith("file:") ? fileURLToPath(new URL(scriptName)) : scriptName;
    if (!existsSync(file)) return undefined;
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  }
  return undefined;
}

export class Registry<T extends Named> {
  /** By name, of what programs added. */
  readonly #digests = new Map<string, string>();
  readonly #what: string;
  readonly #advice: string;
  readonly #builtIn: ReadonlySet<string>;
  readonly #all: T[];
  readonly #names: string[];

  /**
   * @param what what an entry is called in messages: "method"
   * @param builtIn the built-in entries, in the order in which they are listed
   * @param advice where else an entry may be, for the message about one that is not here
   */
  constructor(what: string, builtIn: readonly T[], advice = "") {
    this.#what = what;
    this.#advice = advice && ` (${advice})`;
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
    const known = firstOf(this.#names);
    throw new OptionError(
      `no ${this.#what} "${printable(name)}"; known: ${known}${this.#advice}${meant}`,
    );
  }

  /** Whether a program added the entry of that name: another thread does not know it by itself. */
  isAdded(name: string): boolean {
    return this.#names.includes(name) && !this.#builtIn.has(name);
  }

  /** The digest of the file that added the entry of that name, when it did; undefined if there is no file. */
  digest(name: string): string | undefined {
    return this.#digests.get(name);
  }

  /** @throws {OptionError} for a name that is malformed or taken; in a notebook an added one may be replaced */
  checkName(name: string): void {
    needText(name, `a ${this.#what}'s name`, "text");
    if (!NAME.test(name) || name.length > LONGEST_NAME || name in Object.prototype) {
      throw new OptionError(
        `a ${this.#what} cannot be named "${printable(name)}": a name has lower-case letters and digits, ` +
          `in parts joined by "-", "." or "_", ${LONGEST_NAME} characters at most`,
      );
    }
    if (!this.#names.includes(name)) return;
    if (this.#builtIn.has(name)) this.#refuse(name, "is built in; choose another name");
    if (notebookGlobal("display") !== undefined) return;
    this.#refuse(
      name,
      "was added before; choose another name, or first call what adding it returned",
    );
  }

  #refuse(name: string, why: string): never {
    throw new OptionError(`the ${this.#what} "${name}" ${why}`);
  }

  /**
   * Adds an entry at the end. In a notebook, whose cells run again after an edit, it replaces an added entry
   * of its name, unless runs have used that one and could not be told from its own.
   * @returns a function that removes it again
   * @throws {OptionError} for a name that is malformed or taken
   */
  add(entry: T): () => void {
    const { name, version } = entry;
    this.checkName(name);
    const at = this.#names.indexOf(name);
    const rival = [...used].find((one) => one.name === name && one.version === version);
    if (at >= 0 && rival && !isAlike(rival, entry)) {
      const advice = version === undefined ? "give the new one another name" : "raise its version";
      this.#refuse(name, `was added before, and runs have used it: ${advice}`);
    }
    const place = at < 0 ? this.#names.length : at;
    this.#all.splice(place, 1, entry);
    this.#names.splice(place, 1, name);
    const digest = digestOfCaller();
    if (digest === undefined) this.#digests.delete(name);
    else this.#digests.set(name, digest);
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
