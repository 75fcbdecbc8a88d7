// The difference that a failed assertion leaves to its runner to show: those of chai and of vitest's expect do.
/** Whether a value is all there in a message of one line. */
const isShort = (value: unknown): boolean =>
  typeof value === "string" ? !value.includes("\n") : Object(value) !== value;

/**
 * Returns the lines that compare what such an assertion got with what it expected, as node:assert prints them.
 * @param get reads a property
 */
export function differenceOf(error: Error, get: (error: Error, key: string) => unknown): string[] {
  if (get(error, "showDiff") !== true) return [];
  const [actual, expected] = [get(error, "actual"), get(error, "expected")];
  if (isShort(actual) && isShort(expected)) return [];
  // Few cells need it, and it takes time to load.
  const { AssertionError } = process.getBuiltinModule("node:assert");
  const { message } = new AssertionError({ actual, expected, operator: "deepStrictEqual" });
  // Its first line says what Node's own assertion would.
  return message.split("\n").slice(1);
}
