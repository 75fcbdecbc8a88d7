// Plotly's figures as live objects: cells change their traces, and hear of clicks.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { FOLDERS } from "../runner/helper.ts";
import { moduleOf, NAMES } from "./any.ts";
import { figureView } from "./figure-view.ts";
import { Model } from "./model.ts";
import { bytesOf } from "./state.ts";
import { layoutState, type Options, type Widget, widgetOf } from "./widget.ts";

/** Something of Plotly's that JSON and typed arrays can hold: plotly.com/javascript/reference. */
export type Plain = Readonly<Record<string, unknown>>;

/** A point that the user has clicked on or chosen: where it is in the data, and its values. */
export interface FigurePoint {
  /** The place of its trace, and its place in the trace. */
  readonly curveNumber: number;
  readonly pointNumber?: number;
  readonly x?: unknown;
  readonly y?: unknown;
  readonly z?: unknown;
  readonly label?: unknown;
  readonly value?: unknown;
  readonly text?: unknown;
  readonly customdata?: unknown;
}

type PointsListener = (points: readonly FigurePoint[]) => unknown;

/** A figure's traces and its layout. */
export interface FigureContent {
  readonly data: readonly Plain[];
  readonly layout: Plain;
}

export type Figure = Widget<FigureContent> & {
  /**
   * Changes traces, named by paths: `fig.restyle({ "line.color": "red" }, [0])`. As in Plotly, an array has a value
   * for each of the traces, so that a list of numbers stands in an array of its own. null removes.
   * @param traces which ones, by their places; all by default
   */
  restyle(changes: Plain, traces?: readonly number[]): void;
  /** Changes the layout, named by paths: `fig.relayout({ "xaxis.range": [0, 1] })`. */
  relayout(changes: Plain): void;
  addTraces(...traces: readonly Plain[]): void;
  /** Removes the traces at these places. */
  deleteTraces(...traces: readonly number[]): void;
  /** Call a listener when the user clicks on points, points at them, or chooses them, until the returned function
   *  is called. */
  onClick(listener: PointsListener): () => void;
  onHover(listener: PointsListener): () => void;
  onSelect(listener: PointsListener): () => void;
};

/** Plotly's names of the types of numbers. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ Float64Array: "f8", Float32Array: "f4", Int32Array: "i4", Uint32Array: "u4" },
  ...{ Int16Array: "i2", Uint16Array: "u2", Int8Array: "i1", Uint8Array: "u1" },
  Uint8ClampedArray: "u1c",
};

/** Returns a value with its typed arrays as Plotly reads them: their type and their bytes. */
function wired(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const dtype = TYPES[value.constructor.name];
    if (dtype === undefined) throw new TypeError(`figure: Plotly has no ${value.constructor.name}`);
    return { dtype, bdata: bytesOf(value) };
  }
  if (Array.isArray(value)) return value.map(wired);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, wired(each)]));
}

/** Returns a copy of an object with the value at a path ("xaxis.range[0]") replaced; null removes it. */
function changedAt(object: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy: Record<string, unknown> = Array.isArray(object)
    ? ([...object] as unknown as Record<string, unknown>)
    : { ...(object as object) };
  const next = changedAt(copy[name], rest, value);
  if (next === null) delete copy[name];
  else
    Object.defineProperty(copy, name, {
      value: next,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return copy;
}

const stepsOf = (name: string): string[] => name.match(/[^.[\]]+/g) ?? [];

function changed(object: Plain, changes: Plain): Plain {
  let result: unknown = object;
  for (const [name, value] of Object.entries(changes))
    result = changedAt(result, stepsOf(name), value);
  return result as Plain;
}

let zipped: Buffer | undefined;

/** Returns plotly.js, compressed, from the notebook's packages or this one's.
 *  @throws Error if there is none */
function plotlyJs(): Buffer {
  if (zipped) return zipped;
  const places = [FOLDERS.folder, FOLDERS.projectRoot];
  for (const name of ["plotly.js-dist-min", "plotly.js-dist"]) {
    for (const place of places) {
      let file: string;
      try {
        file = createRequire(path.join(place, "cell.ts")).resolve(name);
      } catch {
        continue;
      }
      // Three seconds of what a Jupyter server lets through hold 3 MB; uncompressed, it is 5 or 10.
      zipped = gzipSync(readFileSync(file));
      return zipped;
    }
  }
  throw new Error(
    "figure: there is no plotly.js: npm install plotly.js-dist-min in the notebook's folder",
  );
}

/**
 * Makes a figure that can be changed where it is shown. The page gets plotly.js from the kernel, once.
 * @param data traces, as Plotly has them; typed arrays travel as bytes
 */
export function figure(
  data: readonly Plain[],
  layout: Plain = {},
  options: Pick<Options, "layout"> = {},
): Figure {
  let now: FigureContent = { data: [...data], layout };
  const state = () => ({ data: wired(now.data), layout: wired(now.layout) });
  const code = { _esm: moduleOf(figureView), _css: "", _anywidget_id: "tskernel.figure" };
  const model = new Model(
    { name: "figure", names: NAMES, settable: () => undefined },
    { ...code, ...layoutState(options.layout), ...state() },
  );
  const shown = widgetOf<FigureContent>(model, {
    codec: {
      read: () => now,
      write: (value) => {
        now = { data: [...value.data], layout: value.layout };
        return state();
      },
    },
  });
  const update = (change: Partial<FigureContent>): void => {
    shown.value = { ...now, ...change };
  };
  model.onCustom((content) => {
    if ((content as { type?: unknown } | null)?.type !== "plotly.js") return;
    try {
      model.send({ type: "plotly.js" }, [plotlyJs()]);
    } catch (error) {
      model.send({ type: "plotly.js", error: (error as Error).message }, []);
      throw error;
    }
  });
  const listen = (event: string) => (listener: PointsListener) =>
    model.onCustom((content) => {
      const { type, points } = (content ?? {}) as { type?: unknown; points?: unknown };
      return type === event && Array.isArray(points) ? listener(points) : undefined;
    });
  const live = {
    restyle: (changes: Plain, traces: readonly number[] = now.data.map((_, k) => k)) => {
      const next = [...now.data];
      for (const [n, k] of traces.entries()) {
        const trace = next.at(k);
        if (!trace) throw new RangeError(`figure: there is no trace ${k}, only ${next.length}`);
        const own = Object.entries(changes).map(([name, value]) => [
          name,
          Array.isArray(value) ? value[n % value.length] : value,
        ]);
        next.splice(k, 1, changed(trace, Object.fromEntries(own) as Plain));
      }
      update({ data: next });
    },
    relayout: (changes: Plain) => update({ layout: changed(now.layout, changes) }),
    addTraces: (...traces: readonly Plain[]) => update({ data: [...now.data, ...traces] }),
    deleteTraces: (...traces: readonly number[]) =>
      update({ data: now.data.filter((_, k) => !traces.includes(k)) }),
    onClick: listen("click"),
    onHover: listen("hover"),
    onSelect: listen("selected"),
  };
  return Object.assign(shown, live);
}
