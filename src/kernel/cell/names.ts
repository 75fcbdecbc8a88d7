// The names that a program imports, declares, exports, assigns to and uses as values.
import type {
  AnyNode,
  AssignmentExpression,
  ForInStatement,
  ForOfStatement,
  Identifier,
  ImportDeclaration,
  Literal,
  Program,
  UpdateExpression,
} from "acorn";
import { type AncestorVisitors, ancestor } from "acorn-walk";

/** The module that a statement requests. */
export interface ImportRequest {
  readonly specifier: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Returns what an import or an `export .. from` requests. */
export function requestOf(statement: AnyNode): ImportRequest | undefined {
  switch (statement.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration": {
      if (!statement.source) return undefined;
      const attributes = statement.attributes.map(({ key, value }) => [
        key.type === "Identifier" ? key.name : String(key.value),
        String(value.value),
      ]);
      return {
        specifier: String(statement.source.value),
        attributes: Object.fromEntries(attributes),
      };
    }
    default:
      return undefined;
  }
}

export interface ImportedName {
  readonly imported: string;
  readonly local: string;
}

/** Returns the names that an import binds; `default` is treated like any other name. */
export function importedNames(declaration: ImportDeclaration): {
  namespace?: string;
  names: ImportedName[];
} {
  let namespace: string | undefined;
  const names: ImportedName[] = [];
  for (const specifier of declaration.specifiers) {
    const local = specifier.local.name;
    if (specifier.type === "ImportNamespaceSpecifier") namespace = local;
    else if (specifier.type === "ImportDefaultSpecifier")
      names.push({ imported: "default", local });
    else {
      const { imported } = specifier;
      const name = imported.type === "Identifier" ? imported.name : String(imported.value);
      names.push({ imported: name, local });
    }
  }
  return namespace === undefined ? { names } : { namespace, names };
}

/** Returns the names that a program exports, except types and what `export *` adds. */
export function exportedNames(program: Program): string[] {
  const text = (name: Identifier | Literal) =>
    name.type === "Identifier" ? name.name : String(name.value);
  const declared = declaredNames(program);
  return program.body.flatMap((statement) => {
    if (statement.type === "ExportDefaultDeclaration") return ["default"];
    if (statement.type === "ExportAllDeclaration") {
      return statement.exported ? [text(statement.exported)] : [];
    }
    if (statement.type !== "ExportNamedDeclaration") return [];
    const { declaration, source, specifiers } = statement;
    if (declaration) return variablesOf(declaration).concat(lexicalNames(declaration));
    const values = specifiers.filter(({ local }) => source || declared.has(text(local)));
    return values.map(({ exported }) => text(exported));
  });
}

/** Returns the names that a program declares or imports. */
export function declaredNames(program: Program): ReadonlySet<string> {
  const names = program.body.flatMap((statement) => {
    if (statement.type === "ImportDeclaration") {
      return statement.specifiers.map(({ local }) => local.name);
    }
    const declaration = "declaration" in statement ? statement.declaration : statement;
    return declaration ? lexicalNames(declaration) : [];
  });
  return new Set([...names, ...variablesOf(program)]);
}

/** Returns the names that are used as a value somewhere no inner declaration hides them. */
export function usedNames(program: Program): ReadonlySet<string> {
  const names = new Set<string>();
  const isHidden = hiding(program);
  const use = ({ name }: Identifier, ancestors: readonly AnyNode[]) => {
    if (!names.has(name) && !isHidden(name, ancestors)) names.add(name);
  };
  ancestor(program, {
    Identifier: (node, _, ancestors) => use(node, ancestors as AnyNode[]),
    // This visits assignment targets. A declared name hides itself, or is the program's own.
    VariablePattern: (node: Identifier, _: unknown, ancestors: AnyNode[]) => use(node, ancestors),
  } as AncestorVisitors<unknown>);
  return names;
}

