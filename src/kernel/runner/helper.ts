// What compiled cells call: imports, and resources that are disposed of when the cell ends.
import { type CellHelper, HELPER } from "../cell/compile.ts";
import { runOf } from "./run.ts";

export function installHelper(): void {
  const helper: CellHelper = {
    import: async (specifier) => import(specifier),
    dynamic: async (specifier) => import(String(specifier)),
    meta: {},
    use: (resource) => {
      // The stack would prefer a resource's asynchronous end.
      resources().use(resource && { [Symbol.dispose]: disposerOf(resource) });
      return resource;
    },
    useAsync: (resource) => {
      resources().use(resource as AsyncDisposable | null | undefined);
      return resource;
    },
  };
  Object.defineProperty(globalThis, HELPER, { value: helper, configurable: true });
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
