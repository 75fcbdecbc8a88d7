// What a study claimed, and when: a digest of its arms and claims, so that a change after the runs shows.
import { createHash } from "node:crypto";
import { canonicalJson } from "../base/canonical.ts";
import { registrations } from "./registrations.ts";
import { planStudy, type Study } from "./study.ts";
import type { TrialRecord } from "./trial-record.ts";
import { RULE } from "./verdict.ts";

/** A study as it stood on a day. */
export interface Registered {
  /** UTC: 2026-11-29. */
  readonly date: string;
  readonly digest: string;
}

export interface Registration {
  /** Of the claims as they are now. */
  readonly digest: string;
  /** All that were registered, the first first; the last should be the one above. */
  readonly history: readonly Registered[];
  /** Records that were made before the day of the last. */
  readonly earlier: number;
}

/**
 * 16 hex digits of the sha256 of the rule, the arms, every trial of the paper profile (so that a recipe
 * or a split that changes shows), the subject and all claims of a study.
 */
export function registrationDigest(study: Study): string {
  const content = {
    rule: RULE,
    name: study.name,
    subject: study.subject,
    datasets: study.datasets,
    arms: study.arms.map(({ id, role }) => ({ id, role })),
    trials: planStudy(study, { profile: "paper" }).trials.map(({ id }) => id),
    claims: study.datasets.map((dataset) => study.claims(dataset)),
  };
  return createHash("sha256").update(canonicalJson(content)).digest("hex").slice(0, 16);
}

/** @param records those that a report rests on */
export function registrationOf(study: Study, records: Iterable<TrialRecord>): Registration {
  const history = registrations[study.name] ?? [];
  const day = history.at(-1)?.date ?? "";
  const earlier = [...records].filter(({ timing }) => (timing.recorded ?? "") < day).length;
  return { digest: registrationDigest(study), history, earlier };
}

/** In a sentence or two, for reports. */
export function registrationWords({ digest, history, earlier }: Registration): string {
  const last = history.at(-1);
  if (!last) return `Its claims are registered nowhere (today's digest ${digest}).`;
  const changes = history.slice(1).map((one) => `${one.date} (${one.digest})`);
  const first = `Claims and rule registered on ${history[0]!.date} (${history[0]!.digest})`;
  const later = changes.length > 0 ? `, changed on ${changes.join(", ")}` : "";
  const unregistered =
    last.digest === digest ? "" : ` They were changed since and are not registered (${digest}).`;
  const older =
    earlier > 0 ? ` ${earlier} of the trials were recorded before the last registration.` : "";
  return `${first}${later}.${unregistered}${older}`;
}
