// An end that a cell asks for: told before it comes, with its place.
import type { FrameWriter } from "../frames.ts";
import { critical } from "./critical.ts";
import type { Stacks } from "./stacks.ts";

const SHOWN = 60;

/** Makes the calls that end this process say so first. */
export function installExits(frames: FrameWriter, stacks: Stacks): void {
  const tell = (name: string, values: readonly unknown[]): void => {
    const { cell, place: at } = stacks.frames(new Error().stack).find(({ cell }) => cell) ?? {};
    const place = cell && at ? `Cell [${cell.count}]:${at.line}:${at.column}` : undefined;
    const shown = values.map((value) => String(value ?? "").slice(0, SHOWN)).join(", ");
    const call = `process.${name}(${shown})`;
    critical(() => frames.event({ type: "exit", call, ...(place !== undefined && { place }) }));
  };
  const { exit, abort, kill, reallyExit } = process as NodeJS.Process & {
    reallyExit: (code?: number) => never;
  };
  let isTold = false;
  const tellOnce = (name: string, ...values: unknown[]): void => {
    if (!isTold) tell(name, values);
    isTold = true;
  };
  Object.assign(process, {
    exit(code?: number | string | null): never {
      tellOnce("exit", code ?? process.exitCode ?? 0);
      return exit.call(process, code);
    },
    reallyExit(code?: number): never {
      tellOnce("reallyExit", code ?? 0);
      return reallyExit.call(process, code);
    },
    abort(): never {
      tellOnce("abort");
      // The same end, without Node's native trace of it.
      kill.call(process, process.pid, "SIGABRT");
      return abort.call(process);
    },
    kill(pid: number, signal?: string | number): true {
      // A signal may be handled: it is named only where it was the end.
      if (pid === process.pid && signal !== 0) tell("kill", ["process.pid", signal ?? "SIGTERM"]);
      return kill.call(process, pid, signal);
    },
  });
}
