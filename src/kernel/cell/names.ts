// Which names a program imports, and which it uses as values.
import type { AnyNode, ImportDeclaration, Program } from "acorn";
import { full } from "acorn-walk";

/** The module that a statement asks for. */
export interface ImportRequest {
  readonly specifier: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What an import or an `export .. from` asks for. */
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

/** The names that an import binds; `default` is a name as any other. */
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

/** The names that stand somewhere for a value. */
export function usedNames(program: Program): ReadonlySet<string> {
  const names = new Set<string>();
  full(program, (node) => {
    if (node.type === "Identifier") names.add(node.name);
    if (node.type === "ExportNamedDeclaration" && !node.source) {
      for (const { local } of node.specifiers)
        if (local.type === "Identifier") names.add(local.name);
    }
  });
  return names;
}
