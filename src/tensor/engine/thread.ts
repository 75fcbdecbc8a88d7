// A thread of the engine: runs chunks of kernels on the shared memory until it is told to stop.
import { workerData } from "node:worker_threads";
import { type AnyKernel, CommandBlock } from "./command.ts";
import type { KeeperData } from "./keeper.ts";
import { link } from "./link.ts";

const { module, memory, buffer, threads, index } = workerData as Omit<KeeperData, "line"> & {
  readonly index: number;
};
const kernels = Object.values(link(module, memory)) as AnyKernel[];
new CommandBlock(threads, buffer).serve(index, kernels);
