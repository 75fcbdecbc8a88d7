// Local TypeScript files as Node runs them: types stripped, imports of types left out.
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { pathToFileURL } from "node:url";
import type { ImportDeclaration, Program } from "acorn";
import { usedNames } from "./names.ts";
import { CellSyntaxError, parseTypeScript } from "./parse.ts";
import { Edits, type Position } from "./source.ts";

export interface LoadedModule {
  readonly format: "module" | "commonjs";
  readonly code: string;
  /** The place in the file of an offset in `code`. */
  readonly origin: (offset: number) => Position;
}

/** Reads and compiles a .ts, .mts or .cts file. A syntax error names the file. */
export function compileModule(path: string): LoadedModule {
  const source = readFileSync(path, "utf8");
  try {
    const { text, program, origin } = parseTypeScript(source);
    const edited = withoutTypeImports(text, program);
    return {
      format: formatOf(path, program),
      code: edited.text,
      origin: (offset) => origin(edited.origin(offset)),
    };
  } catch (error) {
    if (!(error instanceof CellSyntaxError)) throw error;
    const { message, line, column } = error;
    throw new CellSyntaxError(`${message}\n    at ${path}:${line}:${column}`, { line, column });
  }
}

/** Leaves out what is imported and used nowhere as a value: types, which no module exports at run
 *  time. An import of which nothing is left goes as a whole, as the TypeScript compiler does it. */
function withoutTypeImports(text: string, program: Program) {
  const used = usedNames(program);
  const edits = new Edits(text);
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration" || statement.specifiers.length === 0) continue;
    const { start, end, source, specifiers } = statement;
    const kept = specifiers.filter(({ local }) => used.has(local.name));
    if (kept.length === specifiers.length) continue;
    const lineEnds = (until: number) => text.slice(start, until).replace(/[^\n]/g, "");
    if (kept.length === 0) edits.replace(start, end, `;${lineEnds(end)}`);
    else edits.replace(start, source.start, importClause(kept, text) + lineEnds(source.start));
  }
  return edits.join([edits.part(0, text.length)]);
}

function importClause(specifiers: ImportDeclaration["specifiers"], text: string): string {
  const code = (type: string) =>
    specifiers.filter((each) => each.type === type).map(({ start, end }) => text.slice(start, end));
  const named = code("ImportSpecifier").join();
  const clauses = [
    ...code("ImportDefaultSpecifier"),
    ...code("ImportNamespaceSpecifier"),
    ...(named === "" ? [] : [`{${named}}`]),
  ];
  return `import ${clauses.join()} from `;
}

/** By ending and by syntax; where neither says, by the package, and a module where that does not. */
function formatOf(path: string, program: Program): LoadedModule["format"] {
  if (path.endsWith(".mts")) return "module";
  if (path.endsWith(".cts")) return "commonjs";
  if (program.body.some(({ type }) => /^(?:Import|Export).*Declaration$/.test(type)))
    return "module";
  const packageJson = findPackageJSON(pathToFileURL(path));
  const type = packageJson && JSON.parse(readFileSync(packageJson, "utf8")).type;
  if (type === "module" || type === "commonjs") return type;
  const used = usedNames(program);
  return ["require", "module", "exports"].some((name) => used.has(name)) ? "commonjs" : "module";
}
