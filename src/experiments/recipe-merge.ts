// Merges the recipes of several searches into one file, if they may be compared.
import { canonicalJson } from "../base/canonical.ts";
import { UserError } from "../base/errors.ts";
import type { RecipeFile, SearchIdentity } from "../training/recipe-file.ts";

/**
 * Checks, before a search begins, whether its recipes may go into the file, where recipes are compared.
 * @param search its number, from 1; here 1 is a new search of some contenders only
 * @throws UserError if the searches before it are missing or followed another rule
 */
export function checkBefore(
  file: RecipeFile | undefined,
  search: number,
  rule: Pick<SearchIdentity, "configurations" | "patience" | "rungs">,
): void {
  const dataset = file?.dataset ?? "this dataset";
  const all = [file?.search, ...(file?.further ?? []).map((one) => one.search)];
  for (let n = 1; n <= Math.max(1, search - 1); n++) {
    const one = all[n - 1];
    if (!one) throw new UserError(`${dataset}: search ${n} must come before search ${search}`);
    if (ruleOf(one) === ruleOf(rule)) continue;
    throw new UserError(
      `${dataset}: its recipes come from a search with another rule; search all contenders first`,
    );
  }
}

/** Returns what searches must share to be compared: all but draws, splits and seeds. */
function ruleOf({
  configurations,
  patience = 0,
  rungs,
}: Pick<SearchIdentity, "configurations" | "patience" | "rungs">): string {
  const sizes = rungs.map(({ epochs, splits, seeds, keep }) => {
    return { epochs, splits: splits.length, seeds: seeds.length, keep };
  });
  return canonicalJson({ configurations, patience, sizes });
}

/**
 * Returns the file with some contenders' recipes replaced by those of a later search of only these contenders.
 * @throws UserError if that search followed another rule
 */
export function withLaterSearch(file: RecipeFile, { search, recipes }: RecipeFile): RecipeFile {
  checkBefore(file, 1, search!);
  const again = Object.keys(recipes);
  const earlier = (file.later ?? []).filter(
    ({ contenders }) => !contenders.every((id) => again.includes(id)),
  );
  const later = [...earlier, { contenders: again, ...search! }];
  return { ...file, later, recipes: { ...file.recipes, ...recipes } };
}

/**
 * Returns the file with the recipes of its second search, its third, ... beside the first's.
 * @param search the number of the search
 * @throws UserError if the searches before it are missing, or had another rule or other spaces
 */
export function withFurtherSearch(file: RecipeFile, search: number, found: RecipeFile): RecipeFile {
  checkBefore(file, search, found.search!);
  for (const [id, { space }] of Object.entries(found.recipes)) {
    if (space === file.recipes[id]?.space) continue;
    throw new UserError(
      `${file.dataset}: ${id} was searched in another space; search 1 again first`,
    );
  }
  const further = [...(file.further ?? [])];
  // A search of only some contenders leaves the others' recipes as they are.
  const recipes = { ...further[search - 2]?.recipes, ...found.recipes };
  further[search - 2] = { search: found.search!, recipes };
  return { ...file, further };
}
