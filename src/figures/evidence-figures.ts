// The figures of a study on one dataset, each with its profile in the title and words for the blind.
import { type Evidence, provenance, recordsOf } from "../experiments/evidence.ts";
import { attentionMaps } from "./attention-maps.ts";
import { attentionShares, type SizedRows, studyAccuracies } from "./study-figures.ts";
import { type SweepOf, sweepCurves } from "./sweep.ts";

/** Says so in the title where it is a quick profile. */
function marked({ figure, height }: SizedRows, { profile, report }: Evidence): SizedRows {
  if (profile !== "quick") return { figure, height };
  const { title } = figure.layout;
  const text = `${title?.text ?? ""} (quick profile, ${report.done} trials)`;
  return { figure: { ...figure, layout: { ...figure.layout, title: { ...title, text } } }, height };
}

/** Every arm: its trials, mean with 95 % interval, the paper's number with its deviation. */
export function accuracyFigure(evidence: Evidence): SizedRows {
  return marked(studyAccuracies(evidence.part), evidence);
}

/** Each student layer's share of attention, a row a trial; undefined where none was learned. */
export function shareFigure(evidence: Evidence): SizedRows | undefined {
  const rows = attentionShares(evidence.part);
  return rows && marked(rows, evidence);
}

/** Attention maps of an arm's trials, one below another. */
export function attentionFigure(evidence: Evidence, arm: string): SizedRows {
  return marked(attentionMaps(evidence.dataset, recordsOf(evidence, arm)), evidence);
}

/** Accuracy over the values of an option, a line a form of ABKD, the paper's beside. */
export function sweepFigure(evidence: Evidence, option: SweepOf): SizedRows {
  return marked({ figure: sweepCurves(evidence, option), height: 450 }, evidence);
}

/** What a figure shows and from which trials, for those who cannot see it. */
export function described({ figure }: SizedRows, evidence: Evidence): string {
  const title = String(figure.layout.title?.text ?? "").replaceAll(/<[^>]*>/g, "");
  return `${title}. ${provenance(evidence)}`;
}
