// What stands before the cursor, told from the text alone: for names that the runtime knows.

/** A name that is being typed: `object.prefix`, or a bare one where `object` is "". */
export interface TypedName {
  /** An expression without calls: names, dots, numbers and texts in brackets. */
  readonly object: string;
  readonly prefix: string;
}

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;
const KEY = String.raw`\[(?:\d+|"[^"\\]*"|'[^'\\]*')\]`;
// What is called before (`f().a.b`) makes `a` a member, not a variable.
const OBJECT = String.raw`(?<![.\p{ID_Continue}$])(${NAME}(?:\.${NAME}|${KEY})*)\.`;
const TYPED = new RegExp(String.raw`(?:${OBJECT})?([\p{ID_Continue}$]*)$`, "u");
const STRINGS = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`/g;

/** Undefined inside a string or a comment, and after a dot whose object has to be computed. */
export function nameBefore(code: string, cursor: number): TypedName | undefined {
  const line = code.slice(code.lastIndexOf("\n", cursor - 1) + 1, cursor);
  if (/["'`]|\/[/*]/.test(line.replaceAll(STRINGS, ""))) return undefined;
  const text = line.replaceAll("...", " ").replaceAll("?.", ".");
  const [, object = "", prefix = ""] = TYPED.exec(text) ?? [];
  if (object === "" && text.at(-prefix.length - 1) === ".") return undefined;
  return { object, prefix };
}
