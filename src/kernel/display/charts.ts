// Vega and Vega-Lite specifications, and objects that build them, as charts that front ends draw.
import { types } from "node:util";
import type { Bundle } from "../channel.ts";
import { normaliseBundle } from "./hook.ts";
import { callMethod, hasMethods } from "./property.ts";
import { textOf } from "./text.ts";

const SCHEMA = /^https?:\/\/vega\.github\.io\/schema\/(vega|vega-lite)\/v(\d+)/;

/** The versions that JupyterLab's renderers know by name; the newest draws all others. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  vega: ["5"],
  "vega-lite": ["3", "4", "5"],
};

/** Returns a chart's bundle; undefined for other values. Calls toSpec() of a builder (vega-lite-api). */
export function chartBundle(value: unknown): Bundle | undefined {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return undefined;
  const specification = hasMethods(value, ["toSpec"]) ? callMethod(value, "toSpec") : value;
  if (typeof specification !== "object" || specification === null) return undefined;
  const type = typeOf(specification);
  if (type === undefined) return undefined;
  return normaliseBundle({ [type]: specification, "text/plain": textOf(specification) });
}

/** Returns the MIME type of a specification, by the schema that it names. */
function typeOf(value: object): string | undefined {
  const schema: unknown = Object.getOwnPropertyDescriptor(value, "$schema")?.value;
  const [, language, version] = (typeof schema === "string" && SCHEMA.exec(schema)) || [];
  return language === undefined || version === undefined ? undefined : mimeType(language, version);
}

function mimeType(language: string, version: string): string {
  const known = VERSIONS[language] ?? [];
  const named = known.includes(version) ? version : known.at(-1);
  return `application/vnd.${language.replace("-", "")}.v${named}+json`;
}
