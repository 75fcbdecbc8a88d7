// What a notebook's kernel puts on globalThis for libraries.

/** The kernel's `display` or `interrupt`; undefined outside of notebooks, and in worker threads. */
export function notebookGlobal(name: "display" | "interrupt"): unknown {
  return Reflect.get(globalThis, Symbol.for(`Jupyter.${name}`));
}
