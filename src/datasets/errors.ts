// Errors about datasets, beyond those of src/formats.
import { BadFileError, DatasetError } from "../formats/errors.ts";

/** A known dataset's file is in none of the folders searched. Exit code 2. */
export class MissingFileError extends DatasetError {
  /** The file, relative to a data folder, e.g. `planetoid/ind.cora.x`. */
  readonly file: string;

  constructor(message: string, file: string) {
    super(message, { exitCode: 2 });
    this.file = file;
  }
}

/** A split that is valid but belongs to a graph of another size. */
export class UnfitSplitError extends BadFileError {}
