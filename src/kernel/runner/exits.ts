// Reports calls that end the process, with their place, before the end comes.
import { constants } from "node:os";
import type { Event } from "../channel.ts";
import type { FrameWriter } from "../frames.ts";
import { critical } from "./critical.ts";
import { sheltered } from "./shelter.ts";
import type { Stacks } from "./stacks.ts";

type Exit = Extract<Event, { type: "exit" }>;
/** The call as typed, and its place if a cell made it. */
type Call = Pick<Exit, "call" | "place">;

const SHOWN = 60;

/** Makes the calls that end this process report that end first. */
export function installExits(frames: FrameWriter, stacks: Stacks): void {
  const callOf = (name: string, values: readonly unknown[]): Call => {
    const { cell, place: at } = stacks.frames(new Error().stack).find(({ cell }) => cell) ?? {};
    const place = cell && at ? `Cell [${cell.count}]:${at.line}:${at.column}` : undefined;
    const shown = values.map((value) => String(value ?? "").slice(0, SHOWN)).join(", ");
    return { call: `process.${name}(${shown})`, ...(place !== undefined && { place }) };
  };
  const describe = (name: string, ...values: readonly unknown[]): Call =>
    sheltered(() => callOf(name, values));
  const tell = (call: Call, end: Pick<Exit, "code" | "signal">): void =>
    sheltered(() => critical(() => frames.event({ type: "exit", ...call, ...end })));
  const { exit, abort, kill, reallyExit } = process as NodeJS.Process & {
    reallyExit: (code?: number) => never;
  };
  /** The running call of process.exit(), whose listeners run and may still throw. */
  let asked: Call | undefined;
  Object.assign(process, {
    exit(code?: number | string | null): never {
      const outer = asked;
      asked = describe("exit", code ?? process.exitCode ?? 0);
      try {
        return exit.call(process, code);
      } catch (error) {
        asked = outer;
        throw error;
      }
    },
    /** Node's exit() calls this last, with the exit code that its listeners have left. */
    reallyExit(code?: number): never {
      tell(asked ?? describe("reallyExit", code ?? 0), { code: Number(code ?? 0) & 0xff });
      return reallyExit.call(process, code);
    },
    abort(): never {
      tell(describe("abort"), { signal: "SIGABRT" });
      // This ends the process in the same way, but without Node's native trace.
      kill.call(process, process.pid, "SIGABRT");
      return abort.call(process);
    },
    kill(pid: number, signal: string | number = "SIGTERM"): true {
      const name = nameOf(signal);
      // A handled signal does not end the process.
      if (pid === process.pid && name && process.listenerCount(name) === 0) {
        tell(describe("kill", "process.pid", signal), { signal: name });
      }
      return kill.call(process, pid, signal);
    },
  });
}

/** Returns the signal's name; undefined for anything that is not a signal, such as 0. */
function nameOf(signal: string | number): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => name === signal || constants.signals[name] === signal);
}
