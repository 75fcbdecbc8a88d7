// Helpers for the protocol's tests: a kernel of this checkout, and readers of its messages.
import { fileURLToPath } from "node:url";
import {
  type Exchange,
  type KernelClient,
  type Message,
  type StartOptions,
  startKernel,
} from "../../src/notebook/client.ts";

export const MAIN = fileURLToPath(new URL("../../src/kernel/main.ts", import.meta.url));

const ARGV = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  MAIN,
  "{connection_file}",
] as const;

export function start(options: StartOptions = {}, flags: string[] = []): Promise<KernelClient> {
  const env = { ABKD_KERNEL_HISTORY: ":memory:", ...options.env };
  return startKernel([...ARGV, ...flags], { ...options, env });
}

export function typesOf(messages: readonly Message[]): string[] {
  return messages.map(({ header }) => header.msg_type);
}

export function ofType(messages: readonly Message[], type: string): Message[] {
  return messages.filter(({ header }) => header.msg_type === type);
}

/** Returns what a cell printed. */
export function textOf({ iopub }: Exchange, name: "stdout" | "stderr" = "stdout"): string {
  return ofType(iopub, "stream")
    .filter(({ content }) => content["name"] === name)
    .map(({ content }) => content["text"])
    .join("");
}

/** Returns what Out[n] shows. */
export function resultOf({ iopub }: Exchange): unknown {
  const [result] = ofType(iopub, "execute_result");
  return (result?.content["data"] as Record<string, unknown> | undefined)?.["text/plain"];
}

export const runnerPid = async (kernel: KernelClient): Promise<number> =>
  Number(resultOf(await kernel.execute("process.pid")));

/** Resolves with the first message that fits. */
export function next(
  client: KernelClient,
  fits: (message: Message, channel: string) => boolean,
  milliseconds = 10_000,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error("no such message"));
    }, milliseconds);
    const stop = client.onMessage((channel, message) => {
      if (!fits(message, channel)) return;
      clearTimeout(timer);
      stop();
      resolve(message);
    });
  });
}
