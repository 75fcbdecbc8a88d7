// What can go wrong with a dataset, each in one line for the person at the keyboard.
import { UserError } from "../errors.ts";

/** A dataset that cannot be used: broken, contradictory, not to be had. Exit code 1. */
export class DatasetError extends UserError {
  constructor(message: string, options?: ErrorOptions & { readonly exitCode?: number }) {
    super(message, { exitCode: 1, ...options });
  }
}

/** A file of a known dataset that is in none of the folders searched. Exit code 2. */
export class MissingFileError extends DatasetError {
  /** The file, relative to a data folder, e.g. `planetoid/ind.cora.x`. */
  readonly file: string;

  constructor(message: string, file: string) {
    super(message, { exitCode: 2 });
    this.file = file;
  }
}

/** A file whose bytes are not what they should be; the message begins with its path. */
export class BadFileError extends DatasetError {
  constructor(file: string, what: string, options?: ErrorOptions) {
    super(`${file}: ${what}`, options);
  }
}

/** A sound split that belongs to a graph of another size. */
export class UnfitSplitError extends BadFileError {}
