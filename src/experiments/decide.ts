// Decides a study's claims and comparisons on one dataset, by the rule in verdict.ts.
import { inPercent, signed } from "../display/format.ts";
import { MEASURES } from "./attention.ts";
import { accuracyText } from "./published.ts";
import type { ClaimReport, Comparison } from "./report-data.ts";
import {
  holm,
  mean,
  meanInterval,
  nadeauBengioP,
  type PairedTest,
  pairedTest,
} from "./statistics.ts";
import { type Claim, type StudyPlan, searchArm } from "./study.ts";
import { type TrialTable, testAccuracy } from "./trial-table.ts";
import {
  controlVerdict,
  FULL_SPLITS,
  LEAST_SPLITS,
  majorityVerdict,
  orderingVerdict,
  rangeVerdict,
  SEARCHES,
  survivalVerdict,
  type Verdict,
  valueVerdict,
  withSelection,
} from "./verdict.ts";

/** Returns the number that the paper prints for a claim, as text. */
export function paperText(claim: Claim): { readonly paper?: string } {
  if (claim.kind === "value") return { paper: accuracyText(claim.paper) };
  if (claim.kind === "range")
    return { paper: `${claim.low.toFixed(2)} to ${claim.high.toFixed(2)}` };
  if (claim.kind === "ordering" && claim.paper !== undefined)
    return { paper: `${signed(claim.paper)} points` };
  return {};
}

const FEW: Verdict = { outcome: "none", why: "too few trials for an interval" };

type Family = Comparison["family"];
interface Pair {
  readonly one: string;
  readonly other: string;
  readonly family: Family;
}

/** What the trials say about a claim, whether or not a verdict may be given. */
interface Finding {
  readonly ours?: string;
  readonly verdict: Verdict;
}

export class Decisions {
  readonly comparisons: readonly Comparison[];
  readonly #plan: StudyPlan;
  readonly #table: TrialTable;
  /** The number of orderings that are corrected together as the paper's claims. */
  readonly #family: number;

  /** @param claims the claims on the table's dataset */
  constructor(plan: StudyPlan, table: TrialTable, claims: readonly Claim[]) {
    this.#plan = plan;
    this.#table = table;
    const pairs = this.#pairs(claims);
    this.#family = pairs.filter(({ family }) => family === "claim").length;
    this.comparisons = this.#compare(pairs);
  }

  claim(claim: Claim): ClaimReport {
    const arms = claim.kind === "ordering" ? [claim.better, claim.worse] : [claim.arm];
    const base = { text: claim.text, kind: claim.kind, arms, ...paperText(claim) };
    const { ours, verdict } = this.#find(claim);
    return { ...base, ...(ours && { ours }), verdict: this.#gate(claim.kind, arms, verdict) };
  }

  /** Returns the claimed orderings, then the subject against all others; equal configurations count once. */
  #pairs(claims: readonly Claim[]): Pair[] {
    const { subject, arms } = this.#plan.study;
    const claimed = claims.flatMap((claim) =>
      claim.kind === "ordering"
        ? [{ one: claim.better, other: claim.worse, family: "claim" as const }]
        : [],
    );
    const others = arms
      .filter(({ searchedAgain }) => searchedAgain === undefined)
      .filter(({ id }) => this.#table.canonical(id) !== this.#table.canonical(subject))
      .map(({ id, role }) => ({
        one: subject,
        other: id,
        family: role === "control" ? ("control" as const) : ("rival" as const),
      }));
    const controls = others.filter(({ family }) => family === "control");
    const pairs = new Map<string, Pair>();
    // An arm that is a control under one name and a rival under another is a control.
    for (const pair of [...claimed, ...controls, ...others]) {
      const key = this.#key(pair.one, pair.other);
      if (!pairs.has(key)) pairs.set(key, pair);
    }
    return [...pairs.values()];
  }

  #key(one: string, other: string): string {
    return `${this.#table.canonical(one)} - ${this.#table.canonical(other)}`;
  }

