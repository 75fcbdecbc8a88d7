// Things by name: methods, kinds of models.
import { OptionError } from "./errors.ts";
import { printable } from "./printable.ts";
import { didYouMean } from "./suggested.ts";

/**
 * @param what they are, for the message: "method"
 * @throws {OptionError} naming those there are, and the one that may have been meant
 */
export function findByName<T extends { readonly name: string }>(
  what: string,
  name: string,
  all: readonly T[],
): T {
  const found = all.find((one) => one.name === name);
  if (found) return found;
  const names = all.map((one) => one.name);
  const meant = didYouMean(name, names);
  throw new OptionError(`no ${what} "${printable(name)}"; there is ${names.join(", ")}${meant}`);
}
