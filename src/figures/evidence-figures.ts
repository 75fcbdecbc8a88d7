// The figures of a study on one dataset, each with alt text, and with a quick profile named in the title.
import { type Evidence, provenance, recordsOf } from "../experiments/evidence.ts";
import { attentionMaps } from "./attention-maps.ts";
import { attentionShares, type SizedRows, studyAccuracies } from "./study-figures.ts";
import { type SweepOf, sweepCurves } from "./sweep.ts";

/** Marks a quick profile in the title. */
function marked({ figure, height }: SizedRows, { profile, report }: Evidence): SizedRows {
  if (profile !== "quick") return { figure, height };
  const { title } = figure.layout;
  const text = `${title?.text ?? ""} (quick profile, ${report.done} trials)`;
  return { figure: { ...figure, layout: { ...figure.layout, title: { ...title, text } } }, height };
}

/** Draws every arm: its trials, mean with 95 % interval, the paper's number with its deviation. */
export function accuracyFigure(evidence: Evidence): SizedRows {
  return marked(studyAccuracies(evidence.part), evidence);
}

/** Draws each student layer's share of attention, one row per trial; undefined if none was learned. */
export function shareFigure(evidence: Evidence): SizedRows | undefined {
  const rows = attentionShares(evidence.part);
  return rows && marked(rows, evidence);
}

/** Draws attention maps of an arm's trials, one below another. */
export function attentionFigure(evidence: Evidence, arm: string): SizedRows {
  return marked(attentionMaps(evidence.dataset, recordsOf(evidence, arm)), evidence);
}

/** Draws accuracy over the values of an option, one line per form of ABKD, with the paper's numbers. */
export function sweepFigure(evidence: Evidence, option: SweepOf): SizedRows {
  return marked({ figure: sweepCurves(evidence, option), height: 450 }, evidence);
}

/** Returns the alt text: what a figure shows and from which trials. */
export function described({ figure }: SizedRows, evidence: Evidence): string {
  const title = String(figure.layout.title?.text ?? "").replaceAll(/<[^>]*>/g, "");
  return `${title}. ${provenance(evidence)}`;
}