  #compare(pairs: readonly Pair[]): Comparison[] {
    return [...Map.groupBy(pairs, ({ family }) => family).values()].flatMap((family) => {
      const tests = family.map(({ one, other }) => pairedTest(this.#table.differences(one, other)));
      // A pair that has not been run yet still counts in its family.
      const corrected = holm(tests.map((test) => test?.p ?? 1));
      return family.flatMap((pair, k): Comparison[] => {
        const test = tests[k];
        return test ? [this.#comparison(pair, test, corrected[k]!)] : [];
      });
    });
  }

  #comparison({ one, other, family }: Pair, test: PairedTest, p: number): Comparison {
    const differences = this.#table.differences(one, other);
    const { train, test: tested } = this.#table.done(one)[0]!.record.data;
    const verdict =
      family === "claim"
        ? orderingVerdict(differences, test, { p, family: this.#family })
        : controlVerdict(differences, test, p);
    return {
      one,
      other,
      family,
      ...test,
      holm: p,
      newGraphs: nadeauBengioP(differences, tested / train),
      verdict: this.#gate("ordering", [one, other], this.#selected(one, other, verdict)),
    };
  }

  /** Takes the recipes of further searches into account, where the study has arms for them. */
  #selected(one: string, other: string, verdict: Verdict): Verdict {
    const again = new Set(this.#plan.study.arms.map(({ searchedAgain }) => searchedAgain));
    if (!again.has(one) || !again.has(other)) return verdict;
    const found = [mean(this.#table.differences(one, other))];
    for (let search = 2; search <= SEARCHES; search++) {
      const arms = [searchArm(one, search), searchArm(other, search)] as const;
      const planned = arms.every((arm) => this.#table.planned(arm).length > 0);
      if (!planned || this.#whyNone(arms) !== undefined) break;
      found.push(mean(this.#table.differences(...arms)));
    }
    return withSelection(verdict, found);
  }

  #find(claim: Claim): Finding {
    if (claim.kind === "ordering") {
      const key = this.#key(claim.better, claim.worse);
      const found = this.comparisons.find(({ one, other }) => this.#key(one, other) === key);
      if (!found) return { verdict: FEW };
      return { ours: `${signed(100 * found.difference)} points`, verdict: found.verdict };
    }
    const splits = this.#table.whole([claim.arm]);
    const done = this.#table.done(claim.arm, splits);
    if (done.length === 0) return { verdict: FEW };
    if (claim.kind === "majority") {
      const held = done.filter(({ record }) => MEASURES[claim.measure](record)).length;
      const verdict = majorityVerdict(held, done.length);
      return { ours: `in ${held} of ${done.length} trials`, verdict };
    }
    if (claim.kind === "survival") {
      const lost = this.#table.dead(claim.arm, splits) + this.#table.nearlyDead(claim.arm, splits);
      return {
        ours: `${lost} of ${done.length} lost`,
        verdict: survivalVerdict(lost, done.length),
      };
    }
    return this.#level(claim);
  }

  /** Compares a mean with the paper's value or with a range. */
  #level(claim: Extract<Claim, { kind: "value" | "range" }>): Finding {
    const splits = this.#table.whole([claim.arm]);
    const values = [...this.#table.values(claim.arm, splits, testAccuracy).values()];
    if (values.length === 0) return { verdict: FEW };
    const ours = inPercent(mean(values), 2);
    const interval = meanInterval(values);
    if (!interval) return { ours, verdict: FEW };
    const verdict =
      claim.kind === "range"
        ? rangeVerdict(values, interval, claim)
        : valueVerdict(values, claim.paper);
    return { ours, verdict };
  }

  /** Returns the verdict, or why there can be none; adds the number of splits where those are few. */
  #gate(kind: Claim["kind"], arms: readonly string[], verdict: Verdict): Verdict {
    const none = this.#whyNone(arms);
    if (none !== undefined) return { outcome: "none", why: none };
    const lost = arms.find((arm) => this.#table.mostLost(arm));
    if (lost !== undefined && (kind === "ordering" || kind === "majority")) {
      const label = this.#plan.study.arms.find(({ id }) => id === lost)?.label ?? lost;
      const count = this.#table.dead(lost) + this.#table.nearlyDead(lost);
      const why =
        `${count} of ${this.#table.done(lost).length} students of ${label} died or nearly died: ` +
        "a form whose students train would make it testable";
      return { outcome: "not testable", why };
    }
    if (verdict.outcome === "none") return verdict;
    const splits = this.#table.whole(arms).length;
    const few = this.#table.unit === "split" && splits < FULL_SPLITS;
    return {
      ...verdict,
      ...(few && { splits }),
      ...(lost !== undefined && kind === "value" && { floor: true as const }),
    };
  }

  /** Says why there can be no verdict about these arms; undefined if there can. */
  #whyNone(arms: readonly string[]): string | undefined {
    const table = this.#table;
    if (this.#plan.profile === "quick") return "a quick profile gives no verdict";
    if (table.mixedSplits().length > 0) return "trials ran on different data of the same name";
    const total = (count: (arm: string) => number): number =>
      arms.reduce((sum, arm) => sum + count(arm), 0);
    const planned = total((arm) => table.planned(arm).length);
    const diverged = total((arm) => table.diverged(arm).length);
    // Leaving them out would make a method that diverges look better than it is.
    if (diverged > 0) return `${diverged} of ${planned} trials diverged`;
    const whole = table.whole(arms).length;
    const enough =
      table.unit === "split" ? Math.min(LEAST_SPLITS, table.splits.length) : table.splits.length;
    if (whole >= enough) return undefined;
    const missing = planned - total((arm) => table.done(arm).length);
    return `${missing} of ${planned} trials are missing`;
  }
}
