// The functions that compiled cells call: imports, and resources that are disposed of when the cell ends.
import { fileURLToPath } from "node:url";
import { type CellHelper, HELPER } from "../cell/compile.ts";
import { Modules } from "../cell/modules.ts";
import type { Folders } from "../short-path.ts";
import { isCancelled, runOf } from "./run.ts";
import { enter, isEveryObjectThenable, leave } from "./shelter.ts";

/** The notebook's folder, in which the process starts, and this package's root. */
export const FOLDERS: Folders = {
  folder: process.cwd(),
  projectRoot: fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, ""),
};

/** What other kernels lend to cells, by the file that has it. */
const LENDERS: Readonly<Record<string, () => Promise<{ readonly names: object }>>> = {
  deno: () => import("../others/deno.ts"),
  ijavascript: () => import("../others/ijavascript.ts"),
  xeus: () => import("../others/xeus.ts"),
};

/** Defines the helper and `require` as globals. */
export function installHelper(): Modules {
  const modules = new Modules(FOLDERS);
  const lent: Record<string, unknown> = Object.create(null);
  const helper: CellHelper = {
    import: (specifier, ...rest) =>
      isNpm(specifier)
        ? installed(specifier).then(() => modules.import(specifier, ...rest))
        : modules.import(specifier, ...rest),
    dynamic: (specifier, options) =>
      isNpm(specifier)
        ? installed(specifier).then(() => modules.dynamic(specifier, options))
        : modules.dynamic(specifier, options),
    meta: modules.meta,
    constants: modules.constants,
    use: (resource) => {
      // The stack would prefer a resource's asynchronous disposer.
      resources().use(resource && { [Symbol.dispose]: disposerOf(resource) });
      return resource;
    },
    useAsync: (resource) => {
      resources().use(resource as AsyncDisposable | null | undefined);
      return resource;
    },
    emitted: Object.create(null),
    lent,
    lend: async (lenders) => {
      for (const each of lenders) {
        const { names } = await LENDERS[each]!();
        Object.defineProperties(lent, Object.getOwnPropertyDescriptors(names));
      }
    },
    begin: leave,
    end: (value) => {
      if (isEveryObjectThenable()) enter();
      return value;
    },
    go: (value) => (isCancelled() ? new Promise(() => {}) : value),
  };
  Object.defineProperty(globalThis, HELPER, { value: helper, configurable: true });
  Object.defineProperty(globalThis, "require", {
    value: modules.require,
    configurable: true,
    writable: true,
  });
  return modules;
}

const isNpm = (specifier: unknown): specifier is string =>
  typeof specifier === "string" && specifier.startsWith("npm:");

/** Installs the package of a specifier, if it is not there and the user may be asked to wait for it. */
async function installed(specifier: string): Promise<void> {
  const isPresent = runOf()?.command.allowInput ?? false;
  const { npmSpecifier } = await import("../npm/specifier.ts");
  const { install, mayInstall } = await import("../npm/install.ts");
  const wanted = npmSpecifier(specifier);
  if (!wanted || !mayInstall(isPresent)) return;
  const interrupts = Reflect.get(globalThis, Symbol.for("Jupyter.interrupt")) as EventTarget;
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  interrupts.addEventListener("interrupt", abort);
  try {
    const say = (line: string): unknown => process.stderr.write(`${line}\n`);
    await install(FOLDERS.folder, [wanted], say, stop.signal);
  } finally {
    interrupts.removeEventListener("interrupt", abort);
  }
}

function resources(): AsyncDisposableStack {
  const run = runOf();
  if (!run) throw new Error("using: no cell is running");
  run.hasResources = true;
  return run.resources;
}

function disposerOf(resource: unknown): () => void {
  const dispose: unknown = (resource as { [Symbol.dispose]?: unknown })[Symbol.dispose];
  if (typeof dispose !== "function") throw new TypeError("using: it has no [Symbol.dispose]()");
  return () => dispose.call(resource);
}
