// A value's views: a bundle by MIME type, always with text/plain.
import { types } from "node:util";
import type { Bundle } from "../channel.ts";
import { sheltered } from "../runner/shelter.ts";
import { chartBundle } from "./charts.ts";
import { componentBundle } from "./components.ts";
import { callHook, isThenable, normaliseBundle } from "./hook.ts";
import { kindBundle } from "./kinds.ts";
import { messageOf } from "./leaves.ts";
import { pictureBundle } from "./pictures.ts";
import { recordsTable } from "./records.ts";
import { textOf } from "./text.ts";
import { methodsBundle } from "./to-methods.ts";

/**
 * Returns a value's own views (`Symbol.for("Jupyter.display")`) or the built-in ones. Never throws and
 * never rejects; returns a promise only if the value's own hook does, or if its library has to be imported.
 */
export function bundleOf(value: unknown): Bundle | Promise<Bundle> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return builtIn(value);
  }
  try {
    const hook = callHook(value);
    if (!hook) {
      const plain = (why: string): Bundle => ({ "text/plain": `${textOf(value)}\n[${why}]` });
      return methodsBundle(value, plain) ?? componentBundle(value, plain) ?? builtIn(value);
    }
    if (!isThenable(hook.result)) return ownBundle(value, hook.result);
    return Promise.resolve(hook.result).then(
      (bundle) => sheltered(() => ownBundle(value, bundle)),
      (error) => sheltered(() => withoutHook(value, error)),
    );
  } catch (error) {
    return withoutHook(value, error);
  }
}

function ownBundle(value: object, bundle: unknown): Bundle {
  try {
    const own = normaliseBundle(bundle);
    return "text/plain" in own ? own : { ...own, "text/plain": textOf(value) };
  } catch (error) {
    return withoutHook(value, error);
  }
}

function withoutHook(value: object, error: unknown): Bundle {
  const failed = `[Symbol.for("Jupyter.display") failed: ${messageOf(error).slice(0, 400)}]`;
  const text = textOf(value);
  // A proxy that answers to every name has a hook by accident.
  return { "text/plain": types.isProxy(value) ? text : `${text}\n${failed}` };
}

function builtIn(value: unknown): Bundle {
  try {
    const bundle = kindBundle(value) ?? pictureBundle(value) ?? chartBundle(value);
    if (bundle) return "text/plain" in bundle ? bundle : { ...bundle, "text/plain": textOf(value) };
    const table = recordsTable(value);
    if (table) return { "text/html": table, "text/plain": textOf(value) };
  } catch {
    // A value that looks like one of these but cannot be read as one is shown as text.
  }
  return { "text/plain": textOf(value) };
}
