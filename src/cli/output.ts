// What the commands write: results to stdout, the rest to stderr, everything made printable.

import { reasonOf } from "../base/files.ts";
import { NAME } from "../base/own-package.ts";
import { printableJson, printableLine, printableText } from "../base/printable.ts";

/** Prints a result for people: one or more lines, without the last line feed. */
export function print(text: string): void {
  process.stdout.write(`${printableText(text)}\n`);
}

/** Prints a result for programs. */
export function printJson(value: unknown, indent = 2): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, null, indent))}\n`);
}

/** Writes a short line to stderr, for people only: what went wrong, what continues. */
export function tell(line: string): void {
  process.stderr.write(`${NAME}: ${printableLine(line)}\n`);
}

/** Writes several lines to stderr. */
export function tellText(text: string): void {
  process.stderr.write(`${printableText(text)}\n`);
}

/**
 * Handles failed writes to stdout and stderr from now on. A reader that stops early (`| head`) is no
 * error, and no reason to lose a run: the command continues unheard and ends with its usual exit code.
 * A disk that cannot take the output is reported once, and the exit code is 1.
 */
export function watchOutput(): void {
  let failed = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || failed) return;
    failed = true;
    tell(`cannot write to standard output: ${reasonOf(error)}`);
  });
  // There is nobody left to tell.
  process.stderr.on("error", () => {});
  process.on("exit", () => {
    if (failed && !process.exitCode) process.exitCode = 1;
  });
}
