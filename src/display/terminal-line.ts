// A terminal line that changes in place, between lines that stay.
import { printable, printableLine } from "../base/printable.ts";

/** The parts of a stream that a line needs. */
export type LineStream = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

export interface TerminalLine {
  /** Replaces the line's text, cut to the width of the terminal. */
  draw(text: string): void;
  /** Wipes the line and prints a line that stays. */
  say(text: string): void;
  wipe(): void;
}

export const columnsOf = ({ columns }: LineStream): number => columns || 80;

export function terminalLine(stream: LineStream): TerminalLine {
  let length = 0;
  const wipe = (): void => {
    if (length > 0) stream.write(`\r${" ".repeat(length)}\r`);
    length = 0;
  };
  return {
    wipe,
    say(text) {
      wipe();
      stream.write(`${printableLine(text)}\n`);
    },
    draw(text) {
      const width = columnsOf(stream) - 1;
      const line = printable(text.slice(0, width), width);
      stream.write(`\r${line.padEnd(length)}`);
      length = line.length;
    },
  };
}
