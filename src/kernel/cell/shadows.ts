// Built-ins that cells declare anew, such as `import { Map } from "immutable"`: modules keep the built-in.
//
// V8 gives all scripts and modules one global scope: after `class Map {}` in a cell, every library and the kernel
// itself would get that Map. So cells declare and use such a name with a mark that is not seen. `Map = 5` without a
// declaration declares it too; `globalThis.Map = 5` is the way to give it to everyone.
import type { AnyNode, Identifier, Program, Property } from "acorn";
import { type AncestorVisitors, ancestor, simple } from "acorn-walk";
import { assignments, declaredNames, hiding } from "./names.ts";
import { type Parsed, parseJavaScript } from "./parse.ts";
import { Edits } from "./source.ts";

/** Combining grapheme joiner: it has no width, is legal in names, and is used in hardly any text. */
const MARK = "\u034F";
const MARKED = new RegExp(`(?<=[\\w$])${MARK}`, "g");

/** Those of V8 and Node, before cells add their own. Constants such as undefined cannot be declared. */
const BUILT_INS: ReadonlySet<string> = new Set(
  Object.entries(Object.getOwnPropertyDescriptors(globalThis))
    .filter(([, { writable, get }]) => writable || get)
    .map(([name]) => name),
);

/** One session's shadows: the built-ins that its cells have declared or assigned to. */
export class Shadows {
  readonly #names = new Set<string>();

  /** Returns the cell with each such name marked, here and from now on. */
  marked(parsed: Parsed): Parsed {
    const { text, program, origin } = parsed;
    for (const name of declaredNames(program)) {
      if (BUILT_INS.has(name)) this.#names.add(name);
    }
    const assigned = new Set(assignments(program).flatMap(({ names }) => names));
    const taken = [...assigned].filter((each) => BUILT_INS.has(each) && !this.#names.has(each));
    for (const name of taken) this.#names.add(name);
    if (this.#names.size === 0) return parsed;
    const edits = new Edits(text);
    for (const name of taken) edits.insert(0, `let ${name}${MARK}=${name};`);
    if (!mark(edits, program, this.#names)) return parsed;
    const edited = edits.join([edits.part(0, text.length)]);
    return {
      text: edited.text,
      program: parseJavaScript(edited.text),
      origin: (offset) => origin(edited.origin(offset)),
    };
  }

  /** Forgets the names that have no value, because a cell failed before it declared them. */
  settle(hasValue: (name: string) => boolean): void {
    for (const name of this.#names) if (!hasValue(name + MARK)) this.#names.delete(name);
  }

  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** Marks the names in what a cell gives to eval(); anything but code stays as it is. */
  readonly markedCode = (code: unknown): unknown => {
    if (typeof code !== "string") return code;
    try {
      const edits = new Edits(code);
      return mark(edits, parseJavaScript(code), this.#names)
        ? edits.join([edits.part(0, code.length)]).text
        : code;
    } catch {
      return code;
    }
  };

  /** Marks the name that an expression begins with. */
  markedFirst(expression: string): string {
    const [name = ""] = /^\s*[\w$]+/.exec(expression) ?? [];
    return this.#names.has(name.trim()) ? name + MARK + expression.slice(name.length) : expression;
  }
}

/** Returns a text without the marks. */
export const unmarked = (text: string): string => text.replace(MARKED, "");

/** Whether an expression is a function or class that has no name of its own. */
function isNameless(value: AnyNode | null | undefined): value is AnyNode {
  switch (value?.type) {
    case "ParenthesizedExpression":
      return isNameless(value.expression);
    case "ArrowFunctionExpression":
      return true;
    case "FunctionExpression":
    case "ClassExpression":
      return !value.id;
    default:
      return false;
  }
}

/** Marks the names wherever they are the session's variables; returns whether there were any. */
function mark(edits: Edits, program: Program, names: ReadonlySet<string>): boolean {
  let found = false;
  const shorthand = new Set<number>();
  const note = ({ properties }: { properties: readonly { type: string }[] }) => {
    for (const each of properties) {
      if (each.type === "Property" && (each as Property).shorthand) {
        shorthand.add((each as Property).start);
      }
    }
  };
  simple(program, { ObjectExpression: note, ObjectPattern: note });
  const named = new Set<number>();
  const isHidden = hiding(program);
  for (const statement of program.body) {
    const declaration =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declaration?.type !== "ClassDeclaration" || !names.has(declaration.id.name)) continue;
    // The class itself keeps its name, which its values show.
    edits.insert(declaration.start, `let ${declaration.id.name}${MARK}=`);
    edits.insert(declaration.end, ";");
    named.add(declaration.id.start);
    found = true;
  }
  // A function or class without a name gets the variable's: here from a property, which has no mark.
  const name = (target: AnyNode, value: AnyNode | null | undefined, within: AnyNode[]): void => {
    if (target.type !== "Identifier" || !names.has(target.name) || !isNameless(value)) return;
    if (isHidden(target.name, within)) return;
    edits.insert(value.start, `({${target.name}:`);
    edits.insert(value.end, `}).${target.name}`);
  };
  const variable = ({ name, start, end }: Identifier, _: unknown, within: AnyNode[]) => {
    if (!names.has(name) || named.has(start) || isHidden(name, within)) return;
    found = true;
    if (shorthand.has(start)) edits.insert(start, `${name}:`);
    edits.insert(end, MARK);
  };
  ancestor(program, {
    Identifier: variable,
    VariablePattern: variable,
    VariableDeclarator: ({ id, init }, _, within) => name(id, init, within as AnyNode[]),
    AssignmentPattern: ({ left, right }, _, within) => name(left, right, within as AnyNode[]),
    AssignmentExpression: ({ left, right }, _, within) => name(left, right, within as AnyNode[]),
    ImportDeclaration({ specifiers }) {
      for (const each of specifiers) {
        const { local } = each;
        if (!names.has(local.name)) continue;
        found = true;
        const isShort = each.type === "ImportSpecifier" && each.imported.start === local.start;
        edits.insert(local.end, isShort ? ` as ${local.name}${MARK}` : MARK);
      }
    },
  } as AncestorVisitors<unknown>);
  return found;
}
