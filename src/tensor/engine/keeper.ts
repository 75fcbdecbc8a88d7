// The keeper of the engine's threads: it starts them, and reports one that ended. The main thread
// cannot see that by itself, because it receives no events while it waits for an operator.
import { type MessagePort, Worker, workerData } from "node:worker_threads";
import { CommandBlock } from "./command.ts";

export interface KeeperData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly threads: number;
  /** Open as long as the keeper lives; messages from the main thread carry nothing. */
  readonly line: MessagePort;
}

const { line, ...data } = workerData as KeeperData;
const block = new CommandBlock(data.threads, data.buffer);
// The thread's file is beside this one: .ts in the sources, .js in the built package.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

for (let index = 0; index < data.threads; index++) {
  const thread = new Worker(new URL(`./thread${extension}`, import.meta.url), {
    workerData: { ...data, index },
  });
  let why: string | undefined;
  thread.on("error", (error: Error) => {
    why = error.message;
  });
  thread.on("exit", (code) => block.died(index, why ?? `it ended with code ${code}`));
}

line.on("message", () => {});
// The keeper ends with its last thread.
line.unref();
