// Errors that a person can act on: the command line prints their message alone, without a stack.
import { printableLine } from "./printable.ts";

/**
 * Something the user can put right: a bad option, a missing file, a broken input.
 * `message` names what happened, where, and what to do, in one line. It may quote text from files,
 * arguments and other programs: here, for all, it becomes printable and is kept to one short line.
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

/** An option, a dataset's name, a split's name or a number that makes no sense. */
export class OptionError extends UserError {}
