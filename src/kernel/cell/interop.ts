// CommonJS modules as cells import them: with all their names, of which Node detects only some.

/** Returns the module.exports of a CommonJS module: it may have more names than Node could detect. */
export function commonJs(
  module: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const exported = module["module.exports"];
  const hasNames = typeof exported === "function" || (typeof exported === "object" && exported);
  return hasNames ? (exported as Record<string, unknown>) : undefined;
}

/** What a function has of its own, beside what a library gives it. */
const OF_FUNCTIONS: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(() => {}));

/** Returns a module's namespace with all names of its CommonJS exports, as TypeScript's esModuleInterop has it. */
export function whole(
  module: Readonly<Record<string, unknown>>,
  exported: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const isFunction = typeof exported === "function";
  const names = Object.getOwnPropertyNames(exported).filter(
    (name) => !(name in module) && !(isFunction && OF_FUNCTIONS.has(name)),
  );
  if (names.length === 0) return module;
  const all = Object.defineProperties(
    Object.create(null),
    Object.getOwnPropertyDescriptors(module),
  ) as Record<string, unknown>;
  for (const name of names) {
    // What the library assigns later is seen, as in any namespace.
    Object.defineProperty(all, name, { enumerable: true, get: () => exported[name] });
  }
  return all;
}
