// Names that other kernels give to their cells (Deno, $$, ijs), for the cells that use them.
//
// They are no globals: a library that found a global Deno would take this for Deno. So a cell reads such a name from
// the store that it fills first, unless the notebook has a variable of that name.
import type { AnyNode, Identifier } from "acorn";
import { type AncestorVisitors, ancestor, simple } from "acorn-walk";
import { declaredNames, hiding } from "./names.ts";
import { type Parsed, parseJavaScript } from "./parse.ts";
import { Edits } from "./source.ts";

/** The files of src/kernel/others, by the names that they lend. */
export const LENT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    Deno: "deno",
    ijs: "xeus",
    ...Object.fromEntries(
      ["$$", ...["async", "done", "mime", "html", "svg", "png", "jpeg"].map((n) => `$$${n}$$`)].map(
        (name) => [name, "ijavascript"],
      ),
    ),
  }),
);

const MENTIONED = /\bDeno\b|\bijs\b|\$\$/;

/** Whether a code may use a lent name; most do not, which is quickly seen. */
export const mentionsLent = (code: string): boolean => MENTIONED.test(code);

/** Returns a cell that takes lent names from `store`, an expression for an object, after `lend` has filled it. */
export function withLent(parsed: Parsed, store: string, lend: string): Parsed {
  const { text, program, origin } = parsed;
  if (!mentionsLent(text)) return parsed;
  const declared = declaredNames(program);
  const isHidden = hiding(program);
  const edits = new Edits(text);
  const lenders = new Set<string>();
  const shorthand = new Set<number>();
  const note = ({ properties }: { properties: readonly AnyNode[] }) => {
    for (const each of properties) {
      if (each.type === "Property" && each.shorthand) shorthand.add(each.start);
    }
  };
  simple(program, { ObjectExpression: note, ObjectPattern: note });
  const take = ({ name, start, end }: Identifier, code: string, within: AnyNode[]) => {
    const lender = LENT.get(name);
    if (lender === undefined || declared.has(name) || isHidden(name, within)) return;
    lenders.add(lender);
    edits.replace(start, end, shorthand.has(start) ? `${name}:${code}` : code);
  };
  ancestor(program, {
    Identifier(node: Identifier, _: unknown, within: AnyNode[]) {
      // A cell that asks whether it runs in Deno hears that it does not.
      const parent = within.at(-2);
      if (node.name === "Deno" && parent?.type === "UnaryExpression") return;
      const { name } = node;
      take(node, `(typeof ${name}==="undefined"?${store}.${name}:${name})`, within);
    },
    VariablePattern(node: Identifier, _: unknown, within: AnyNode[]) {
      if (/^\$\$\w+\$\$$/.test(node.name)) take(node, `${store}.${node.name}`, within);
    },
  } as AncestorVisitors<unknown>);
  if (lenders.size === 0) return parsed;
  edits.insert(0, `await ${lend}(${JSON.stringify([...lenders])});`);
  const edited = edits.join([edits.part(0, text.length)]);
  return {
    ...parsed,
    text: edited.text,
    program: parseJavaScript(edited.text),
    origin: (offset) => origin(edited.origin(offset)),
  };
}
