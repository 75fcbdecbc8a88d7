// Elements of jsdom, linkedom and similar libraries, shown by their markup. No code in it runs here.
import type { Bundle } from "../channel.ts";
import { normaliseBundle } from "./hook.ts";
import { count } from "./numbers.ts";
import { callMethod, findProperty, hasMethods, readMember } from "./property.ts";

interface ElementLike {
  readonly outerHTML: string;
  readonly nodeType: number;
}

const ELEMENT = 1;
const DOCUMENT = 9;
const LONGEST_TAG = 200;

/** Returns an element: the value itself, a document's root element, or the first of a D3 selection. */
export function elementOf(value: unknown): ElementLike | undefined {
  if (isElement(value)) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const root = findProperty(value, "nodeType") && readMember(value, "documentElement");
  if (isElement(root) && readMember(value, "nodeType") === DOCUMENT) return root;
  if (!hasMethods(value, ["node", "nodes", "selectAll", "attr"])) return undefined;
  const node = callMethod(value, "node");
  return isElement(node) ? node : undefined;
}

function isElement(value: unknown): value is ElementLike {
  if (typeof value !== "object" || value === null) return false;
  if (!findProperty(value, "outerHTML") || readMember(value, "nodeType") !== ELEMENT) return false;
  return typeof readMember(value, "outerHTML") === "string";
}

/** Shows an <svg> as a picture and anything else as HTML, exactly as its author wrote it. */
export function elementBundle(element: ElementLike): Bundle {
  const markup = element.outerHTML;
  const view = /^<svg[\s>]/i.test(markup)
    ? { "image/svg+xml": asXml(markup) }
    : { "text/html": markup };
  return normaliseBundle({ ...view, "text/plain": elementLine(element) });
}

/** Describes an element in one line: its tag, and how long its markup is. */
export function elementLine(element: ElementLike): string {
  const markup = element.outerHTML;
  const tag = /^<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>/.exec(markup)?.[0] ?? markup;
  const short = tag.length > LONGEST_TAG ? `${tag.slice(0, LONGEST_TAG)}...` : tag;
  return markup.length > tag.length ? `${short} (${count(markup.length)} characters)` : short;
}

/** Adds what XML requires and HTML allows to omit. */
function asXml(markup: string): string {
  const [tag = ""] = /^<svg[^>]*>/i.exec(markup) ?? [];
  let start = tag;
  if (!/\sxmlns=/.test(tag))
    start = start.replace(/^<svg/i, '$& xmlns="http://www.w3.org/2000/svg"');
  if (/\sxlink:/.test(markup) && !/\sxmlns:xlink=/.test(tag)) {
    start = start.replace(/^<svg/i, '$& xmlns:xlink="http://www.w3.org/1999/xlink"');
  }
  return (start + markup.slice(tag.length)).replaceAll("&nbsp;", "&#160;");
}
