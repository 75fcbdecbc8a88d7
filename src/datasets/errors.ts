// What else can go wrong with a dataset.
import { BadFileError, DatasetError } from "../formats/errors.ts";

/** A file of a known dataset that is in none of the folders searched. Exit code 2. */
export class MissingFileError extends DatasetError {
  /** The file, relative to a data folder, e.g. `planetoid/ind.cora.x`. */
  readonly file: string;

  constructor(message: string, file: string) {
    super(message, { exitCode: 2 });
    this.file = file;
  }
}

/** A sound split that belongs to a graph of another size. */
export class UnfitSplitError extends BadFileError {}
