// Errors about files from outside, each a one-line message for the user.
import { UserError } from "../base/errors.ts";

/** A dataset that cannot be used: broken, contradictory or unavailable. Exit code 1. */
export class DatasetError extends UserError {
  constructor(message: string, options?: ErrorOptions & { readonly exitCode?: number }) {
    super(message, { exitCode: 1, ...options });
  }
}

/** A file whose bytes are not what they should be; the message begins with its path. */
export class BadFileError extends DatasetError {
  constructor(file: string, what: string, options?: ErrorOptions) {
    super(`${file}: ${what}`, options);
  }
}
