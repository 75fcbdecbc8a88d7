// Canonical JSON, and the identity of a run that follows from it.
import { createHash } from "node:crypto";
import type { RunConfig } from "./run.ts";

/**
 * JSON with sorted keys and no white space: equal values give equal text. Members that are
 * undefined are left out. Throws TypeError on what JSON cannot carry (NaN, a function).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") {
    return JSON.stringify(value);
  }
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const all = value as Readonly<Record<string, unknown>>;
    const members = Object.keys(all)
      .sort()
      .filter((name) => all[name] !== undefined)
      .map((name) => `${JSON.stringify(name)}:${canonicalJson(all[name])}`);
    return `{${members.join(",")}}`;
  }
  throw new TypeError(`no JSON for ${String(value)}`);
}

/** First 16 hex digits of the sha256 of the configuration's canonical JSON. */
export function runId(config: RunConfig): string {
  return createHash("sha256").update(canonicalJson(config)).digest("hex").slice(0, 16);
}

/** A run in a few words, for messages: `abkd on cora geom-gcn:0, seed 1`. */
export function describeRun(config: RunConfig): string {
  const what = config.method?.name ?? `${config.model.layers}L-${config.model.width}H alone`;
  return `${what} on ${config.dataset} ${config.split}, seed ${config.seed}`;
}
