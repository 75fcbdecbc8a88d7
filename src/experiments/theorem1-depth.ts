// Theorem 1 at the paper's depth, on a trained teacher: which of its layers reach which method. This takes
// minutes, so `abkd study theorem` stores the numbers in results/theorem-1.json.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readText, writeAtomic } from "../base/files.ts";
import {
  count,
  dictionary,
  each,
  flag,
  just,
  list,
  object,
  real,
  text,
} from "../base/json-form.ts";
import { printable } from "../base/printable.ts";
import { jsonText, openSealed, type Sealed, sealed } from "../base/sealed-json.ts";
import { findMethod, methods } from "../distillation/registry.ts";
import type { GcniiConfig } from "../models/gcnii.ts";
import { studentConfig, TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import { configForm } from "../training/run-form.ts";
import { runId } from "../training/run-id.ts";
import {
  ABKD_AS_WRITTEN,
  checkTerms,
  type MethodLoss,
  type TermCheck,
  type TheoremCase,
  teacherReaches,
} from "./theorem1.ts";

const FORMAT = "abkd-theorem-1/1";

/** What a loss reads from the teacher. */
export type Reads = "logits" | "last map" | "inner maps";

/** How much each of a teacher's layers affects one loss. */
export interface Reach {
  readonly label: string;
  readonly reads: Reads;
  /** Whether the loss has learned attention: ABKD's own. */
  readonly attention: boolean;
  /**
   * |dg| / |g| by teacher layer, for a change of norm 1 to its weights: at the student layer whose gradient
   * changes most; `least` is at the one whose gradient changes least.
   */
  readonly most: readonly number[];
  readonly least: readonly number[];
}

/** The numbers of checkTerms() over all pairs: the largest, and for the share the smallest too. */
export interface Terms {
  readonly pairs: number;
  readonly productRule: number;
  readonly equation8: number;
  readonly leftOut: number;
  /** The share in the gradient of L_ij of eq. 7's term with the attention's derivative. */
  readonly attentionShare: readonly [least: number, most: number];
}

export interface DepthRecord extends Sealed {
  readonly format: typeof FORMAT;
  /** The hash of the trained teacher's configuration; the student is untrained. */
  readonly id: string;
  readonly teacher: RunConfig<GcniiConfig>;
  /** The versions of the methods whose losses are measured. */
  readonly versions: Readonly<Record<string, number>>;
  readonly reach: readonly Reach[];
  readonly terms: Terms;
  /** The day, UTC. */
  readonly recorded: string;
}

const recordForm = object({
  format: just(FORMAT),
  id: text,
  teacher: configForm,
  versions: dictionary(count),
  reach: list(
    object({ label: text, reads: text, attention: flag, most: list(real), least: list(real) }),
  ),
  terms: object({
    pairs: count,
    ...each(real, "productRule equation8 leftOut"),
    attentionShare: list(real),
  }),
  recorded: text,
});

/** Returns the trained teacher that is measured: Cora's, which comes with the results. */
export function theoremTeacher(): RunConfig<GcniiConfig> {
  return teacherConfig({ dataset: "cora", seed: TEACHER_SEED });
}

/** Returns the untrained student beside it. */
export function theoremStudent(): RunConfig<GcniiConfig> {
  return studentConfig({ dataset: "cora", seed: 1 }, "student", theoremTeacher());
}

interface Loss extends Omit<Reach, "most" | "least"> {
  readonly loss: MethodLoss;
}

/** Lists ABKD as written, ABKD without attention, and losses on the logits, the last map and inner maps. */
export function depthLosses(teacherLayers: number): Loss[] {
  const uniform = { ...ABKD_AS_WRITTEN.options, attention: "uniform" };
  const quarters = [1, 2, 3].map((k) => Math.round((k * teacherLayers) / 4));
  const without = { attention: false } as const;
  return [
    { label: "ABKD as written", reads: "inner maps", attention: true, loss: ABKD_AS_WRITTEN },
    {
      label: "ABKD with uniform attention",
      reads: "inner maps",
      ...without,
      loss: { ...ABKD_AS_WRITTEN, options: uniform },
    },
    ...quarters.map(
      (hint): Loss => ({
        label: `FitNet from teacher layer ${hint}`,
        reads: "inner maps",
        ...without,
        loss: { method: "fitnet", hint },
      }),
    ),
    { label: "SoftKD", reads: "logits", ...without, loss: { method: "softkd" } },
    { label: "FitNet", reads: "last map", ...without, loss: { method: "fitnet" } },
    { label: "AT", reads: "last map", ...without, loss: { method: "at" } },
  ];
}

/** Picks pairs (i, j) with j < i over the depth: the first layers one by one, then every eighth. */
function termPairs(teacherLayers: number, studentLayers: number): [number, number][] {
  const layers = Array.from({ length: teacherLayers }, (_, k) => k + 1);
  const chosen = layers.filter((i) => i <= studentLayers + 1 || i % 8 === 0);
  return chosen.flatMap((i) =>
    layers.slice(0, Math.min(studentLayers, i - 1)).map((j): [number, number] => [i, j]),
  );
}

/** Measures all these losses, at all layers of the teacher. */
export function measureReach(scene: TheoremCase): Reach[] {
  const layers = Array.from({ length: scene.teacher.config.layers }, (_, k) => k + 1);
  const losses = depthLosses(layers.length);
  const matrices = teacherReaches(
    scene,
    losses.map(({ loss }) => loss),
    layers,
  );
  return losses.map(({ loss: _, ...words }, l) => ({
    ...words,
    most: matrices[l]!.map((row) => digits(Math.max(...row))),
    least: matrices[l]!.map((row) => digits(Math.min(...row))),
  }));
}

export function measureTerms(scene: TheoremCase): Terms {
  const { teacher, student } = scene;
  return summedUp(checkTerms(scene, termPairs(teacher.config.layers, student.config.layers)));
}

export function summedUp(checks: readonly TermCheck[]): Terms {
  const most = (of: (check: TermCheck) => number): number => digits(Math.max(...checks.map(of)));
  const shares = checks.map(({ attentionShare }) => attentionShare);
  return {
    pairs: checks.length,
    productRule: most((c) => c.productRule),
    equation8: most((c) => c.equation8),
    leftOut: most((c) => c.leftOut),
    attentionShare: [digits(Math.min(...shares)), digits(Math.max(...shares))],
  };
}

const digits = (x: number): number => Number(x.toPrecision(3));

export function depthRecord(
  teacher: RunConfig<GcniiConfig>,
  { reach, terms }: Pick<DepthRecord, "reach" | "terms">,
): DepthRecord {
  const named = new Set(depthLosses(teacher.model.layers).map(({ loss }) => loss.method));
  return sealed({
    format: FORMAT,
    id: runId(teacher),
    teacher,
    versions: Object.fromEntries([...named].map((name) => [name, findMethod(name).version])),
    reach,
    terms,
    recorded: new Date().toISOString().slice(0, 10),
  } as const);
}

const pathIn = (folder: string): string => join(folder, "theorem-1.json");

/** @returns the file's path; throws FileError where it cannot be written */
export function writeDepth(folder: string, record: DepthRecord): string {
  const path = pathIn(folder);
  writeAtomic(path, jsonText(record));
  return path;
}

/**
 * Reads the numbers from a results folder.
 * @returns the record, undefined if there is none, or a sentence on what is wrong with the file
 * @throws FileError if it cannot be read
 */
export function readDepth(folder: string): DepthRecord | string | undefined {
  const path = pathIn(folder);
  if (!existsSync(path)) return undefined;
  const found = openSealed<DepthRecord>(readText(path), FORMAT, recordForm);
  if (typeof found === "string") return `${path} ${found}`;
  const wanted = runId(theoremTeacher());
  if (found.id !== wanted || runId(found.teacher) !== wanted) {
    return `${path} is for another teacher (${found.id}, not ${wanted})`;
  }
  const here = new Map(methods.map(({ name, version }) => [name, version]));
  const other = Object.entries(found.versions).find(
    ([name, version]) => here.get(name) !== version,
  );
  if (other === undefined) return found;
  const [name, version] = other;
  return `${path} is for ${printable(name)}'s version ${version}, which this abkd does not have`;
}
