// Elements of React, Preact and Hono, rendered to HTML by their own libraries from the notebook's node_modules.
import { types } from "node:util";
import type { Bundle } from "../channel.ts";
import { outside, sheltered } from "../runner/shelter.ts";
import { elementBundle } from "./elements.ts";
import { isThenable } from "./hook.ts";
import { messageOf } from "./leaves.ts";
import { findProperty, hasMethods, readMember } from "./property.ts";
import { textOf } from "./text.ts";

/** Imports a package as a cell would. */
type Import = (name: string) => Promise<Readonly<Record<string, unknown>>>;

/** A library's way to make markup of its elements. */
interface Library {
  /** The package to import, and the function in it; without one, the element renders itself. */
  readonly from?: string;
  readonly renderer: string;
  readonly isElement: (value: object) => boolean;
}

const dataOf = (value: object, name: string): unknown =>
  Object.getOwnPropertyDescriptor(value, name)?.value;

const LIBRARIES: readonly Library[] = [
  {
    from: "react-dom/server",
    renderer: "renderToStaticMarkup",
    isElement: (value) => {
      const type = dataOf(value, "$$typeof");
      // React 19 and later, and React up to 18.
      return (
        type === Symbol.for("react.transitional.element") || type === Symbol.for("react.element")
      );
    },
  },
  {
    from: "preact-render-to-string",
    renderer: "renderToString",
    // Preact gives its nodes a constructor that JSON cannot have: undefined in 10, a symbol in 11.
    isElement: (value) =>
      Object.hasOwn(value, "constructor") &&
      [undefined, Symbol.for("pv")].includes(dataOf(value, "constructor") as symbol | undefined) &&
      ["type", "props", "key", "ref", "__k"].every((name) => Object.hasOwn(value, name)),
  },
  {
    renderer: "toString",
    // The node of hono/jsx, which is safe to be put into HTML as it is.
    isElement: (value) =>
      ["tag", "props", "children"].every((name) => findProperty(value, name)) &&
      readMember(value, "isEscaped") === true &&
      hasMethods(value, ["toString"]),
  },
];

let importer: Import | undefined;

/** Sets how packages are imported; without it, no element is rendered. */
export function setImporter(load: Import): void {
  importer = load;
}

/**
 * Returns the promise of an element's HTML; undefined for other values.
 * @param plain the views of the value if its library is not there or fails, to which a line says why
 */
export function componentBundle(
  value: unknown,
  plain: (why: string) => Bundle,
): Promise<Bundle> | undefined {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return undefined;
  const library = LIBRARIES.find(({ isElement }) => isElement(value));
  if (!library || !importer) return undefined;
  const { from, renderer } = library;
  const load = importer;
  const module = from === undefined ? Promise.resolve(value) : outside(() => load(from));
  const who = from ?? "the element";
  return module.then(
    (owner) =>
      sheltered(() => rendered(owner, renderer, value)).catch((error: unknown) =>
        // The stack tells which component it was.
        sheltered(() => plain(`${who} failed: ${textOf(error)}`)),
      ),
    (error) => sheltered(() => plain(`${who} failed: ${messageOf(error).slice(0, 400)}`)),
  );
}

/** Returns the views of an element that a module renders. */
async function rendered(owner: object, renderer: string, value: object): Promise<Bundle> {
  const markup = await render(owner, renderer, value);
  return sheltered(() => elementBundle({ outerHTML: String(markup), nodeType: 1 }));
}

/** Calls a library's function, in a module or in its default export, or an element's own method. */
function render(owner: object, renderer: string, value: object): unknown {
  const within: unknown = Reflect.get(owner, "default");
  const found: unknown =
    Reflect.get(owner, renderer) ?? (within && Reflect.get(within as object, renderer));
  if (typeof found !== "function") throw new TypeError(`it has no ${renderer}()`);
  const markup: unknown = outside(() => found.call(owner, value));
  return isThenable(markup) ? markup : String(markup);
}
