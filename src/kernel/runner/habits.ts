// What to write here, for who comes from Python and wrote what one writes there.

/** Python's names, and what does their work here. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["print", "console.log(x), or x as the cell's last line"],
  ["len", "x.length"],
  ["range", "for (let i = 0; i < n; i++) { … }"],
  ["enumerate", "for (const [i, x] of xs.entries()) { … }"],
  ["True", "true"],
  ["False", "false"],
  ["None", "null, or undefined"],
  ["str", "String(x)"],
  ["int", "Math.trunc(x), or Number(text)"],
  ["float", "Number(x)"],
  ["help", "Shift-Tab on a name shows its documentation"],
  ["np", `tf, from import * as tf from "@tensorflow/tfjs"`],
  ["torch", `tf, from import * as tf from "@tensorflow/tfjs"`],
  ["plt", `plot({ data, layout }), from import { plot } from "abkd"`],
]);

/** Lines that Python would take and TypeScript does not. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [
    /^\s*(import\s+[\w.]+(\s+as\s+\w+)?|from\s+[\w.]+\s+import\s.*)$/,
    `import * as name from "module", or import { name } from "module"`,
  ],
  [/^\s*(async\s+)?def\s+\w+/, "function f(x: number) { return x; }"],
  [/^\s*for\s+\w.*\sin\s/, "for (const x of xs) { … }"],
  [/\bfor\s+\w+\s+in\s/, "xs.map((x) => …), xs.filter((x) => …)"],
  [/^\s*(if|elif|else|while|with|try|except)\b.*:\s*$/, "if (x > 0) { … } else { … }"],
  [/^\s*%/, "this kernel has no magics"],
  [/^\s*!\s*\w/, "this kernel has no shell lines: a terminal is in JupyterLab's launcher"],
  [/^\s*\?|\w\?+\s*$/, "Shift-Tab on a name shows its documentation"],
  [/(^|\s)#(\s|$)/, "// a comment"],
  [/\blambda\b/, "(x) => x + 1"],
  [/\bf(["']).*\1/, `\`\${x} of \${n}\`, in backticks`],
  [/[\w)\]]\s*@\s*[\w(]/, "tf.matMul(a, b)"],
  [/\s(and|or|not|is)\s/, "&&, ||, !, ==="],
];

/**
 * A hint for an error that a habit of Python has made, or undefined. Only ever called for cells that
 * failed, so it may guess.
 *
 * @param line the cell's line where the error is, as typed
 * @param before the one before it: Python's lines are often only wrong once the next has been read
 */
export function pythonHint(
  ename: string,
  evalue: string,
  line: string,
  before: string,
): string | undefined {
  const missing = ename === "ReferenceError" && /^(\S+) is not defined$/.exec(evalue)?.[1];
  if (!missing && ename !== "SyntaxError") return undefined;
  const [, assigned] = /^\s*([\p{ID_Start}_$][\p{ID_Continue}$]*)\s*=[^=>]/u.exec(line) ?? [];
  if (missing && assigned === missing) {
    return `const ${missing} = … declares it, once; let, where it changes later`;
  }
  const named = missing && NAMES.get(missing);
  if (named) return named;
  for (const text of missing ? [line] : [line, before]) {
    const found = LINES.find(([pattern]) => pattern.test(text));
    if (found) return found[1];
  }
  return undefined;
}
