// Local files that Node does not run as they are: types are stripped, imports of types are removed, JSX is compiled.
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Identifier, ImportDeclaration, Literal, Program } from "acorn";
import { JsonError, parseJson } from "../../base/json.ts";
import { printable } from "../../base/printable.ts";
import { hint } from "./habits.ts";
import { declaredNames, exportedNames, usedNames } from "./names.ts";
import { CellSyntaxError, parseJavaScript, parseTypeScript } from "./parse.ts";
import { type Edited, Edits, linesOf, type Position } from "./source.ts";
import type { Written } from "./transpile.ts";
import { isPath, isTypeScript, localFile, toPath } from "./versions.ts";

export interface LoadedModule {
  readonly format: "module" | "commonjs";
  readonly code: string;
  /** Returns the place in the file for an offset in `code`. */
  readonly origin: (offset: number) => Position;
}

const ownErrors = new WeakSet();

/** Marks an error as made by our hooks inside Node's loader. */
export function markOwn<E extends Error>(error: E): E {
  ownErrors.add(error);
  return error;
}

export const isOwn = (error: unknown): error is Error => ownErrors.has(error as Error);

/** Reads and compiles a .ts, .mts, .cts, .tsx or .jsx file. Syntax errors call it `shown`. */
export function compileModule(path: string, shown: string): LoadedModule {
  const source = readFileSync(path, "utf8");
  try {
    const { text, program, origin } = parseTypeScript(source, writtenIn(path));
    const edited = withoutTypes(text, program, dirname(path));
    return {
      format: formatOf(path, program),
      code: edited.text,
      origin: (offset) => origin(edited.origin(offset)),
    };
  } catch (error) {
    throw error instanceof CellSyntaxError ? placed(error, source, shown) : error;
  }
}

function writtenIn(path: string): Written {
  const tags = /\.([tj]sx)$/.exec(path)?.[1] as "tsx" | "jsx" | undefined;
  return { as: tags ?? "ts", folder: dirname(path) };
}

/** Returns the error of a JavaScript file that is neither an ES module nor a CommonJS one, with its place, which
 *  Node's own error may lack; undefined for others. */
export function syntaxErrorIn(path: string, shown: string): SyntaxError | undefined {
  let found: SyntaxError | undefined;
  try {
    const source = readFileSync(path, "utf8");
    for (const type of ["script", "module"] as const) {
      try {
        parseJavaScript(source, type);
        return undefined;
      } catch (error) {
        if (error instanceof CellSyntaxError) found = placed(error, source, shown);
      }
    }
  } catch {
    return undefined; // it has gone
  }
  return found;
}

/** Returns the error of a file, with its place and what to write instead. */
function placed(
  { message, line, column }: CellSyntaxError,
  source: string,
  shown: string,
): SyntaxError {
  const found = hint("SyntaxError", message, linesOf(source)[line - 1] ?? "", shown);
  const end = found === undefined ? "" : `. ${found}`;
  return markOwn(new SyntaxError(`${message} (${shown}:${line}:${column})${end}`));
}

/** Removes imports that are never used as a value: they are types, which no module exports at run time.
 *  Also removes types from exports by name. An import that loses all its names is removed as a whole, as
 *  the TypeScript compiler does. */
function withoutTypes(text: string, program: Program, folder: string): Edited {
  const edits = new Edits(text);
  const used = usedNames(program);
  const declared = new Set(declaredNames(program));
  const exported = new Set<string>();
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.source) continue;
    for (const { local } of statement.specifiers) exported.add(nameOf(local));
  }
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration" || statement.specifiers.length === 0) continue;
    const { start, end, source, specifiers } = statement;
    const kept = specifiers.filter((each) => {
      if (used.has(each.local.name)) return true;
      if (!exported.has(each.local.name) || each.type !== "ImportSpecifier") return false;
      return valuesOf(source, folder)?.has(nameOf(each.imported)) ?? true;
    });
    for (const each of specifiers) if (!kept.includes(each)) declared.delete(each.local.name);
    if (kept.length === specifiers.length) continue;
    const lineEnds = (until: number) => text.slice(start, until).replace(/[^\n]/g, "");
    if (kept.length === 0) edits.replace(start, end, `;${lineEnds(end)}`);
    else edits.replace(start, source.start, importClause(kept, text) + lineEnds(source.start));
  }
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration") continue;
    const { source, specifiers } = statement;
    const values = source ? valuesOf(source, folder) : declared;
    for (const [index, each] of specifiers.entries()) {
      const end = specifiers[index + 1]?.start ?? each.end;
      if (values && !values.has(nameOf(each.local))) edits.replace(each.start, end, "");
    }
  }
  return edits.join([edits.part(0, text.length)]);
}

const nameOf = (name: Identifier | Literal): string =>
  name.type === "Identifier" ? name.name : String(name.value);

/** Returns the names of values that a local TypeScript file exports, if its text alone tells. */
function valuesOf({ value }: Literal, folder: string): ReadonlySet<string> | undefined {
  const specifier = String(value);
  if (!isPath(specifier)) return undefined;
  const path = localFile(toPath(specifier, folder));
  if (!isTypeScript(path)) return undefined;
  try {
    const { program } = parseTypeScript(readFileSync(path, "utf8"), writtenIn(path));
    const isOpen = program.body.some((each) => each.type === "ExportAllDeclaration");
    return isOpen ? undefined : new Set(exportedNames(program));
  } catch {
    return undefined; // its own import will report why
  }
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

/** Returns the "type" of the nearest package.json; undefined if there is no file or no such field. */
function typeOfPackage(path: string): unknown {
  const packageJson = findPackageJSON(pathToFileURL(path));
  // Where there is none, Node 24 returns the file or a folder.
  if (packageJson === undefined || basename(packageJson) !== "package.json") return undefined;
  const shown = printable(packageJson, 200);
  let value: unknown;
  try {
    value = parseJson(readFileSync(packageJson, "utf8"));
  } catch (error) {
    const why = error instanceof JsonError ? error.message : `cannot be read: ${String(error)}`;
    throw markOwn(new Error(`${shown} ${why}`));
  }
  return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
}

/** Decides the format by extension, then by syntax, then by the package, then by CommonJS names in use. */
function formatOf(path: string, program: Program): LoadedModule["format"] {
  if (path.endsWith(".mts")) return "module";
  if (path.endsWith(".cts")) return "commonjs";
  if (program.body.some(({ type }) => /^(?:Import|Export).*Declaration$/.test(type)))
    return "module";
  const type = typeOfPackage(path);
  if (type === "module" || type === "commonjs") return type;
  const used = usedNames(program);
  return ["require", "module", "exports"].some((name) => used.has(name)) ? "commonjs" : "module";
}
