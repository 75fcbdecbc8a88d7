// The names that a cell declares at its top level, and the names that it mentions.
import ts from "typescript";
import { parseScript } from "./script.ts";

/**
 * How a later cell refers to the name. Variables may be assigned to; those that begin empty (`let x;`)
 * may be assigned anything; everything else is imported.
 */
export type NameKind = "let" | "const" | "any" | "import";

export interface DeclaredName {
  readonly kind: NameKind;
  /** Where in the cell's code the name is first declared. */
  readonly offset: number;
  /** Whether the cell itself exports it. */
  readonly exported: boolean;
}

/** Returns the names that a cell gives to later ones. Reads only the syntax, however broken it is. */
export function declaredNames(code: string): Map<string, DeclaredName> {
  const file = parseScript(code);
  const names = new Map<string, DeclaredName>();
  const own = exportedByName(file);
  let exported = false;
  const add = (name: ts.Node | undefined, kind: NameKind): void => {
    if (!name || !ts.isIdentifier(name) || name.text === "" || names.has(name.text)) return;
    const offset = name.getStart(file);
    names.set(name.text, { kind, offset, exported: exported || own.has(name.text) });
  };
  const bind = (name: ts.BindingName, kind: NameKind): void => {
    if (ts.isIdentifier(name)) add(name, kind);
    else
      for (const element of name.elements) {
        if (ts.isBindingElement(element)) bind(element.name, kind);
      }
  };
  const list = (declarations: ts.VariableDeclarationList): void => {
    const constant = (declarations.flags & ts.NodeFlags.BlockScoped) === ts.NodeFlags.Const;
    for (const { name, type, initializer } of declarations.declarations) {
      const open = !constant && !type && startsEmpty(initializer);
      bind(name, constant ? "const" : open ? "any" : "let");
    }
  };
  const importClause = (clause: ts.ImportClause | undefined): void => {
    add(clause?.name, "import");
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) add(bindings.name, "import");
    else for (const { name } of bindings?.elements ?? []) add(name, "import");
  };
  // A `var` in a block belongs to the cell; functions and classes keep their own.
  const vars = (node: ts.Node): void => {
    if (ts.isVariableDeclarationList(node)) {
      if (!(node.flags & ts.NodeFlags.BlockScoped)) list(node);
    } else if (ts.isStatement(node) || isClause(node)) {
      if (!isDeclaration(node)) ts.forEachChild(node, vars);
    }
  };
  for (const statement of file.statements) {
    exported = isExported(statement);
    if (ts.isVariableStatement(statement)) list(statement.declarationList);
    else if (ts.isImportDeclaration(statement)) importClause(statement.importClause);
    else if (isDeclaration(statement)) add(statement.name, "import");
    else vars(statement);
  }
  return names;
}

/** Whether a variable begins empty. TypeScript widens its type, but only in the file that declares it. */
function startsEmpty(initializer: ts.Expression | undefined): boolean {
  if (!initializer || initializer.kind === ts.SyntaxKind.NullKeyword) return true;
  return ts.isIdentifier(initializer) && initializer.text === "undefined";
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  const has = (kind: ts.SyntaxKind): boolean =>
    modifiers.some((modifier) => modifier.kind === kind);
  return has(ts.SyntaxKind.ExportKeyword) && !has(ts.SyntaxKind.DefaultKeyword);
}

/** Returns the names that the cell exports in braces. */
function exportedByName(file: ts.SourceFile): Set<string> {
  const clauses = file.statements.flatMap((statement) => {
    const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined;
    return clause && ts.isNamedExports(clause) ? [...clause.elements] : [];
  });
  return new Set(clauses.map(({ name }) => name.text));
}

type NamedStatement =
  | ts.FunctionDeclaration
  | ts.ClassDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration
  | ts.EnumDeclaration
  | ts.ModuleDeclaration
  | ts.ImportEqualsDeclaration;

function isDeclaration(node: ts.Node): node is NamedStatement {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node) ||
    (ts.isModuleDeclaration(node) && !(node.flags & ts.NodeFlags.GlobalAugmentation)) ||
    ts.isImportEqualsDeclaration(node)
  );
}

function isClause(node: ts.Node): boolean {
  return (
    ts.isCatchClause(node) ||
    ts.isCaseBlock(node) ||
    ts.isCaseOrDefaultClause(node) ||
    ts.isVariableDeclarationList(node)
  );
}

/** Returns every word of the code: a superset of its identifiers. */
export function mentionedNames(code: string): Set<string> {
  return new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu));
}
