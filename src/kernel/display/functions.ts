// Shows functions as their signature.
import { types } from "node:util";

const LONGEST = 200;

/** Returns `async function f(a, b = 2)`, `f = (x) => ...` or `class X extends Y`. */
export function signatureOf(value: object): string {
  const source = Function.prototype.toString.call(value);
  const name = nameOf(value);
  if (/^class\b/.test(source)) {
    const parent = Object.getPrototypeOf(value);
    const extended = parent !== Function.prototype && typeof parent === "function";
    return `class ${name || "(anonymous)"}${extended ? ` extends ${nameOf(parent) || "(anonymous)"}` : ""}`;
  }
  const async = types.isAsyncFunction(value) ? "async " : "";
  if (/\{\s*\[native code\]\s*\}$/.test(source)) return `function ${name}() { [native code] }`;
  const bare = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u.exec(source);
  const { list, end } = bare ? { list: `(${bare[1]})`, end: -1 } : parametersOf(source);
  // Stripped types have left blanks.
  const parameters = list.replace(/\s+/g, " ").replace(/ (?=[,)])|(?<=\() /g, "");
  const short = parameters.length > LONGEST ? `${parameters.slice(0, LONGEST)} ...)` : parameters;
  if (bare || (end > 0 && /^\s*=>/.test(source.slice(end, end + 200)))) {
    return `${name ? `${name} = ` : ""}${async}${short} => ...`;
  }
  return `${async}function${types.isGeneratorFunction(value) ? "*" : ""}${name ? ` ${name}` : ""}${short}`;
}

function nameOf(value: object): string {
  const name: unknown = Object.getOwnPropertyDescriptor(value, "name")?.value;
  return typeof name === "string" ? name.slice(0, 80) : "";
}

/** Returns the first pair of parentheses outside a computed name, without comments, and where it ends. */
function parametersOf(source: string): { readonly list: string; readonly end: number } {
  let depth = 0;
  let list = "";
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!;
    let part = char;
    if (char === '"' || char === "'" || char === "`") {
      part = source.slice(at, endOfString(source, at) + 1);
    } else if (source.startsWith("//", at)) {
      part = source.slice(at, endOr(source, source.indexOf("\n", at)));
    } else if (source.startsWith("/*", at)) {
      part = source.slice(at, endOr(source, source.indexOf("*/", at) + 2));
    } else if (char === "(" && depth === 0) {
      list = "";
    }
    if (part.length === 1) depth += "([{".includes(char) ? 1 : ")]}".includes(char) ? -1 : 0;
    if (part[0] !== "/" || part.length === 1) list += part;
    at += part.length - 1;
    if (char === ")" && depth === 0) return { list, end: at + 1 };
  }
  return { list: "()", end: -1 };
}

function endOfString(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === source[start]) return at;
  }
  return source.length;
}

function endOr(source: string, at: number): number {
  return at > 1 ? at : source.length;
}
