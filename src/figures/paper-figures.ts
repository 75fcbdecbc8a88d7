// All figures that are made from the results, by name: what `npm run figures` writes.
import { existsSync } from "node:fs";
import { notebookRuns, provideRun, type RunFolders } from "../experiments/committed-runs.ts";
import { type Evidence, evidenceOf } from "../experiments/evidence.ts";
import { ResultsStore } from "../experiments/results-store.ts";
import { studies } from "../experiments/studies/index.ts";
import { planStudy, type Study } from "../experiments/study.ts";
import { readResult, runFiles } from "../training/run-store.ts";
import { mapsBeforeAfter } from "./before-after.ts";
import {
  accuracyFigure,
  attentionFigure,
  described,
  shareFigure,
  sweepFigure,
} from "./evidence-figures.ts";
import type { SizedRows } from "./study-figures.ts";

/** A figure for print. */
export interface PaperFigure {
  /** The name of its files: `table3-cora`, `fig5-cora-attention`. */
  readonly name: string;
  readonly rows: SizedRows;
  readonly width: number;
  /** The alt text. */
  readonly description: string;
}

/**
 * Returns the figures that the store has trials for, in the paper profile where more of that was run.
 * @param chosen whether a name is wanted; by default all are
 */
export function paperFigures(
  folders: RunFolders,
  chosen: (name: string) => boolean = () => true,
): PaperFigure[] {
  const store = new ResultsStore(folders.results);
  const figures = studies.flatMap((study) => {
    const prefix = study.name.replace(/^figure/, "fig");
    return planStudy(study, { profile: "quick" }).datasets.flatMap(({ name }) => {
      const names = figureNames(study, `${prefix}-${name}`).filter((one) => chosen(one.name));
      if (names.length === 0) return [];
      const evidence = evidenceOf(study, name, store);
      if (evidence.records.size === 0) return [];
      return names.flatMap(({ name: file, make }): PaperFigure[] => {
        const rows = make(evidence);
        const description = rows && described(rows, evidence);
        return rows ? [{ name: file, rows, width: 900, description: description! }] : [];
      });
    });
  });
  return [...figures, ...mapFigures(folders, chosen)];
}

function figureNames(
  { showsAttention, sweep }: Study,
  stem: string,
): { readonly name: string; make(evidence: Evidence): SizedRows | undefined }[] {
  if (showsAttention) {
    return [
      { name: `${stem}-attention`, make: (evidence) => attentionFigure(evidence, "abkd") },
      { name: `${stem}-shares`, make: shareFigure },
    ];
  }
  return [
    { name: stem, make: accuracyFigure },
    ...(sweep
      ? [{ name: `${stem}-curve`, make: (evidence: Evidence) => sweepFigure(evidence, sweep) }]
      : []),
  ];
}

/** Draws maps as in figure 4, for the first ABKD student that notebook 12 shows. */
function mapFigures(folders: RunFolders, chosen: (name: string) => boolean): PaperFigure[] {
  const name = "fig4-cora-maps";
  const config = notebookRuns().find(({ method, seed }) => method?.name === "abkd" && seed === 1)!;
  if (!chosen(name)) return [];
  provideRun(config, folders);
  const file = runFiles(folders.runs, config).result;
  if (!existsSync(file)) return [];
  const run = readResult(file);
  const description = `Attention and dissimilarity maps before and after training of run ${run.id}.`;
  return [{ name, rows: mapsBeforeAfter(run), width: 1000, description }];
}
