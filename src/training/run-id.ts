// A run's identity, and its name in messages.
import { CONFIG, needObject } from "../base/arguments.ts";
import { canonicalJson } from "../base/canonical.ts";
import { sha256 } from "../base/sha256.ts";
import { modelSize, modelTitle } from "../models/registry.ts";
import type { RunConfig } from "./run.ts";

/** Returns the first 16 hex digits of the sha256 of the configuration's canonical JSON. */
export function runId(config: RunConfig): string {
  needObject(config, "runId: config", CONFIG, "dataset", "model");
  return sha256(canonicalJson(config)).slice(0, 16);
}

/** Describes a run in a few words, for messages: `abkd on cora geom-gcn:0, seed 1`. */
export function describeRun(config: RunConfig): string {
  needObject(config, "describeRun: config", CONFIG, "dataset", "model");
  const { model, method } = config;
  const size = model.kind === "gcnii" ? modelSize(model) : modelTitle(model);
  const what = method?.name ?? `${size} alone`;
  return `${what} on ${config.dataset} ${config.split}, seed ${config.seed}`;
}
