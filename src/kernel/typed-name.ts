// The name before the cursor, read from the text alone, to look up in the runtime.

/** A name being typed: `object.prefix`, or a bare name if `object` is "". */
export interface TypedName {
  /** An expression without calls: names, dots, and numbers or strings in brackets. */
  readonly object: string;
  readonly prefix: string;
}

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;
const KEY = String.raw`\[(?:\d+|"[^"\\]*"|'[^'\\]*')\]`;
// In `f().a.b`, `a` is a member and not a variable, so the object must not follow a dot.
const OBJECT = String.raw`(?<![.\p{ID_Continue}$])(${NAME}(?:\.${NAME}|${KEY})*)\.`;
const TYPED = new RegExp(String.raw`(?:${OBJECT})?([\p{ID_Continue}$]*)$`, "u");
const STRINGS = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`/g;

/** Returns undefined inside a string or a comment, and after a dot whose object has to be computed. */
export function nameBefore(code: string, cursor: number): TypedName | undefined {
  const line = code.slice(code.lastIndexOf("\n", cursor - 1) + 1, cursor);
  if (/["'`]|\/[/*]/.test(line.replaceAll(STRINGS, ""))) return undefined;
  const text = line.replaceAll("...", " ").replaceAll("?.", ".");
  const [, object = "", prefix = ""] = TYPED.exec(text) ?? [];
  if (object === "" && text.at(-prefix.length - 1) === ".") return undefined;
  return { object, prefix };
}
