// Canonical JSON, and the identity of a run that follows from it.
import { CONFIG, needObject, shown } from "../arguments.ts";
import { OptionError } from "../errors.ts";
import { modelSize, modelTitle } from "../models/registry.ts";
import type { RunConfig } from "./run.ts";
import { sha256 } from "./sha256.ts";

/**
 * JSON with sorted keys and no white space: equal values give equal text. Members that are
 * undefined are left out.
 * @throws OptionError for what JSON cannot carry (NaN, a function)
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
  throw new OptionError(`no JSON for ${shown(value)}; it has text, finite numbers, lists, objects`);
}

/** First 16 hex digits of the sha256 of the configuration's canonical JSON. */
export function runId(config: RunConfig): string {
  needObject(config, "runId: config", CONFIG, "dataset", "model");
  return sha256(canonicalJson(config)).slice(0, 16);
}

/** A run in a few words, for messages: `abkd on cora geom-gcn:0, seed 1`. */
export function describeRun(config: RunConfig): string {
  needObject(config, "describeRun: config", CONFIG, "dataset", "model");
  const { model, method } = config;
  const size = model.kind === "gcnii" ? modelSize(model) : modelTitle(model);
  const what = method?.name ?? `${size} alone`;
  return `${what} on ${config.dataset} ${config.split}, seed ${config.seed}`;
}
