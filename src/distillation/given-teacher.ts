// A teacher of which only the outputs are known: a model that another program trained.
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../base/errors.ts";
import type { Layers, Outline, Outputs, Reads } from "../models/model.ts";
import { takeRows } from "../tensor/ops/rows.ts";
import type { Teacher } from "./method.ts";

/** A row-major matrix. */
export interface OutputMap {
  readonly shape: readonly [rows: number, width: number];
  readonly values: Float32Array;
}

/** What is known of a teacher; rows are in the graph's order. */
export interface KnownOutputs {
  /** items x classes, before any softmax. */
  readonly logits?: OutputMap;
  /** What the last layer reads, after the activation, nodes x width. */
  readonly hidden?: OutputMap;
  /** Each layer's map from first to last, nodes x width; widths may differ. */
  readonly layers: readonly OutputMap[];
  /** Whether the last of them is the logits, as in a GCN. */
  readonly endsInLogits?: true;
}

/** Outputs that teach, and the node at each position if the graph's nodes are in another order than the rows. */
export interface OrderedOutputs {
  readonly known: KnownOutputs;
  readonly order?: Int32Array | undefined;
}

/** What another program's outputs may lack, as messages call it. */
const NAMES: Readonly<Record<Reads, string>> = {
  logits: "logits",
  hidden: "last hidden map",
  layers: "layers' maps",
};

/** Where each is looked for in a file. */
const KEYS: Readonly<Record<Reads, string>> = {
  logits: '"logits"',
  hidden: '"hidden"',
  layers: '"layer.0", "layer.1" ...',
};

/** The error for a method that reads what the outputs lack. @param reader who reads it */
export function lacking(reader: string, part: Reads, known: readonly Reads[]): OptionError {
  const there = known.map((name) => NAMES[name]).join(" and ") || "nothing";
  // The maps of two networks have no mean.
  const several = String(known) === "logits" ? "; several teachers teach by logits alone" : "";
  return new OptionError(
    `${reader} reads the teacher's ${NAMES[part]}, but its outputs have only ${there}: add ` +
      `${KEYS[part]} (docs/teachers.md), or take a method that does without${several}`,
  );
}

/** Returns the last hidden map, for which that of the last layer before the logits stands if it is not given. */
export function hiddenMap({ hidden, layers, endsInLogits }: KnownOutputs): OutputMap | undefined {
  return hidden ?? layers.at(endsInLogits ? -2 : -1);
}

/** Returns which parts there are. */
function partsOf(known: KnownOutputs): Reads[] {
  return [
    ...(known.logits ? (["logits"] as const) : []),
    ...(hiddenMap(known) ? (["hidden"] as const) : []),
    ...(known.layers.length > 0 ? (["layers"] as const) : []),
  ];
}

/** A frozen teacher made of its outputs. A layer's map counts as activated already. */
export class GivenTeacher implements Teacher {
  readonly outline: Outline;
  readonly #known: KnownOutputs;
  readonly #order: Int32Array | undefined;
  /** The outputs whose rows batches take; each made for the first batch that reads it. */
  readonly #kept = new Map<OutputMap, tf.Tensor2D>();

  /** @param classes the graph's */
  constructor({ known, order }: OrderedOutputs, classes: number) {
    const { layers, endsInLogits } = known;
    this.#known = known;
    this.#order = order;
    this.outline = {
      kind: "outputs",
      widths: layers.map(({ shape }) => shape[1]),
      ...(endsInLogits && { endsInLogits }),
      hidden: hiddenMap(known)?.shape[1] ?? 0,
      classes,
    };
  }

  /** @throws OptionError when a part is read that the outputs lack */
  outputs(reads: Reads, nodes?: Int32Array): Outputs {
    const { logits, layers } = this.#known;
    const hidden = hiddenMap(this.#known);
    const part = (map: OutputMap | undefined, name: Reads): tf.Tensor2D => {
      if (!map) throw lacking("the method", name, partsOf(this.#known));
      return nodes ? takeRows(this.#keep(map), nodes) : this.#tensor(map);
    };
    const at = (i: number): tf.Tensor2D => part(layers[i], "layers");
    const maps: Layers = { widths: this.outline.widths, at, activated: at };
    return {
      get logits() {
        return part(logits, "logits");
      },
      ...(reads === "layers" && { layers: maps }),
      get hidden() {
        return part(hidden, "hidden");
      },
    };
  }

  dispose(): void {
    tf.dispose([...this.#kept.values()]);
  }

  #keep(map: OutputMap): tf.Tensor2D {
    const kept = this.#kept.get(map) ?? tf.tidy(() => tf.keep(this.#tensor(map)));
    this.#kept.set(map, kept);
    return kept;
  }

  #tensor({ shape, values }: OutputMap): tf.Tensor2D {
    if (!this.#order) return tf.tensor2d(values, [...shape]);
    const width = shape[1];
    const rows = new Float32Array(values.length);
    for (const [at, node] of this.#order.entries()) {
      rows.set(values.subarray(node * width, (node + 1) * width), at * width);
    }
    return tf.tensor2d(rows, [...shape]);
  }
}
