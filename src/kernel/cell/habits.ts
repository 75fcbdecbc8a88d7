// Hints for users who wrote Python, or the code of another tool: says what to write here instead.
import { ENTRIES } from "../../base/library.ts";
import { MAGICS } from "./magic.ts";

const PRINT = "console.log(x), or x as the cell's last line";
const RAISE = `throw new Error("…")`;
const PLOT = ENTRIES.has("abkd")
  ? `plot({ data, layout }), from import { plot } from "abkd"`
  : "a chart of Observable Plot, Vega-Lite or D3 as the cell's last line";
const ASSERT = `assert(x > 0), from import assert from "node:assert/strict"`;

/** Python's names, and what replaces them here. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["print", PRINT],
  ["len", "x.length"],
  ["range", "for (let i = 0; i < n; i++) { … }"],
  ["enumerate", "for (const [i, x] of xs.entries()) { … }"],
  ["True", "true"],
  ["False", "false"],
  ["None", "null, or undefined"],
  ["str", "String(x)"],
  ["int", "Math.trunc(x), or Number(text)"],
  ["float", "Number(x)"],
  ["bool", "Boolean(x)"],
  ["list", "[...xs]"],
  ["tuple", "[a, b]"],
  ["dict", "{ key: value }, or new Map()"],
  ["set", "new Set(xs)"],
  ["type", "typeof x, or x.constructor"],
  ["isinstance", `x instanceof A, or typeof x === "number"`],
  ["abs", "Math.abs(x)"],
  ["round", "Math.round(x), or x.toFixed(2)"],
  ["min", "Math.min(...xs)"],
  ["max", "Math.max(...xs)"],
  ["sum", "xs.reduce((sum, x) => sum + x, 0)"],
  ["any", "xs.some((x) => …)"],
  ["all", "xs.every((x) => …)"],
  ["zip", "xs.map((x, i) => [x, ys[i]])"],
  ["map", "xs.map((x) => …)"],
  ["filter", "xs.filter((x) => …)"],
  ["sorted", "xs.toSorted((a, b) => a - b)"],
  ["reversed", "xs.toReversed()"],
  ["open", `readFileSync(path, "utf8"), from import { readFileSync } from "node:fs"`],
  ["self", "this"],
  ["pass", "{}, an empty block"],
  ["raise", RAISE],
  ["assert", ASSERT],
  ["Exception", "Error"],
  ["ValueError", "Error, or RangeError"],
  ["help", "Shift-Tab on a name shows its documentation"],
  ["np", `tf, from import * as tf from "@tensorflow/tfjs"`],
  ["torch", `tf, from import * as tf from "@tensorflow/tfjs"`],
  ["plt", PLOT],
]);

/** Methods of Python's types and of PyTorch's tensors, and what replaces them here. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ["append", "xs.push(x)"],
  ["extend", "xs.push(...ys)"],
  ["items", "Object.entries(object), or map.entries()"],
  ["strip", "text.trim()"],
  ["upper", "text.toUpperCase()"],
  ["lower", "text.toLowerCase()"],
  ["startswith", "text.startsWith(start)"],
  ["endswith", "text.endsWith(end)"],
  ["numpy", "tensor.arraySync()"],
  ["item", "tensor.arraySync()"],
]);

/** Names of other runtimes and of browsers, and what replaces them here. */
const FOREIGN_NAMES: ReadonlyMap<string, string> = new Map([
  ["Deno", `Node's own modules, such as import { readFile } from "node:fs/promises"`],
  ["Bun", `Node's own modules, such as import { readFile } from "node:fs/promises"`],
  ["__dirname", "import.meta.dirname"],
  ["__filename", "import.meta.filename"],
  ["module", "a cell's variables are seen by all later cells, without exports"],
  ["exports", "a cell's variables are seen by all later cells, without exports"],
  ["window", `no page: display({ "text/html": html }, { raw: true }) shows HTML`],
  ["document", `no page: display({ "text/html": html }, { raw: true }) shows HTML`],
  ["alert", "console.log(x), or await input(question)"],
  [
    "React",
    `import * as React from "react"; JSX itself needs no import unless tsconfig.json asks for it`,
  ],
]);

/** Lines that other tools accept and this kernel does not, for cells with a syntax error. */
const FOREIGN_LINES: readonly (readonly [RegExp, string])[] = [
  [/^\s*\{.*[:,].*\}\s*;?\s*$/, "({ a: 1 }), in parentheses, is an object"],
];

