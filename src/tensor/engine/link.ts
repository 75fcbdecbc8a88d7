// Links the compiled kernels to the shared memory, in the main thread and in the engine's threads.

/** @returns the exports by name, in the same order in every thread */
export function link(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Record<string, WebAssembly.ExportValue> {
  // The kernels have no state of their own: no instance reads what another one writes.
  return new WebAssembly.Instance(module, { env: { memory, abort: trap } }).exports;
}

function trap(): never {
  throw new Error("it aborted");
}
