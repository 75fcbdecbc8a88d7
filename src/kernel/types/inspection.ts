// Inspection of a name: its type, its documentation, where it is declared.
import ts from "typescript";
import { shortPath } from "../short-path.ts";
import { type CellFile, type Notebook, readable } from "./notebook.ts";
import type { Inspection, WorkerSettings } from "./protocol.ts";
import { parseScript } from "./script.ts";
import type { Workspace } from "./workspace.ts";

interface Described {
  readonly signature: string;
  readonly documentation: readonly ts.SymbolDisplayPart[];
  readonly tags: readonly ts.JSDocTagInfo[];
}

export class Inspector {
  readonly #workspace: Workspace;
  readonly #notebook: Notebook;
  readonly #settings: WorkerSettings;

  constructor(workspace: Workspace, notebook: Notebook, settings: WorkerSettings) {
    this.#workspace = workspace;
    this.#notebook = notebook;
    this.#settings = settings;
  }

  /** Describes the name at the cursor, or else the call around it. */
  inspect(cell: CellFile, cursor: number, detailLevel: number): Inspection {
    const position = cell.prelude.length + cursor;
    const described = this.#quickInfo(cell, position) ?? this.#signatureHelp(cell, position);
    if (!described) return { found: false, data: {} };
    const declared = detailLevel > 0 ? this.#declaredAt(cell, described.position) : "";
    return { found: true, data: this.#bundle(described, declared) };
  }

  #quickInfo(cell: CellFile, position: number): (Described & { position: number }) | undefined {
    const touches = /[\p{ID_Continue}$#]/u;
    const text = cell.prelude + cell.code;
    if (!touches.test(text.charAt(position)) && !touches.test(text.charAt(position - 1))) {
      return undefined;
    }
    const info = this.#workspace.service.getQuickInfoAtPosition(cell.file, position);
    if (!info || info.textSpan.start < cell.prelude.length) return undefined;
    // Strings and numbers have a type but nothing worth showing.
    if (info.kind === ts.ScriptElementKind.unknown && !info.documentation?.length) return undefined;
    const shown = ts.displayPartsToString(info.displayParts);
    const origin = this.#origin(cell, info.textSpan.start);
    return {
      position: info.textSpan.start,
      signature: this.#withoutAlias(cell, shown),
      documentation: info.documentation?.length
        ? info.documentation
        : (origin?.documentation ?? []),
      tags: info.tags?.length ? info.tags : (origin?.tags ?? []),
    };
  }

  /** Shows what a name stands for instead of the fact that it was imported. */
  #withoutAlias(cell: CellFile, shown: string): string {
    const whole = /^(?:\(alias\) )?import (\S+)$/.exec(shown);
    const name = whole?.[1];
    if (name === undefined) {
      return shown
        .replace(/\nimport [^\n]*$/, "")
        .replace(/^\(alias\) (?=[\p{ID_Continue}$]+[(<])/u, "function ")
        .replace(/^\(alias\) /, "");
    }
    // TypeScript says nothing about an imported module but its local name.
    const home = cell.names.has(name) ? cell : this.#notebook.provider(name);
    const from = home && importSource(home.code, name);
    return from === undefined ? shown : `module "${from}"`;
  }

  /** Returns what an earlier cell documents about its variable; the prelude's declaration has no documentation. */
  #origin(cell: CellFile, position: number): ts.QuickInfo | undefined {
    const place = this.#variablePlace(cell, position);
    return place && this.#workspace.service.getQuickInfoAtPosition(place.file, place.position);
  }

