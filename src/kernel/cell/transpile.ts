// JSX, decorators and `accessor`: TypeScript's own compiler turns them into JavaScript that V8 runs.
//
// It is loaded for the first code that needs it. Everything else is JavaScript once Node has stripped its types.
import { createRequire } from "node:module";
import type { Program } from "acorn";
import { full } from "acorn-walk";
import type ts from "typescript";
import { configsOf, optionOf } from "./tsconfig.ts";

/** How code is to be read. In a cell anything may occur; in files, the extension says whether tags may. */
export interface Written {
  readonly as: "cell" | "ts" | "tsx" | "jsx";
  /** The folder whose tsconfig.json holds. */
  readonly folder?: string;
}

type Kind = Exclude<Written["as"], "cell">;

/** JavaScript with its source map, or the first thing that is wrong, at an offset. */
export type Transpiled =
  | { readonly text: string; readonly map: string }
  | { readonly wrong: string; readonly at: number; readonly isTag: boolean };

const TAG = /<\/|\/>/;
const DECORATED = /@[\p{ID_Start}$_(]|\baccessor\b/u;

/** Whether a text may contain JSX. */
export const mayHaveTags = (source: string): boolean => TAG.test(source);

/** Returns the languages in which to try code that is not plain TypeScript; none if it can be nothing else. */
export function kindsOf(source: string, as: Written["as"]): readonly Kind[] {
  if (as === "tsx" || as === "jsx") return [as];
  const tags: Kind[] = as === "cell" && mayHaveTags(source) ? ["tsx"] : [];
  return DECORATED.test(source) ? [...tags, "ts"] : tags;
}

/** Whether a program has class fields, and its tsconfig.json wants them assigned instead of defined. */
export function assignsFields(source: string, program: Program, folder?: string): boolean {
  if (folder === undefined || !source.includes("class")) return false;
  let hasFields = false;
  full(program, ({ type }) => {
    hasFields ||= type === "PropertyDefinition";
  });
  if (!hasFields) return false;
  const configs = configsOf(folder);
  const defines = optionOf(configs, "useDefineForClassFields");
  if (typeof defines === "boolean") return !defines;
  const year = /^es(\d+)$/i.exec(String(optionOf(configs, "target")))?.[1];
  return year !== undefined && (Number(year) < 100 ? Number(year) + 2009 : Number(year)) < 2022;
}

/** The options of tsconfig.json that change the language, and those that change what code does. */
const LANGUAGE = [
  ...["jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource"],
  ...["experimentalDecorators", "emitDecoratorMetadata"],
];
const OPTIONS = [...LANGUAGE, "target", "useDefineForClassFields"];

/** Returns the options of a folder's tsconfig.json for JSX, by default React's automatic runtime, and decorators. */
export function languageOptions(
  folder: string | undefined,
  { JsxEmit, convertCompilerOptionsFromJson }: typeof ts,
  names: readonly string[] = LANGUAGE,
): ts.CompilerOptions {
  const configs = folder === undefined ? [] : configsOf(folder);
  const asked = names.map((name) => [name, optionOf(configs, name)]);
  const given = Object.fromEntries(asked.filter(([, value]) => value !== undefined));
  const { options } = convertCompilerOptionsFromJson(given, folder ?? "/");
  // What is left to a bundler ("preserve") has to be compiled here.
  return { ...options, jsx: options.jsx === JsxEmit.React ? JsxEmit.React : JsxEmit.ReactJSX };
}

let compiler: typeof ts | undefined;

/** Compiles code as the nearest tsconfig.json asks: by default React's automatic runtime and TC39's decorators. */
export function transpile(source: string, kind: Kind, folder: string | undefined): Transpiled {
  compiler ??= createRequire(import.meta.url)("typescript") as typeof ts;
  const options = optionsFor(source, folder, compiler);
  let misplaced: ts.Node | undefined;
  const { outputText, sourceMapText, diagnostics } = compiler.transpileModule(source, {
    fileName: `code.${kind}`,
    compilerOptions: options,
    reportDiagnostics: true,
    transformers: {
      before: [
        () => (file) => {
          misplaced = misplacedDecorator(file, options.experimentalDecorators === true, compiler!);
          return file;
        },
      ],
    },
  });
  const [first] = (diagnostics ?? []).filter(({ start }) => start !== undefined);
  if (first) {
    const said = compiler.flattenDiagnosticMessageText(first.messageText, ". ");
    const isTag = first.code >= 17_000 && first.code < 18_000;
    return { wrong: said.replace(/\.$/, ""), at: first.start ?? 0, isTag };
  }
  if (misplaced) {
    const isParameter = misplaced.parent.kind === compiler.SyntaxKind.Parameter;
    const wrong = isParameter
      ? 'a parameter can have decorators only with "experimentalDecorators": true in tsconfig.json'
      : "decorators belong to classes and their members";
    return { wrong, at: misplaced.getStart(), isTag: false };
  }
  const text = outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "");
  return { text, map: sourceMapText ?? "" };
}

function optionsFor(
  source: string,
  folder: string | undefined,
  typescript: typeof ts,
): ts.CompilerOptions {
  const { ScriptTarget, ModuleKind } = typescript;
  const options = languageOptions(folder, typescript, OPTIONS);
  const { target = ScriptTarget.ESNext, useDefineForClassFields } = options;
  // V8 has no decorators yet. Awaiting at the top level needs 2017.
  const most = DECORATED.test(source) ? ScriptTarget.ES2022 : ScriptTarget.ESNext;
  return {
    ...options,
    target: Math.min(Math.max(target, ScriptTarget.ES2017), most),
    useDefineForClassFields: useDefineForClassFields ?? target >= ScriptTarget.ES2022,
    module: ModuleKind.Preserve,
    // Later cells may use what a cell imports; imports of types are removed as everywhere.
    verbatimModuleSyntax: true,
    alwaysStrict: false,
    sourceMap: true,
  };
}

/** Finds a decorator that the compiler would leave out without a word. */
function misplacedDecorator(
  file: ts.SourceFile,
  isLegacy: boolean,
  { isDecorator, isParameter, isClassLike, isClassExpression, forEachChild }: typeof ts,
): ts.Node | undefined {
  const look = (node: ts.Node): ts.Node | undefined => {
    if (isDecorator(node)) {
      const owner = node.parent;
      const isAllowed = isParameter(owner)
        ? isLegacy
        : isClassLike(owner)
          ? !(isLegacy && isClassExpression(owner))
          : isClassLike(owner.parent);
      if (!isAllowed) return node;
    }
    return forEachChild(node, look);
  };
  return look(file);
}
