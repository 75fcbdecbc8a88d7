// What the commands write: results to stdout, the rest to stderr, all of it printable.

import { reasonOf } from "../base/files.ts";
import { printableJson, printableLine, printableText } from "../base/printable.ts";

/** A result for people: one line or several, without the last line feed. */
export function print(text: string): void {
  process.stdout.write(`${printableText(text)}\n`);
}

/** A result for programs. */
export function printJson(value: unknown, indent = 2): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, null, indent))}\n`);
}

/** A short line on stderr, which is for people alone: what went wrong, what goes on. */
export function tell(line: string): void {
  process.stderr.write(`abkd: ${printableLine(line)}\n`);
}

/** Several lines on stderr. */
export function tellText(text: string): void {
  process.stderr.write(`${printableText(text)}\n`);
}

/**
 * What failed to be written to stdout and stderr, from now on. A reader that stops early (`| head`) is
 * no error, and no reason to lose a run: the command goes on unheard and ends with its usual code. What
 * a disk could not take is said once, and the exit code is 1.
 */
export function watchOutput(): void {
  let failed = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || failed) return;
    failed = true;
    tell(`cannot write to standard output: ${reasonOf(error)}`);
  });
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
  process.on("exit", () => {
    if (failed && !process.exitCode) process.exitCode = 1;
  });
}