/** An assignment to names of the program's own top level or of earlier programs. */
export interface Assignment {
  readonly names: readonly string[];
  readonly node: AssignmentExpression | UpdateExpression | ForInStatement | ForOfStatement;
}

/** Returns the assignments whose targets no inner declaration hides. */
export function assignments(program: Program): Assignment[] {
  const found: Assignment[] = [];
  const isHidden = hiding(program);
  const add = (node: Assignment["node"], target: AnyNode, ancestors: readonly AnyNode[]) => {
    const names = boundNames(target).filter((name) => !isHidden(name, ancestors));
    if (names.length > 0) found.push({ names, node });
  };
  const loop = (node: ForInStatement | ForOfStatement, _: unknown, ancestors: AnyNode[]) => {
    if (node.left.type !== "VariableDeclaration") add(node, node.left, ancestors);
  };
  ancestor(program, {
    AssignmentExpression: (node, _, ancestors) => add(node, node.left, ancestors as AnyNode[]),
    UpdateExpression: (node, _, ancestors) => add(node, node.argument, ancestors as AnyNode[]),
    ForInStatement: loop,
    ForOfStatement: loop,
  } as AncestorVisitors<unknown>);
  return found;
}

/** Returns a function that tells whether something between the program and a node declares a name. */
export function hiding(program: Program): (name: string, ancestors: readonly AnyNode[]) => boolean {
  const scopes = new Map<AnyNode, ReadonlySet<string>>();
  return (name, ancestors) =>
    ancestors.some((node) => {
      if (node === program) return false;
      if (!scopes.has(node)) scopes.set(node, new Set(declaredIn(node)));
      return scopes.get(node)!.has(name);
    });
}

/** Returns the names that a node declares for its own content. */
function declaredIn(node: AnyNode): string[] {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression": {
      const own = node.type === "FunctionExpression" && node.id ? [node.id.name] : [];
      return [...own, ...node.params.flatMap(boundNames), ...variablesOf(node.body)];
    }
    case "StaticBlock":
    case "BlockStatement":
      return [...node.body.flatMap(lexicalNames), ...variablesOf(node)];
    case "SwitchStatement":
      return node.cases.flatMap(({ consequent }) => consequent.flatMap(lexicalNames));
    case "ForStatement":
      return node.init ? lexicalNames(node.init) : [];
    case "ForInStatement":
    case "ForOfStatement":
      return lexicalNames(node.left);
    case "CatchClause":
      return node.param ? boundNames(node.param) : [];
    case "ClassExpression":
      return node.id ? [node.id.name] : [];
    default:
      return [];
  }
}

export function lexicalNames(node: AnyNode): string[] {
  switch (node.type) {
    case "VariableDeclaration":
      return node.kind === "var" ? [] : node.declarations.flatMap(({ id }) => boundNames(id));
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return node.id ? [node.id.name] : [];
    default:
      return [];
  }
}

/** Returns the `var`s of a function's body, or of a program. */
function variablesOf(body: AnyNode): string[] {
  const names: string[] = [];
  ancestor(body, {
    VariableDeclaration({ kind, declarations }, _, ancestors) {
      const isOwn = !ancestors.some((each) => each !== body && FUNCTIONS.test(each.type));
      if (kind === "var" && isOwn) names.push(...declarations.flatMap(({ id }) => boundNames(id)));
    },
  });
  return names;
}

/** Types of nodes that have their own `var`s. */
export const FUNCTIONS = /Function|^StaticBlock$/;

/** Returns the names that a pattern declares or assigns to. */
export function boundNames(pattern: AnyNode): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        boundNames(property.type === "Property" ? property.value : property.argument),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element ? boundNames(element) : []));
    case "AssignmentPattern":
      return boundNames(pattern.left);
    case "RestElement":
      return boundNames(pattern.argument);
    case "ParenthesizedExpression":
      return boundNames(pattern.expression);
    default:
      return [];
  }
}
