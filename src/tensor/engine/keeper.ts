// The keeper of the engine's threads: starts them, and tells of one that ended. The main thread
// cannot see that by itself, for it hears of nothing while it waits for an operator's end.
import { type MessagePort, Worker, workerData } from "node:worker_threads";
import { CommandBlock } from "./command.ts";

export interface KeeperData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly threads: number;
  /** Open as long as the keeper lives: what comes from the main thread says nothing. */
  readonly line: MessagePort;
}

const { line, ...data } = workerData as KeeperData;
const block = new CommandBlock(data.threads, data.buffer);
// Beside this file: .ts in the sources, .js in the built package.
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
// Ends with its last thread.
line.unref();
