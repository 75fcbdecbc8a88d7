// The runner's link: a worker thread that hears commands and interrupts while user code runs.
import { writeSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Command } from "../channel.ts";
import { CommandDecoder } from "../commands.ts";
import { LINK_LOST } from "../death.ts";
import { type LinkMessage, PROBE, type Probed, WORD } from "./shared.ts";

export interface LinkData {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly answers: MessagePort;
  readonly fd: number;
}

/** How long an idle main thread may take to answer, in milliseconds. */
const IDLE_ANSWER = 10;
/** How long the main thread may take to leave, in milliseconds. */
const EXIT = 1000;

const { words, answers, fd } = workerData as LinkData;
const main = parentPort as MessagePort;

let numbered = 0;
const untaken: Extract<LinkMessage, { type: "command" }>[] = [];
let requests = 0;
let cancels = 0;
let interrupting = false;

/** Main thread takes commands one by one, each exactly once. */
function send(command: Command): void {
  const taken = Atomics.load(words, WORD.taken);
  while (untaken[0] && untaken[0].number <= taken) untaken.shift();
  const message = { type: "command", number: ++numbered, command } as const;
  untaken.push(message);
  main.postMessage(message);
}

function resend(): void {
  const taken = Atomics.load(words, WORD.taken);
  for (const message of untaken) if (message.number > taken) main.postMessage(message);
}

async function interrupt(): Promise<void> {
  requests++;
  if (interrupting) return;
  interrupting = true;
  try {
    for (let request = 0; request < requests; ) {
      request = requests;
      await interruptOnce(request);
    }
  } finally {
    interrupting = false;
    resend();
  }
}

async function interruptOnce(request: number): Promise<void> {
  let hasStopped = false;
  let looksIdle = false;
  for (let isFirst = true; !(await cancel(request, isFirst)); isFirst = false) {
    // A probe can be ended by the stop before it, which came late: the next one is not.
    looksIdle = !(await stop(looksIdle).catch(() => false));
    hasStopped ||= !looksIdle;
  }
  if (!hasStopped) return;
  // What was stopped last may have been the answer to the one before.
  await sleep(IDLE_ANSWER);
  await cancel(request, false);
}

/** Asks the main thread to end its cell; whether it has heard, in the time it takes when idle. */
async function cancel(request: number, isFirst: boolean): Promise<boolean> {
  const number = ++cancels;
  main.postMessage({ type: "cancel", number, request, isFirst } satisfies LinkMessage);
  return cancelled(number);
}

async function cancelled(number: number): Promise<boolean> {
  const deadline = performance.now() + IDLE_ANSWER;
  for (;;) {
    const last = Atomics.load(words, WORD.cancelled);
    if (last >= number) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await Atomics.waitAsync(words, WORD.cancelled, last, left).value;
  }
}

/**
 * Stops the main thread's JavaScript where it runs any that may be stopped. A thread that looks idle
 * gets one more chance to answer: endless promises look the same, and have to be stopped.
 */
async function stop(isForced: boolean): Promise<boolean> {
  const session = new Session();
  session.connectToMainThread();
  try {
    for (;;) {
      const { result } = await session.post("Runtime.evaluate", {
        expression: `globalThis[Symbol.for("${PROBE.description}")](${isForced})`,
        returnByValue: true,
      });
      const probed = result.value as Probed;
      if (probed === "critical") await sleep(1);
      else if (probed === "idle") return false;
      else break;
    }
    Atomics.add(words, WORD.stops, 1);
    await Promise.race([session.post("Runtime.terminateExecution"), sleep(20)]);
    return true;
  } finally {
    Atomics.store(words, WORD.stopping, 0);
    session.disconnect();
  }
}

function obey(command: Command): void {
  if (command.type === "interrupt") interrupt().catch(warn);
  else if (command.type === "input" && Atomics.load(words, WORD.asking) === 1) {
    answers.postMessage(command.value);
    Atomics.store(words, WORD.asking, 0);
    Atomics.notify(words, WORD.asking);
  } else {
    send(command);
    if (command.type === "exit") setTimeout(end, EXIT);
  }
}

/** Ends this process, and its children where it leads a group of its own. */
function end(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.kill(process.pid, "SIGKILL");
  }
}

function warn(error: unknown): void {
  const { message = String(error) } = error as Partial<Error>;
  writeSync(2, `an interrupt failed: ${message}\n`);
}

/** Without its link the main thread would never be interrupted again: this process ends, and says why. */
function lost(error: unknown): void {
  const { message = String(error) } = error as Partial<Error>;
  try {
    writeSync(2, `${LINK_LOST}: ${message}\n`);
  } finally {
    end();
  }
}

process.on("uncaughtException", lost);
process.on("unhandledRejection", lost);
const decoder = new CommandDecoder();
const commands = new Socket({ fd, readable: true, writable: false });
commands.on("data", (bytes: Buffer) => {
  for (const command of decoder.push(bytes)) obey(command);
});
commands.on("error", lost);
// The supervisor has gone: nobody would ever read what this process does.
commands.on("close", end);
