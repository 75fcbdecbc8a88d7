// A notebook as TypeScript modules: one file per cell, whose first line imports earlier names.
import { basename, extname, join } from "node:path";
import ts from "typescript";
import { LENT, mentionsLent } from "../cell/lent.ts";
import { isShownText } from "../cell/magic.ts";
import { shortPath } from "../short-path.ts";
import { type DeclaredName, declaredNames, mentionedNames } from "./names.ts";
import type { CellRecord, WorkerSettings } from "./protocol.ts";
import { projectFile } from "./resolver.ts";
import { parseScript } from "./script.ts";

/** One cell as a file: `prelude + code`, where the prelude is one line. */
export interface CellFile {
  readonly file: string;
  readonly count: number;
  readonly code: string;
  readonly prelude: string;
  readonly names: ReadonlyMap<string, DeclaredName>;
  /** Whether it changes types outside itself. */
  readonly ambient: boolean;
}

const PREFIX = ".abkd-cell-";

/** Returns a cell's file name, without its folder. */
const specifier = (index: number | string, code: string): string =>
  PREFIX + index + extname(parseScript(code).fileName);

export class Notebook {
  readonly #folder: string;
  readonly #projectRoot: string;
  readonly #cells: CellFile[] = [];
  readonly #byFile = new Map<string, CellFile>();
  /** The index of the last cell that declared a name. */
  readonly #providers = new Map<string, number>();

  constructor({ folder, projectRoot }: WorkerSettings) {
    this.#folder = folder;
    this.#projectRoot = projectRoot;
  }

  /** Records a cell. It sees the names that it mentions as they are now. */
  record({ count, code }: CellRecord): CellFile {
    const index = this.#cells.length;
    const cell = this.#create(join(this.#folder, specifier(index, code)), count, code, "mentioned");
    this.#cells.push(cell);
    this.#byFile.set(cell.file, cell);
    for (const name of cell.names.keys()) this.#providers.set(name, index);
    return cell;
  }

  /** Creates the cell being typed. It sees every name. */
  draft(count: number, code: string): CellFile {
    return this.#create(join(this.#folder, specifier("draft", code)), count, code, "all");
  }

  find(count: number, code: string): CellFile | undefined {
    return this.#cells.findLast((cell) => cell.count === count && cell.code === code);
  }

  byFile(file: string): CellFile | undefined {
    return this.#byFile.get(file);
  }

  provider(name: string): CellFile | undefined {
    const index = this.#providers.get(name);
    return index === undefined ? undefined : this.#cells[index];
  }

  /** Returns the cells that must be part of the program even if nobody imports from them. */
  ambient(): CellFile[] {
    return this.#cells.filter((cell) => cell.ambient);
  }

  #create(file: string, count: number, code: string, sees: "all" | "mentioned"): CellFile {
    // What a cell shows as text declares nothing.
    const names = isShownText(code) ? new Map<string, DeclaredName>() : declaredNames(code);
    const seen = sees === "all" ? this.#providers.keys() : mentionedNames(code);
    const exports = [...names].filter(([, { exported }]) => !exported).map(([name]) => name);
    const prelude = `${pragmas(code)}${this.#imports(seen, names)}${this.#lent(code, names)}export { ${exports.join(", ")} };\n`;
    const ambient = /\bdeclare\s+(global|module|namespace)\b/.test(code);
    return { file, count, code, prelude, names, ambient };
  }

  /** Declares the names of other kernels that the cell uses, unless the notebook has a variable of that name. */
  #lent(code: string, redeclared: ReadonlyMap<string, DeclaredName>): string {
    if (!mentionsLent(code)) return "";
    const declarations = [...mentionedNames(code)].flatMap((name) => {
      const lender = LENT.get(name);
      if (lender === undefined || redeclared.has(name) || this.#providers.has(name)) return [];
      const file = JSON.stringify(projectFile(this.#projectRoot, `kernel/others/${lender}`));
      return `declare let ${name}: (typeof import(${file}).names)["${name}"]; `;
    });
    return declarations.join("");
  }

  /**
   * Imports earlier names, except those that the cell redeclares. Variables become declarations of
   * the same type, because an imported variable cannot be assigned to.
   */
  #imports(seen: Iterable<string>, redeclared: ReadonlyMap<string, DeclaredName>): string {
    const imported = new Map<number, string[]>();
    let variables = "";
    for (const name of seen) {
      const index = this.#providers.get(name);
      if (index === undefined || redeclared.has(name)) continue;
      const { kind } = this.#cells[index]!.names.get(name)!;
      if (kind === "any") {
        variables += `declare let ${name}: any; `;
      } else if (kind === "import") {
        const names = imported.get(index);
        if (names) names.push(name);
        else imported.set(index, [name]);
      } else {
        variables += `declare ${kind} ${name}: typeof import("./${basename(this.#cells[index]!.file)}").${name}; `;
      }
    }
    let text = "";
    for (const [index, names] of imported) {
      text += `import { ${names.join(", ")} } from "./${basename(this.#cells[index]!.file)}"; `;
    }
    return text + variables;
  }
}

/** Returns what a cell's first comments say about its JSX: TypeScript looks for it at the start of a file. */
function pragmas(code: string): string {
  const comments = ts.getLeadingCommentRanges(code, 0) ?? [];
  const found = comments.flatMap(
    ({ pos, end }) => code.slice(pos, end).match(/@jsx\w*[ \t]+[\w@$./-]+/g) ?? [],
  );
  return found.map((each) => `/** ${each} */ `).join("");
}

/** Replaces file names in messages and types: cells get the name that users know, other files a short path. */
export function readable(text: string, notebook: Notebook, settings: WorkerSettings): string {
  return text.replaceAll(/(["'])(\/[^"']*)\1/g, (_, quote: string, path: string) => {
    const cell = ["", ".ts", ".tsx"].map((end) => notebook.byFile(path + end)).find(Boolean);
    return `${quote}${cell ? `Cell [${cell.count}]` : shortPath(path, settings)}${quote}`;
  });
}
