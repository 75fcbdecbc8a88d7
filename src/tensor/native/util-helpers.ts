// Helpers that tfjs-node calls, and that Node removed from its module "util" or deprecated.
import util from "node:util";

const helpers: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: Array.isArray,
  isNullOrUndefined: (value) => value === null || value === undefined,
};

/** Restores the helpers. Call it before tfjs-node is loaded. */
export function restoreUtilHelpers(): void {
  const module = util as unknown as Record<string, unknown>;
  for (const [name, helper] of Object.entries(helpers)) module[name] = helper;
}
