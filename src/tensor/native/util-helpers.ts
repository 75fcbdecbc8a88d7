// Helpers that tfjs-node calls, and that Node took out of its module "util" or warns of.
import util from "node:util";

const helpers: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: Array.isArray,
  isNullOrUndefined: (value) => value === null || value === undefined,
};

/** Puts them back: to be called before tfjs-node is loaded. */
export function restoreUtilHelpers(): void {
  const module = util as unknown as Record<string, unknown>;
  for (const [name, helper] of Object.entries(helpers)) module[name] = helper;
}
