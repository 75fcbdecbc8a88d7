"""Recomputes a study's verdicts from its records with scipy, by the text of docs/studies.md alone.

Reads {"results": FOLDER, "trials": [{arm, split, id}], "claims": [...], "subject": ARM, "controls": [ARM],
"others": [ARM]} from standard input and writes {"claims": [...], "controls": [...], "rivals": [...]} to standard
output. It shares no code with the program that it checks.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy import stats

ALPHA, MARGINS, WIDE, FEW, PAPER_TRIALS = 0.05, (0.005, 0.01), 2.0, 10, 5
DEATH_RATE = 1 - 0.05 ** (1 / PAPER_TRIALS)


def holm(ps):
    order = np.argsort(ps)
    adjusted, least = np.ones(len(ps)), 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, ps[k] * (len(ps) - rank)))
        adjusted[k] = least
    return adjusted


def main():
    job = json.load(sys.stdin)
    planned, kept = defaultdict(lambda: defaultdict(list)), {}
    folder = Path(job["results"])
    for text in [
        *(line for pack in folder.glob("*.jsonl") for line in pack.read_text().splitlines()),
        *(path.read_text() for path in folder.glob("*.json")),
    ]:
        record = json.loads(text)
        if record["format"] == "abkd-result/1":
            kept[record["id"]] = record
    for trial in job["trials"]:
        planned[trial["arm"]][trial["split"]].append(trial["id"])
    ids = {trial["id"] for trial in job["trials"]}
    records = {key: record for key, record in kept.items() if key in ids}
    test = {key: record["accuracy"]["test"] for key, record in records.items()}
    teacher = {s: test[ids[0]] for s, ids in planned["teacher"].items() if ids[0] in test}

    def whole(*arms):
        return [s for s in planned[arms[0]] if all(i in test for a in arms for i in planned[a][s])]

    def means(arm, splits):
        return np.array([np.mean([test[i] for i in planned[arm][s]]) for s in splits])

    def lost(arm):
        done = [(s, i) for s, ids in planned[arm].items() for i in ids if i in test]
        bad = [i for s, i in done if records[i]["dead"] or test[i] < 2 / 3 * teacher[s]]
        return len(bad), len(done)

    def mostly(arm):
        bad, n = lost(arm)
        return bad > n / 2

    def flip(one, other):
        splits = whole(one, other)
        differences = means(one, splits) - means(other, splits)
        # Accuracies are fractions of a few hundred nodes: equal means must stay equal despite rounding.
        p = stats.permutation_test(
            (differences,),
            lambda x, axis: np.round(np.mean(x, axis=axis), 12),
            permutation_type="samples",
            n_resamples=np.inf,
            vectorized=True,
        ).pvalue
        return differences, float(p)

    def value(arm, paper):
        ours = 100 * means(arm, whole(arm))
        n, sd = len(ours), paper.get("deviation", 0)
        difference = ours.mean() - paper["mean"]
        if sd:
            a, b = ours.var(ddof=1) / n, sd**2 / PAPER_TRIALS
            df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (PAPER_TRIALS - 1))
            half = stats.t.ppf(0.975, df) * np.sqrt(a + b)
        else:
            half = stats.t.ppf(0.975, n - 1) * stats.sem(ours)
        if abs(difference) > half:
            return "differs"
        return "reproduced" if half <= WIDE else "undecided"

    def share(bad, n, bound, below):
        low, high = stats.binomtest(bad, n).proportion_ci(0.95, "exact")
        if high < bound:
            return below
        return {"reproduced": "differs", "differs": "reproduced"}[below] if low > bound else "undecided"

    orders = [c for c in job["claims"] if c["kind"] == "ordering"]
    tested = [flip(c["better"], c["worse"]) for c in orders]
    adjusted = dict(zip((c["text"] for c in orders), holm([p for _, p in tested])))
    claims = []
    for claim in job["claims"]:
        arms = [claim["better"], claim["worse"]] if claim["kind"] == "ordering" else [claim["arm"]]
        p = None
        if len(whole(*arms)) < FEW:
            outcome = "none"
        elif claim["kind"] == "ordering":
            p = adjusted[claim["text"]]
            differences, _ = tested[orders.index(claim)]
            if any(mostly(a) for a in arms):
                outcome = "not testable"
            elif p < ALPHA:
                outcome = "reproduced" if differences.mean() > 0 else "differs"
            else:
                outcome = "undecided"
        elif claim["kind"] == "value":
            outcome = value(claim["arm"], claim["paper"])
        else:
            outcome = share(*lost(claim["arm"]), DEATH_RATE, "reproduced")
        claims.append({"text": claim["text"], "outcome": outcome, "p": p})

    one = job["subject"]

    def ids(arm):
        return tuple(i for split in planned[arm].values() for i in split)

    def family(arms, seen):
        """Compares the subject with each arm that is not in `seen`, and adds the arm to it."""
        compared = []
        for other in arms:
            if ids(other) not in seen:
                seen.add(ids(other))
                ran = len(whole(one, other)) > 1
                compared.append((other, *flip(one, other)) if ran else (other, None, 1.0))
        corrected = holm([p for *_, p in compared])
        found = []
        for (other, differences, _), p in zip(compared, corrected):
            if differences is None:
                continue
            equal = [
                max(
                    stats.ttest_1samp(differences + margin, 0, alternative="greater").pvalue,
                    stats.ttest_1samp(differences - margin, 0, alternative="less").pvalue,
                )
                < ALPHA
                for margin in MARGINS
            ]
            if len(differences) < FEW:
                outcome = "none"
            elif mostly(one) or mostly(other):
                outcome = "not testable"
            elif any(equal):
                outcome = "equivalent"
            else:
                outcome = "differs" if p < ALPHA else "undecided"
            found.append({"other": other, "outcome": outcome, "p": float(p)})
        return found

    # Equal configurations are one arm; an arm that was not run yet still counts in its family.
    claimed = {frozenset(map(ids, (c["better"], c["worse"]))) for c in orders}
    seen = {other for pair in claimed if ids(one) in pair for other in pair} | {ids(one)}
    json.dump(
        {
            "claims": claims,
            "controls": family(job["controls"], seen),
            "rivals": family(job["others"], seen),
        },
        sys.stdout,
    )


main()
