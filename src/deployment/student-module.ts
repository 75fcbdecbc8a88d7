// The source of src/student as one plain JavaScript module, and the page's script that imports it.
import { readFileSync } from "node:fs";
import ts from "typescript";

/** In an order in which each imports only those before it. */
const PARTS = ["rows", "form", "matrix", "region", "kinds", "student", "files"] as const;
const EXPORTS = "loadGraph, loadStudent, PreparedGraph, Student, StudentError";

/** In a checkout .ts, in the package .js. */
const ENDING = import.meta.url.slice(-3);

/** A block of one statement, which needs no braces. */
const SHORT_BLOCK = /^(\t*(?:if|for) \(.*\)) \{\n\t+(?!\t|if |for |const |let )(.*;)\n\t+\}$/gm;

/** Returns a file of src/student without its types, in fewer lines than the compiler prints. */
function sourceOf(name: string): string {
  const text = readFileSync(new URL(`../student/${name}${ENDING}`, import.meta.url), "utf8");
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ES2022,
    removeComments: true,
  };
  const { outputText } = ts.transpileModule(text, { compilerOptions });
  return outputText
    .replace(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4))
    .replace(/^(\t*(?:if|for) \(.*\)|\t*else)\n\t+/gm, "$1 ")
    .replace(SHORT_BLOCK, "$1 $2");
}

const IMPORT = /^import\s[^;]*;\n/gm;

/** Returns student.js, which imports nothing. */
export function studentModule(): string {
  const parts = PARTS.map((name) =>
    sourceOf(name)
      .replace(IMPORT, "")
      .replace(/^export /gm, ""),
  );
  return `${parts.join("\n")}\nexport { ${EXPORTS} };\n`;
}

/**
 * Returns the page's script with the module inside its import: browsers load no module from the disk.
 * @param module from studentModule()
 */
export function pageScript(module: string): string {
  const address = `data:text/javascript;base64,${Buffer.from(module).toString("base64")}`;
  return sourceOf("page").replace(/"\.\/index\.[tj]s"/, () => JSON.stringify(address));
}