/** Decorators; Python's product has an operand before its @. */
const DECORATOR = /(^|[({;,])\s*(export\s+(default\s+)?)?@[A-Za-z_$]/;
const TAG = /(^|[=(,?:&|>]|\breturn)\s*<(>|[A-Za-z][\w.]*(\s[^<>]*)?\/?>)/;

/** The longest line examined. Longer ones are nobody's habit, and some patterns would take seconds. */
const LONGEST_LINE = 1_000;

/** Lines that Python accepts and TypeScript does not. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [
    /^\s*(import\s+[\w.]+(\s+as\s+\w+)?(\s*,\s*[\w.]+(\s+as\s+\w+)?)*|from\s+[\w.]+\s+import\s.*)$/,
    `import * as name from "module", or import { name } from "module"`,
  ],
  [/^\s*(async\s+)?def\s+\w+/, "function f(x: number) { return x; }"],
  [/^\s*class\s+\w+\s*(\([^{]*)?:/, "class A extends B { … }"],
  [/^\s*(async\s+)?for\s+\w.*\sin\s/, "for (const x of xs) { … }"],
  [/\bfor\s+\w+\s+in\s/, "xs.map((x) => …), xs.filter((x) => …)"],
  [/^\s*(try|finally|except\b[^{]*):/, "try { … } catch (error) { … } finally { … }"],
  [
    /^\s*(async\s+)?with\b[^{]*:/,
    "using x = …, where x has [Symbol.dispose]; or try { … } finally { … }",
  ],
  [/^\s*while\b[^{]*:\s*$/, "while (x > 0) { … }"],
  [/^\s*match\b[^{]*:\s*$/, "switch (x) { case 1: … break; }"],
  [/^\s*(if|elif|else)\b([^{]*:\s*$|\s+[^(\s{][^?{]*:|\s*:)/, "if (x > 0) { … } else { … }"],
  [/^\s*raise(\s|$)/, RAISE],
  [/^\s*assert\s+[^=(\s]/, ASSERT],
  [/^\s*print\s+[^=(\s]/, PRINT],
  [
    /^\s*del\s+\w/,
    "delete object.key, or xs.splice(i, 1); x = undefined frees what a variable held",
  ],
  [/^\s*(global|nonlocal)\s+\w/, "functions can assign to outer variables: leave it out"],
  [/[\w)\]"']\s+if\s+[^(\s].*\selse\s/, "condition ? a : b"],
  [
    /^\s*%/,
    `this kernel has no magics but ${MAGICS.join(", ")}, which show a cell's text: in its first line`,
  ],
  [/^\s*!\s*\w/, "this kernel has no shell lines: a terminal is in JupyterLab's launcher"],
  [/^\s*\?|\w\?+\s*$/, "Shift-Tab on a name shows its documentation"],
  [/(^|\s)#(\s|$)/, "// a comment"],
  [/\blambda\b/, "(x) => x + 1"],
  [/"""|'''/, "`…`, in backticks, may span lines"],
  [/\bf(["']).*\1/, `\`\${x} of \${n}\`, in backticks`],
  [/\br(["']).*\1/, "String.raw`…`"],
  [/[\w)\]]\[[^[\]?{"'`]*:[^[\]?{"'`]*\]/, "xs.slice(1, 3)"],
  [/[\w)\]]\s*@\s*[\w(]/, "tf.matMul(a, b)"],
  [/(^|\s)not\s+[\w(]|\s(and|or|not|is)\s/, "&&, ||, !, ==="],
];

/**
 * Returns what to write instead of Python or of another tool's code; undefined if nothing fits. It is
 * called only for cells that failed, so it may guess.
 *
 * @param line the cell's or file's line that has the error, as typed
 * @param file the name of the file; none for a cell
 */
export function hint(
  ename: string,
  evalue: string,
  line: string,
  file?: string,
): string | undefined {
  const method = ename === "TypeError" && /\.(\w+) is not a function$/.exec(evalue)?.[1];
  const replaced = method ? METHODS.get(method) : undefined;
  if (replaced !== undefined) return `In TypeScript: ${replaced}`;
  const missing =
    ename === "ReferenceError"
      ? /^(\S+) is not defined$/.exec(evalue)?.[1]
      : /^(Deno)\.\w+ is not there/.exec(evalue)?.[1];
  const python = missing === undefined ? undefined : nameHint(missing, line);
  if (python !== undefined) return `In TypeScript: ${python}`;
  const wrong = ename === "SyntaxError";
  const typed = wrong || missing !== undefined ? lineHint(LINES, line) : undefined;
  if (typed !== undefined) return `In TypeScript: ${typed}`;
  const foreign =
    missing === undefined
      ? ((wrong ? (fileHint(line, file) ?? lineHint(FOREIGN_LINES, line)) : undefined) ??
        returnHint(ename, evalue))
      : FOREIGN_NAMES.get(missing);
  return foreign === undefined ? undefined : `In this kernel: ${foreign}`;
}

function nameHint(missing: string, line: string): string | undefined {
  if (line.length > LONGEST_LINE) return NAMES.get(missing);
  const [, assigned] = /^\s*([\p{ID_Start}_$][\p{ID_Continue}$]*)\s*=[^=>]/u.exec(line) ?? [];
  if (assigned !== missing) return NAMES.get(missing);
  return `const ${missing} = … declares it, once; let, where it changes later`;
}

function lineHint(
  patterns: readonly (readonly [RegExp, string])[],
  line: string,
): string | undefined {
  if (line.length > LONGEST_LINE) return undefined;
  return patterns.find(([pattern]) => pattern.test(line))?.[1];
}

/** Says where JSX and decorators, which cells may have, belong among files. */
function fileHint(line: string, file = ""): string | undefined {
  if (line.length > LONGEST_LINE) return undefined;
  const isPlain = /\.[cm]?js$/.test(file);
  if (isPlain && DECORATOR.test(line)) return "decorators belong in TypeScript files and in cells";
  const hasNoTags = isPlain || /\.[cm]?ts$/.test(file);
  return hasNoTags && TAG.test(line)
    ? "JSX belongs in .tsx and .jsx files and in cells"
    : undefined;
}

/** Recognises Node's error for a return outside a function. */
function returnHint(ename: string, evalue: string): string | undefined {
  const isReturn = ename === "SyntaxError" && evalue.startsWith("Return statement is not allowed");
  return isReturn ? "a cell's value is its last expression: leave return out" : undefined;
}
