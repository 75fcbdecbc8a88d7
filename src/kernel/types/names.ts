// The names that a cell declares at its top level, and those that it mentions.
import ts from "typescript";

/** How a later cell can refer to the name: variables may be assigned to, the rest is imported. */
export type NameKind = "let" | "const" | "import";

export interface DeclaredName {
  readonly kind: NameKind;
  /** Where in the cell's code the name is first declared. */
  readonly offset: number;
}

/** What a cell gives to later ones. Reads the syntax only, however broken it is. */
export function declaredNames(code: string): Map<string, DeclaredName> {
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ESNext, false);
  const names = new Map<string, DeclaredName>();
  const add = (name: ts.Node | undefined, kind: NameKind): void => {
    if (!name || !ts.isIdentifier(name) || name.text === "" || names.has(name.text)) return;
    names.set(name.text, { kind, offset: name.getStart(file) });
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
    for (const { name } of declarations.declarations) bind(name, constant ? "const" : "let");
  };
  const importClause = (clause: ts.ImportClause | undefined): void => {
    add(clause?.name, "import");
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) add(bindings.name, "import");
    else for (const { name } of bindings?.elements ?? []) add(name, "import");
  };
  // A `var` in a block belongs to the cell; functions and classes keep theirs.
  const vars = (node: ts.Node): void => {
    if (ts.isVariableDeclarationList(node)) {
      if (!(node.flags & ts.NodeFlags.BlockScoped)) list(node);
    } else if (ts.isStatement(node) || isClause(node)) {
      if (!isDeclaration(node)) ts.forEachChild(node, vars);
    }
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) list(statement.declarationList);
    else if (ts.isImportDeclaration(statement)) importClause(statement.importClause);
    else if (isDeclaration(statement)) add(statement.name, "import");
    else vars(statement);
  }
  return names;
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

/** Every word of the code: a superset of the identifiers in it. */
export function mentionedNames(code: string): Set<string> {
  return new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu));
}
