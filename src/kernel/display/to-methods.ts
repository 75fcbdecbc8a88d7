// Views by ijavascript's methods: _toHtml(), _toSvg(), _toPng(), _toJpeg() and _toMime().
import type { Bundle } from "../channel.ts";
import { normaliseBundle } from "./hook.ts";
import { messageOf } from "./leaves.ts";
import { callMethod, hasMethods } from "./property.ts";
import { textOf } from "./text.ts";

/** The methods that return one view each, pictures in base64. */
const VIEWS = {
  _toHtml: "text/html",
  _toSvg: "image/svg+xml",
  _toPng: "image/png",
  _toJpeg: "image/jpeg",
};

/**
 * Returns the views that an object's methods give; undefined if it has none.
 * @param plain returns the view of a value whose method fails
 */
export function methodsBundle(value: object, plain: (why: string) => Bundle): Bundle | undefined {
  const found = ["_toMime", ...Object.keys(VIEWS)].filter((name) => hasMethods(value, [name]));
  const views: Record<string, unknown> = {};
  for (const name of found) {
    try {
      const view = callMethod(value, name);
      // As in NEL, what _toMime() gives comes first.
      const own = name === "_toMime" ? view : { [VIEWS[name as keyof typeof VIEWS]]: view };
      for (const [type, data] of Object.entries(normaliseBundle(own))) views[type] ??= data;
    } catch (error) {
      return plain(`${name}() failed: ${messageOf(error).slice(0, 400)}`);
    }
  }
  if (found.length === 0) return undefined;
  return "text/plain" in views ? views : { ...views, "text/plain": textOf(value) };
}
