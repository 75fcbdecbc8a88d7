// A text as the pattern of a regular expression that matches it alone.

/** Returns the pattern of a text. Node 24 has RegExp.escape; the kernel runs on 22 too. */
export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
