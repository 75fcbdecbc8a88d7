// The process that runs the cells: commands arrive through its link, events go to standard output.

import { writeSync } from "node:fs";
import path from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { Command } from "../channel.ts";
import { LINK_LOST } from "../death.ts";
import { setImporter } from "../display/components.ts";
import { setCellNames } from "../display/errors.ts";
import { createDisplay } from "../display/host.ts";
import { FrameWriter, TOKEN_VARIABLE } from "../frames.ts";
import { load, notify, store } from "../originals.ts";
import { Cells } from "./cells.ts";
import { Comms } from "./comm.ts";
import { critical, forgetSections, installProbe } from "./critical.ts";
import { DebugHost } from "./debug.ts";
import { installEmptyInput } from "./empty-input.ts";
import { installExits } from "./exits.ts";
import { FOLDERS, installHelper } from "./helper.ts";
import { resumeImmediates } from "./immediates.ts";
import { Input } from "./input.ts";
import { Inspector } from "./inspect.ts";
import { installInterrupts } from "./interrupts.ts";
import type { LinkData } from "./link.ts";
import { installPlainGlobals, membersOf } from "./members.ts";
import { cellOf, sinkOf } from "./run.ts";
import { type LinkMessage, WORD, WORDS } from "./shared.ts";
import { heard, installShelter, leave, sheltered } from "./shelter.ts";
import { Stacks } from "./stacks.ts";
import { installStreams } from "./streams.ts";
import { forgetTests, unsettledTests } from "./tests.ts";
import { installTimers, own } from "./timers.ts";
import { installWorkers } from "./workers.ts";

const COMMANDS_FD = 3;

const token = process.env[TOKEN_VARIABLE] ?? "";
const { NODE_COMPILE_CACHE } = process.env;
// These variables are for this process, not for the children of cells.
for (const name of [TOKEN_VARIABLE, "NODE_COMPILE_CACHE"]) delete process.env[name];
const frames = new FrameWriter(1, token);
const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
const { port1: answers, port2: answering } = new MessageChannel();
answers.unref();

const link = new Worker(new URL(`./link${path.extname(import.meta.url)}`, import.meta.url), {
  workerData: { words, answers: answering, fd: COMMANDS_FD } satisfies LinkData,
  transferList: [answering],
  // A variable set to undefined would become the text "undefined", and a folder of that name.
  env: NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE },
});

installProbe(words);
installPlainGlobals();
installStreams(frames);
installEmptyInput();
const inspector = new Inspector();
const input = new Input(frames, words, answers);
const comms = new Comms(frames);
const { display, unsettled, forget } = createDisplay((event) => {
  critical(() => {
    if (!sinkOf()?.event(event)) frames.event({ ...event, cell: cellOf() });
  });
});
const modules = installHelper();
const stacks = new Stacks((...place) => modules.place(...place), FOLDERS);
stacks.install();
const exit = process.exit.bind(process);
installExits(frames, stacks);
const cells = new Cells({
  inspector,
  modules,
  stacks,
  constants: modules.constants,
  words,
  frames,
  marks: new FrameWriter(2, token),
  unsettled: () => unsettled() ?? unsettledTests(),
  ended: (run) => {
    input.forget(run);
    forget();
    forgetTests();
  },
});
installWorkers(stacks);
setCellNames((line) => stacks.rename(line));
setImporter((name) => modules.dynamic(name));

installTimers();
installInterrupts();
input.install();
comms.install();
Object.defineProperty(globalThis, Symbol.for("Jupyter.display"), { value: display });
Object.defineProperty(globalThis, "display", {
  value: display,
  configurable: true,
  writable: true,
});

modules.isTraced = () => load(words, WORD.debugging) === 1;
const debug = new DebugHost({ inspector, modules, stacks, frames });

function obey(command: Exclude<Command, { type: "execute" }>): void {
  switch (command.type) {
    case "input":
      input.answer(command.value);
      break;
    case "comm":
      comms.receive(command);
      break;
    case "members": {
      const { request, expression } = command;
      // V8 limits the expression's time, so the section is short. Without an answer, Tab in the front end would hang.
      critical(() => {
        frames.event({
          type: "members",
          request,
          names: membersOf(inspector, expression, modules.constants.shadows),
        });
      });
      break;
    }
    case "debug":
      debug.obey(command.request, command.message);
      break;
    case "exit":
      exit(0);
  }
}

function take(message: LinkMessage): void {
  critical(resumeImmediates);
  if (message.type === "command") {
    const { command, number } = message;
    const isNew = critical(() => {
      if (number !== load(words, WORD.taken) + 1) return false;
      store(words, WORD.taken, number);
      if (command.type === "execute") cells.add(command, number);
      return true;
    });
    if (isNew && command.type !== "execute") obey(command);
  } else {
    const interrupt = critical(() => cells.hear(message));
    interrupt?.();
  }
  cells.next();
}

const onMessage = (message: LinkMessage): void => {
  // A stop may have torn the runner's work.
  forgetSections();
  leave();
  sheltered(() => take(message));
};
link.on("message", heard(onMessage));

/** Ends the process, because nobody could interrupt its code or start another cell any more. */
function lost(why: string): void {
  writeSync(2, `${LINK_LOST}: ${why}\n`);
  process.kill(process.pid, "SIGKILL");
}
link.on("error", ({ message }) => lost(message));
link.on("exit", (code) => lost(`its thread ended with code ${code}`));

/** Shows an error outside any statement under its cell; the process continues. */
function report(title: string, error: unknown): void {
  sheltered(() => {
    const text = `${title}${cells.errors.lines(error).join("\n")}\n`;
    critical(() => {
      const sink = sinkOf();
      if (sink) sink.stream("stderr", text);
      else frames.stream(cellOf(), "stderr", text);
    });
  });
}
const onError = (error: unknown): void => report("", error);
const onRejection = (reason: unknown): void => report("Unhandled rejection: ", reason);
process.on("uncaughtException", heard(onError));
process.on("unhandledRejection", heard(onRejection));
// The supervisor handles a terminal's Ctrl+C.
process.on("SIGINT", () => {});

// Cells can replace what the class has; Node and the link call it.
for (const emitter of [process, link]) {
  const { emit } = emitter;
  Object.defineProperty(emitter, "emit", { value: emit, configurable: true, writable: true });
}
installShelter();

// Wait until the promises of this module have settled.
own.setImmediate(() => {
  store(words, WORD.ready, 1);
  notify(words, WORD.ready);
});
frames.event({ type: "ready", names: membersOf(inspector, "", modules.constants.shadows) });
