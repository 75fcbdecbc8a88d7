// What a study claimed, and when: a digest of its arms and claims, so that a change after the runs shows.
import { createHash } from "node:crypto";
import { canonicalJson } from "../base/canonical.ts";
import { registrations } from "./registrations.ts";
import { planStudy, type Study } from "./study.ts";
import type { TrialRecord } from "./trial-record.ts";
import { RULE } from "./verdict.ts";

/** A study's digest on a day. */
export interface Registered {
  /** The day, UTC: 2026-11-29. */
  readonly date: string;
  readonly digest: string;
}

export interface Registration {
  /** The digest of the claims as they are now. */
  readonly digest: string;
  /** All registered digests, the oldest first; the last should equal `digest`. */
  readonly history: readonly Registered[];
  /** The number of records made before the day of the last registration. */
  readonly earlier: number;
}

/**
 * Returns 16 hex digits of the SHA-256 of a study's rule, arms, subject, claims and all trials of its paper
 * profile, so that a changed recipe or split shows.
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

/** Describes a registration in a sentence or two, for reports. */
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
