// The runner's link: a worker thread that receives commands and interrupts while user code runs.
import { writeSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Command, Event } from "../channel.ts";
import { CommandDecoder, encodeCommand } from "../commands.ts";
import { LINK_LOST } from "../death.ts";
import type { DebugSession } from "../debug/session.ts";
import { HOLD, type LinkMessage, PROBE, WORD } from "./shared.ts";

export interface LinkData {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly answers: MessagePort;
  readonly fd: number;
}

/** How long an idle main thread may take to answer, in milliseconds. */
const IDLE_ANSWER = 10;
/** How long running JavaScript may take to stop, in milliseconds. */
const STOP = 20;
/** How long the main thread may take to exit, in milliseconds. */
const EXIT = 1000;

const CALL_PROBE = `globalThis[Symbol.for("${PROBE.description}")]()`;

/** An interrupt by the user. */
type Wish = Pick<Extract<LinkMessage, { type: "cancel" }>, "request" | "before">;

const { words, answers, fd } = workerData as LinkData;
const main = parentPort as MessagePort;

let numbered = 0;
const untaken: Extract<LinkMessage, { type: "command" }>[] = [];
let wish: Wish = { request: 0, before: 0 };
let interrupting = false;
/** The debugger, which is loaded when a front end first asks for it. */
let debug: Promise<DebugSession> | undefined;
let debugging: DebugSession | undefined;

/** Sends a command to the main thread, which takes commands one by one and each exactly once. */
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
  wish = { request: wish.request + 1, before: numbered };
  if (interrupting) return;
  interrupting = true;
  try {
    await Atomics.waitAsync(words, WORD.ready, 0).value;
    for (let done = 0; done < wish.request; ) {
      const one = wish;
      await interruptOnce(one);
      done = one.request;
    }
  } finally {
    interrupting = false;
    resend();
  }
}

async function interruptOnce(one: Wish): Promise<void> {
  for (let isForced = false; ; ) {
    if (debugging?.isStopped) await breakOff(debugging);
    if (await cancel(one)) return;
    const result = await stop(isForced, one);
    if (result === "heard") return;
    isForced = result === "idle";
    if (result === "stopped") resend();
  }
}

/** Asks the main thread to end its cell; returns whether it answered as fast as an idle thread does. */
async function cancel(one: Wish): Promise<boolean> {
  main.postMessage({ type: "cancel", ...one } satisfies LinkMessage);
  const deadline = performance.now() + IDLE_ANSWER;
  for (;;) {
    const last = Atomics.load(words, WORD.cancelled);
    if (last === one.request) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await Atomics.waitAsync(words, WORD.cancelled, last, left).value;
  }
}

/**
 * Stops the main thread's JavaScript if any runs that may be stopped. A thread that looks idle gets one
 * more chance to answer, but then is stopped: endless promises look idle too.
 */
async function stop(isForced: boolean, one: Wish): Promise<"heard" | "idle" | "stopped"> {
  const session = new Session();
  session.connectToMainThread();
  try {
    if (!isForced && (await looksIdle(session))) return "idle";
    while (Atomics.compareExchange(words, WORD.hold, HOLD.free, HOLD.stopping) !== HOLD.free) {
      await sleep(1);
    }
    try {
      // While the link holds the lock, the main thread cannot handle interrupts: that needs a critical section.
      if (Atomics.load(words, WORD.cancelled) === one.request) return "heard";
      // The stop may tear the handling of the previous interrupt.
      Atomics.store(words, WORD.cancelled, 0);
      Atomics.add(words, WORD.stops, 1);
      await terminate(session);
      return "stopped";
    } finally {
      Atomics.store(words, WORD.hold, HOLD.free);
    }
  } finally {
    session.disconnect();
  }
}

/** Ends the code that the debugger has stopped: that is the user's, so it holds no lock for long. */
async function breakOff(session: DebugSession): Promise<void> {
  while (Atomics.compareExchange(words, WORD.hold, HOLD.free, HOLD.stopping) !== HOLD.free) {
    await sleep(1);
    if (!session.isStopped) return;
  }
  try {
    Atomics.store(words, WORD.cancelled, 0);
    Atomics.add(words, WORD.stops, 1);
    await session.end();
  } finally {
    Atomics.store(words, WORD.hold, HOLD.free);
  }
}

/** Whether the main thread looks idle; false if it cannot answer, for example because its stack is full. */
async function looksIdle(session: Session): Promise<boolean> {
  try {
    const reply = await session.post("Runtime.evaluate", {
      expression: CALL_PROBE,
      returnByValue: true,
    });
    return reply.result.value === true;
  } catch {
    return false;
  }
}

/** Stops what runs. When this resolves, V8 has stopped it or dropped the request: no stop comes late. */
async function terminate(session: Session): Promise<void> {
  const stopped = session.post("Runtime.terminateExecution").then(
    () => true,
    // A stop that a cell asked for is still under way.
    () => false,
  );
  // V8 answers in order and without running JavaScript, so now it knows of the stop. Native code may take longer.
  await session.post("Runtime.getIsolateId");
  if (await Promise.race([stopped, sleep(STOP, false)])) return;
  // Nothing ran that could be stopped. This call is stopped instead, or shows that no stop is pending.
  await looksIdle(session);
}

/** What the main thread answers itself, unless the debugger has stopped it. */
const ANSWERED = new Set(["inspectVariables", "richInspectVariables", "variables", "evaluate"]);

async function obeyDebugger(command: Extract<Command, { type: "debug" }>): Promise<void> {
  const { request, message } = command;
  if (ANSWERED.has(message.command) && !debugging?.isStopped) {
    send(command);
    return;
  }
  debug ??= import("../debug/session.ts").then(({ DebugSession }) => {
    debugging = new DebugSession({ words, folder: process.cwd(), pid: process.pid, tell });
    return debugging;
  });
  await (await debug).answer(request, message);
}

/** Tells the supervisor, also while the main thread is stopped. */
function tell(event: Event): void {
  commands.write(encodeCommand(event));
}

function obey(command: Command): void {
  if (command.type === "interrupt") interrupt().catch(warn);
  else if (command.type === "debug") obeyDebugger(command).catch(warn);
  else if (command.type === "input" && Atomics.load(words, WORD.asking) === 1) {
    answers.postMessage(command.value);
    Atomics.store(words, WORD.asking, 0);
    Atomics.notify(words, WORD.asking);
  } else {
    send(command);
    if (command.type === "exit") setTimeout(end, EXIT);
  }
}

/** Ends this process, and its children if it leads a process group. */
function end(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.kill(process.pid, "SIGKILL");
  }
}

function warn(error: unknown): void {
  const { message = String(error) } = error as Partial<Error>;
  writeSync(2, `an interrupt or the debugger failed: ${message}\n`);
}

/** Ends this process and reports why: without its link, the main thread could never be interrupted again. */
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
const commands = new Socket({ fd, readable: true, writable: true });
commands.on("data", (bytes: Buffer) => {
  for (const command of decoder.push(bytes)) obey(command);
});
commands.on("error", lost);
// The supervisor has gone: nobody would ever read this process's output.
commands.on("close", end);