  #variablePlace(
    cell: CellFile,
    position: number,
  ): { readonly file: string; readonly position: number } | undefined {
    const [definition] = this.#workspace.service.getDefinitionAtPosition(cell.file, position) ?? [];
    if (!definition) return undefined;
    const { fileName, textSpan, name } = definition;
    const home = fileName === cell.file ? cell : this.#notebook.byFile(fileName);
    if (!home || textSpan.start >= home.prelude.length) {
      return { file: fileName, position: textSpan.start };
    }
    const provider = this.#notebook.provider(name);
    const declared = provider?.names.get(name);
    if (!provider || !declared) return undefined;
    return { file: provider.file, position: provider.prelude.length + declared.offset };
  }

  #signatureHelp(cell: CellFile, position: number): (Described & { position: number }) | undefined {
    const help = this.#workspace.service.getSignatureHelpItems(cell.file, position, undefined);
    const item = help?.items[help.selectedItemIndex] ?? help?.items[0];
    if (!help || !item) return undefined;
    const text = ts.displayPartsToString;
    const parameters = item.parameters.map((parameter) => text(parameter.displayParts));
    const separator = text(item.separatorDisplayParts);
    const more = help.items.length - 1;
    return {
      position: calleeEnd(cell, help.applicableSpan.start),
      signature:
        text(item.prefixDisplayParts) +
        parameters.join(separator) +
        text(item.suffixDisplayParts) +
        (more > 0 ? ` (+${more} overload${more > 1 ? "s" : ""})` : ""),
      documentation: item.documentation,
      tags: item.tags,
    };
  }

  #declaredAt(cell: CellFile, position: number): string {
    const place = this.#variablePlace(cell, position);
    const file = place && this.#workspace.program.getSourceFile(place.file);
    if (!place || !file) return "";
    const home = place.file === cell.file ? cell : this.#notebook.byFile(place.file);
    if (home) {
      const code = parseScript(home.code);
      const at = code.getLineAndCharacterOfPosition(place.position - home.prelude.length);
      const where = home === cell ? "this cell" : `Cell [${home.count}]`;
      return `${where}:${at.line + 1}:${at.character + 1}`;
    }
    const { line, character } = file.getLineAndCharacterOfPosition(place.position);
    return `${shortPath(place.file, this.#settings)}:${line + 1}:${character + 1}`;
  }

  #bundle({ signature, documentation, tags }: Described, declared: string): Inspection["data"] {
    const code = readable(signature, this.#notebook, this.#settings);
    const text = ts.displayPartsToString([...documentation]).trim();
    const plain = [code, text, tags.map((tag) => tagText(tag, (s) => `@${s}`)).join("\n")];
    const markdown = [
      `\`\`\`ts\n${code}\n\`\`\``,
      text,
      tags.map((tag) => tagText(tag, (s) => `*@${s}*`)).join("  \n"),
    ];
    if (declared) {
      plain.push(`Declared at ${declared}`);
      markdown.push(`Declared at \`${declared}\``);
    }
    return {
      "text/plain": plain.filter((part) => part !== "").join("\n\n"),
      "text/markdown": markdown.filter((part) => part !== "").join("\n\n"),
    };
  }
}

/** Returns the module that `import * as name` imports. */
function importSource(code: string, name: string): string | undefined {
  const file = parseScript(code);
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (!bindings || !ts.isNamespaceImport(bindings) || bindings.name.text !== name) continue;
    return ts.isStringLiteral(statement.moduleSpecifier)
      ? statement.moduleSpecifier.text
      : undefined;
  }
  return undefined;
}

function tagText({ name, text }: ts.JSDocTagInfo, mark: (name: string) => string): string {
  const parts = text ?? [];
  const [first, ...rest] = parts;
  if (first?.kind === "parameterName") {
    const said = ts.displayPartsToString(rest).trim().replace(/^-\s*/, "");
    return `${mark(name)} ${first.text}${said ? ` - ${said}` : ""}`;
  }
  const said = ts.displayPartsToString([...parts]).trim();
  return said.includes("\n") ? `${mark(name)}\n${said}` : `${mark(name)} ${said}`.trimEnd();
}

/** Returns the position of the called name's last character, before the parenthesis and type arguments. */
function calleeEnd(cell: CellFile, argumentsStart: number): number {
  return calleeOf((cell.prelude + cell.code).slice(0, argumentsStart)).length - 1;
}

/** Returns code without a trailing `(` or `<T>(`. */
export function calleeOf(code: string): string {
  const opened = code.trimEnd();
  const callee = (opened.endsWith("(") ? opened.slice(0, -1) : opened).trimEnd();
  if (!callee.endsWith(">")) return callee;
  const types = callee.indexOf("<", 1 + Math.max(callee.lastIndexOf("("), callee.lastIndexOf(")")));
  return types < 0 ? callee : callee.slice(0, types).trimEnd();
}
