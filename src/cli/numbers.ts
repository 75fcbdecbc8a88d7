// Parsers of numbers on the command line.
import { InvalidArgumentError } from "commander";

/** Returns a parser for a whole number within bounds. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least && value <= most) {
      return value;
    }
    const bounds =
      most < Number.MAX_SAFE_INTEGER ? ` from ${least} to ${most}` : `, ${least} or more`;
    throw new InvalidArgumentError(`Expected a whole number${bounds}.`);
  };
}

/** Returns a parser for a finite number, 0 or more. */
export function real(): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= 0 && value <= Number.MAX_VALUE) return value;
    throw new InvalidArgumentError("Expected a number, 0 or more.");
  };
}
