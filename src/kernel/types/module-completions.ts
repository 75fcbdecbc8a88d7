// What can stand in an import's quotes: files, packages, a package's subpaths, Node's modules.
import { readFileSync } from "node:fs";
import { builtinModules, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { ENTRIES } from "../../base/library.ts";
import { KERNEL_MODULES } from "../own-modules.ts";
import type { Candidate, Candidates } from "./completions.ts";
import type { CellFile } from "./notebook.ts";
import type { WorkerSettings } from "./protocol.ts";
import { entries, subpaths } from "./subpaths.ts";

const IMPORTABLE = /(?<!\.d)\.(ts|mts|cts|js|mjs|cjs|json)$/;

/** Returns undefined if the cursor is not inside an import's quotes. */
export function completeModule(
  file: ts.SourceFile,
  cell: CellFile,
  cursor: number,
  settings: WorkerSettings,
): Candidates | undefined {
  const shift = cell.prelude.length;
  const literal = moduleSpecifierAt(file, shift + cursor);
  if (!literal) return undefined;
  const from = literal.getStart(file) + 1 - shift;
  const text = literal.text;
  const typed = cell.code.slice(from, cursor);
  const end = from + text.length;
  if (/^\.{0,2}\/|^\.{1,2}$/.test(typed)) {
    const start = from + typed.lastIndexOf("/") + 1;
    return { list: files(typed, settings.folder), start, end };
  }
  const scope = /^(@[^/]*\/)?[^/]*/.exec(typed)![0];
  if (typed.length === scope.length || isBuiltin(scope)) {
    return { list: packages(settings), start: from, end };
  }
  return { list: subpaths(typed, scope, settings), start: from, end };
}

function moduleSpecifierAt(
  file: ts.SourceFile,
  position: number,
): ts.StringLiteralLike | undefined {
  let found: ts.StringLiteralLike | undefined;
  const visit = (node: ts.Node): void => {
    if (position < node.pos || position > node.end) return;
    if (ts.isStringLiteralLike(node) && position > node.getStart(file)) {
      const closed = node.getText(file).length === node.text.length + 2;
      if ((position < node.end || !closed) && isModuleSpecifier(node)) found = node;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isModuleSpecifier(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)) return true;
  if (ts.isExternalModuleReference(parent)) return true;
  if (ts.isLiteralTypeNode(parent)) return ts.isImportTypeNode(parent.parent);
  if (!ts.isCallExpression(parent) || parent.arguments[0] !== node) return false;
  const { expression } = parent;
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === "require")
  );
}

function candidate(text: string, type: string): Candidate {
  return { text, type, rank: type === "path" ? "11" : "12" };
}

function files(typed: string, folder: string): Candidate[] {
  if (/(^|\/)\.{1,2}$/.test(typed)) return [candidate("./", "path"), candidate("../", "path")];
  const hidden = typed.slice(typed.lastIndexOf("/") + 1).startsWith(".");
  const list: Candidate[] = [];
  for (const entry of entries(resolve(folder, dirname(`${typed}x`)))) {
    if (entry.name.startsWith(".") && !hidden) continue;
    if (entry.name === "node_modules") continue;
    if (entry.isDirectory()) list.push(candidate(`${entry.name}/`, "path"));
    else if (IMPORTABLE.test(entry.name)) list.push(candidate(entry.name, "path"));
  }
  return list;
}

/** Lists the project's dependencies, every node_modules on the way up, and Node's built-in modules. */
function packages({ folder, projectRoot }: WorkerSettings): Candidate[] {
  const library = [...ENTRIES.keys()].filter((name) => !name.includes("/"));
  const names = new Set([...library, ...KERNEL_MODULES.keys()]);
  for (let at = folder; ; at = dirname(at)) {
    for (const name of installed(join(at, "node_modules"))) names.add(name);
    if (at === dirname(at)) break;
  }
  for (const name of dependencies(projectRoot)) names.add(name);
  const builtins = builtinModules.filter((name) => !name.startsWith("_") && !name.includes(":"));
  return [
    ...[...names].map((name) => ({ text: name, type: "module", rank: "11" })),
    ...builtins.map((name) => ({ text: `node:${name}`, type: "module", rank: "12" })),
    ...builtins.map((name) => ({ text: name, type: "module", rank: "13" })),
  ];
}

function installed(folder: string): string[] {
  return entries(folder).flatMap(({ name }) => {
    if (name.startsWith(".") || name === "@types") return [];
    if (!name.startsWith("@")) return [name];
    return entries(join(folder, name)).map((entry) => `${name}/${entry.name}`);
  });
}

function dependencies(projectRoot: string): string[] {
  try {
    const text = readFileSync(join(projectRoot, "package.json"), "utf8");
    return Object.keys((JSON.parse(text) as { dependencies?: object }).dependencies ?? {});
  } catch {
    return [];
  }
}
