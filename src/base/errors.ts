// Errors that the user can act on: the command line prints only their message, without a stack.
import { printableLine } from "./printable.ts";

/**
 * Something the user can fix: a bad option, a missing file, a broken input.
 * `message` says in one line what happened, where, and what to do. It may quote text from files,
 * arguments and other programs, so the constructor makes it printable and keeps it to one short line.
 */
export class UserError extends Error {
  /** The process's exit code: 2 for a wrong request (the default), 1 for a run that failed. */
  readonly exitCode: number;

  constructor(message: string, options?: ErrorOptions & { readonly exitCode?: number }) {
    super(printableLine(String(message)), options);
    this.name = new.target.name;
    this.exitCode = options?.exitCode ?? 2;
  }
}

/** An option, a dataset's name, a split's name or a number is invalid. */
export class OptionError extends UserError {}
