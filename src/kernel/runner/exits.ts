// An end that a cell asks for: told before it comes, with its place.
import { constants } from "node:os";
import type { Event } from "../channel.ts";
import type { FrameWriter } from "../frames.ts";
import { critical } from "./critical.ts";
import type { Stacks } from "./stacks.ts";

type Exit = Extract<Event, { type: "exit" }>;
/** The call as typed, and its place where a cell made it. */
type Call = Pick<Exit, "call" | "place">;

const SHOWN = 60;

/** Makes the calls that end this process say so first, with the end that they will make. */
export function installExits(frames: FrameWriter, stacks: Stacks): void {
  const describe = (name: string, ...values: readonly unknown[]): Call => {
    const { cell, place: at } = stacks.frames(new Error().stack).find(({ cell }) => cell) ?? {};
    const place = cell && at ? `Cell [${cell.count}]:${at.line}:${at.column}` : undefined;
    const shown = values.map((value) => String(value ?? "").slice(0, SHOWN)).join(", ");
    return { call: `process.${name}(${shown})`, ...(place !== undefined && { place }) };
  };
  const tell = (call: Call, end: Pick<Exit, "code" | "signal">): void =>
    critical(() => frames.event({ type: "exit", ...call, ...end }));
  const { exit, abort, kill, reallyExit } = process as NodeJS.Process & {
    reallyExit: (code?: number) => never;
  };
  /** The call of process.exit() that is under way: its listeners run, and may still throw. */
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
    /** Node's exit() calls it last, with the code that its listeners have left. */
    reallyExit(code?: number): never {
      tell(asked ?? describe("reallyExit", code ?? 0), { code: Number(code ?? 0) & 0xff });
      return reallyExit.call(process, code);
    },
    abort(): never {
      tell(describe("abort"), { signal: "SIGABRT" });
      // The same end, without Node's native trace of it.
      kill.call(process, process.pid, "SIGABRT");
      return abort.call(process);
    },
    kill(pid: number, signal: string | number = "SIGTERM"): true {
      const name = nameOf(signal);
      // What is handled is no end.
      if (pid === process.pid && name && process.listenerCount(name) === 0) {
        tell(describe("kill", "process.pid", signal), { signal: name });
      }
      return kill.call(process, pid, signal);
    },
  });
}

/** Undefined for what is no signal, 0 among it. */
function nameOf(signal: string | number): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => name === signal || constants.signals[name] === signal);
}
