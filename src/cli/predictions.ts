// Predictions as text: CSV, JSON or NDJSON, a row or an object per node.
import type { ModelFile } from "../training/model-file.ts";

/** The endings of files that predictions are written to. */
export const TABLE_FORMS = /\.(csv|json|ndjson)$/;

/** A node, by its name or number, and its label if it is known. */
export interface Row {
  readonly node: string | number;
  readonly label: string | number | null;
}

interface Predicted {
  readonly model: Pick<ModelFile, "classNames" | "shape">;
  readonly rows: readonly Row[];
  readonly classes: Int32Array;
  readonly probabilities: Float32Array;
  /** How many of the most probable classes are written; absent: only the class. */
  readonly top?: number | undefined;
}

/** Returns the whole file. With `top` each node has its most probable classes and their probabilities. */
export function predictionsText(form: "csv" | "json" | "ndjson", predicted: Predicted): string {
  const { model, rows, classes, probabilities } = predicted;
  const count = model.shape.classes;
  const named = (c: number): string | number => model.classNames?.[c] ?? c;
  const top = Math.min(predicted.top ?? 0, count);
  const objects = rows.map(({ node, label }, k) => {
    const row = { node, label, predicted: named(classes[k]!) };
    if (top === 0) return row;
    const shares = probabilities.subarray(k * count, (k + 1) * count);
    const best = Array.from(shares.keys()).sort((a, b) => shares[b]! - shares[a]!);
    const ranked = best.slice(0, top).map((c) => ({
      class: named(c),
      probability: Number(shares[c]!.toPrecision(7)),
    }));
    return { ...row, top: ranked };
  });
  if (form === "json") return `${JSON.stringify(objects)}\n`;
  if (form === "ndjson") return objects.map((object) => `${JSON.stringify(object)}\n`).join("");
  const more = Array.from({ length: top }, (_, k) => `,class_${k + 1},probability_${k + 1}`);
  const lines = objects.map((object) => {
    const ranked = "top" in object ? object.top : [];
    const cells = ranked.flatMap(({ class: name, probability }) => [name, probability]);
    return [object.node, object.label ?? "", object.predicted, ...cells].map(cell).join(",");
  });
  return `node,label,predicted${more.join("")}\n${lines.join("\n")}\n`;
}

/** Quotes a cell where CSV needs it (RFC 4180). */
function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
