// What TypeScript's compiler adds to code: helpers and the imports of JSX's runtime. In cells they are no variables.
//
// As variables they would be offered by Tab, and a cell with another runtime would change what earlier functions call.
import type { ImportDeclaration, Program, VariableDeclaration } from "acorn";
import { simple } from "acorn-walk";
import { type Parsed, parseJavaScript } from "./parse.ts";
import { Edits } from "./source.ts";

const HELPER_FUNCTION = /^var (__\w+) = \(this && this\.\1\) \|\| /;
const RUNTIME = /^(jsxs?|Fragment|createElement)$/;

/** Returns a compiled cell with these kept in `store`, an expression for an object; any other cell as it is. */
export function withoutEmitted(parsed: Parsed, store: string, importer: string): Parsed {
  if (!parsed.isCompiled) return parsed;
  const { text, program, origin } = parsed;
  const edits = new Edits(text);
  /** What stands for each name. */
  const names = new Map<string, string>();
  for (const statement of program.body) {
    if (statement.type === "VariableDeclaration") keepHelper(statement, edits, text, store, names);
    if (statement.type !== "ImportDeclaration" || !isRuntime(statement)) continue;
    const source = JSON.stringify(statement.source.value);
    for (const { imported, local } of importsOf(statement)) {
      names.set(local, `${store}[${source}].${imported}`);
    }
    edits.replace(
      statement.start,
      statement.end,
      `${store}[${source}]=await ${importer}(${source},{});`,
    );
  }
  if (names.size === 0) return parsed;
  replaceUses(edits, program, names);
  const edited = edits.join([edits.part(0, text.length)]);
  return {
    text: edited.text,
    program: parseJavaScript(edited.text),
    origin: (offset) => origin(edited.origin(offset)),
  };
}

function keepHelper(
  { start, declarations }: VariableDeclaration,
  edits: Edits,
  text: string,
  store: string,
  names: Map<string, string>,
): void {
  const [, name] = HELPER_FUNCTION.exec(text.slice(start, start + 200)) ?? [];
  const init = declarations[0]?.init;
  if (name === undefined || !init) return;
  names.set(name, `${store}.${name}`);
  edits.replace(start, init.start, `${store}.${name}??=`);
}

/** Returns an import's names, of an import that has only names. */
function importsOf({ specifiers }: ImportDeclaration): { imported: string; local: string }[] {
  return specifiers.flatMap((each) =>
    each.type === "ImportSpecifier" && each.imported.type === "Identifier"
      ? [{ imported: each.imported.name, local: each.local.name }]
      : [],
  );
}

/** Whether an import is of the form that the compiler writes: jsx as _jsx. */
function isRuntime(statement: ImportDeclaration): boolean {
  const imports = importsOf(statement);
  return (
    imports.length > 0 &&
    imports.length === statement.specifiers.length &&
    imports.every(
      ({ imported, local }) => RUNTIME.test(imported) && local.startsWith(`_${imported}`),
    )
  );
}

function replaceUses(edits: Edits, program: Program, names: ReadonlyMap<string, string>): void {
  simple(program, {
    Identifier({ name, start, end }) {
      const kept = names.get(name);
      if (kept !== undefined) edits.replace(start, end, kept);
    },
  });
}
