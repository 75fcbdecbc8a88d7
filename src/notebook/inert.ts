// HTML of strangers as a page may show it: balanced, without scripts, without anything that is fetched.
import { type DefaultTreeAdapterTypes, html, parseFragment, serialize } from "parse5";
import { plain } from "../base/markup.ts";

type Node = DefaultTreeAdapterTypes.ChildNode;
type Parent = DefaultTreeAdapterTypes.ParentNode;

/** Elements that run, fetch, send or lead away by themselves. */
const REMOVED = new Set(
  [
    "script",
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "applet",
    "portal",
    "template",
  ].concat(["meta", "base", "link", "form", "noscript"]),
);
/** Attributes that hold an address. */
const ADDRESSES = new Set(["href", "src", "srcset", "action", "formaction", "poster", "data"]);
const LINK = /^(?:https?:|mailto:|#|[^:]*$)/i;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i;

/** How often a text may be read anew before it is shown as text. */
const ROUNDS = 5;

/**
 * Returns a fragment of HTML without what could run or be fetched, and with every element closed.
 * @param picture turns a picture's address into a data URI; undefined where there is none
 */
export function inert(text: string, picture: (address: string) => string | undefined): string {
  let before = text;
  // What is harmless as a tree may be read as another tree once it is text again, so it is read until it stays.
  for (let round = 0; round < ROUNDS; round++) {
    const fragment = parseFragment(before);
    clean(fragment, picture);
    const after = serialize(fragment);
    if (after === before) return after;
    before = after;
  }
  return `<pre>${plain(text)}</pre>`;
}

function clean(parent: Parent, picture: (address: string) => string | undefined): void {
  parent.childNodes = parent.childNodes.filter((node) => {
    if (node.nodeName === "#comment") return false;
    if (!("tagName" in node)) return true;
    if (REMOVED.has(node.tagName.toLowerCase())) return false;
    cleanAttributes(node, picture);
    clean(node, picture);
    return true;
  }) as Node[];
}

function cleanAttributes(
  node: DefaultTreeAdapterTypes.Element,
  picture: (address: string) => string | undefined,
): void {
  node.attrs = node.attrs.flatMap((attribute) => {
    const name = attribute.name.toLowerCase();
    const value = attribute.value.trim();
    if (name.startsWith("on") || (name === "style" && /url\(|expression/i.test(value))) return [];
    if (!ADDRESSES.has(name)) return [attribute];
    const isPicture = node.namespaceURI === html.NS.HTML && node.tagName === "img";
    if (isPicture && name === "src") {
      const found = PICTURE.test(value) ? value : picture(value);
      return found === undefined ? [] : [{ ...attribute, value: found }];
    }
    const isLink = name === "href" && (node.tagName === "a" || value.startsWith("#"));
    return isLink && LINK.test(value) ? [attribute] : [];
  });
}
