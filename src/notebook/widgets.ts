// The states of widgets as a notebook's metadata keeps them, so that pages and nbconvert show them without a kernel.
import { createHash } from "node:crypto";
import { isObject } from "../base/json.ts";
import type { Message } from "../kernel/wire.ts";
import type { Json, JsonObject, Notebook, Output } from "./nbformat.ts";

/** Refers to a widget in a cell's output, and holds all states in the notebook's metadata. */
export const VIEW = "application/vnd.jupyter.widget-view+json";
export const STATE = "application/vnd.jupyter.widget-state+json";
const TARGET = "jupyter.widget";
/** A comm's id, as kernels choose them: a UUID with or without its hyphens. */
const COMM_ID = /[0-9a-f]{32}|[0-9a-f-]{36}/g;
const REFERENCE = /IPY_MODEL_([\w-]+)/g;

interface Buffer64 {
  readonly path: readonly (string | number)[];
  readonly encoding: "base64";
  readonly data: string;
}

interface Known {
  /** The name that it has in the file: the same at every run, unlike the comm's. */
  readonly name: string;
  readonly state: Record<string, Json>;
  buffers: Buffer64[];
}

/** Collects the states of one run's widgets. */
export class WidgetStates {
  readonly #models = new Map<string, Known>();
  readonly #opened = new Map<string, number>();

  /**
   * Applies a message of iopub; others than those of widgets change nothing.
   * @param cellId the id of the cell that it belongs to
   */
  apply({ header, content, buffers }: Message, cellId: string): void {
    const [id, data] = [content["comm_id"], content["data"]];
    if (typeof id !== "string" || !isObject(data)) return;
    if (header.msg_type === "comm_open" && content["target_name"] === TARGET) {
      const count = (this.#opened.get(cellId) ?? 0) + 1;
      this.#opened.set(cellId, count);
      const name = createHash("sha256").update(`${cellId} ${count}`).digest("hex").slice(0, 32);
      this.#models.set(id, { name, state: {}, buffers: [] });
    } else if (header.msg_type === "comm_close") {
      this.#models.delete(id);
    }
    const isState = header.msg_type === "comm_open" || data["method"] === "update";
    const model = this.#models.get(id);
    if (model && isState && isObject(data["state"])) change(model, data, buffers);
  }

  /** Gives a notebook's outputs their names for widgets, and its metadata the states that they need. */
  settle(notebook: Notebook): void {
    const outputs = notebook.cells.flatMap((cell) =>
      cell.cell_type === "code" ? cell.outputs : [],
    );
    for (const output of outputs) this.#rename(output);
    const { [STATE]: kept, ...others } = objectOf(notebook.metadata["widgets"]);
    const states = new Map<string, Json>(Object.entries(objectOf(objectOf(kept)["state"])));
    for (const model of this.#models.values()) states.set(model.name, this.#saved(model));
    const used = reachable(outputs.flatMap(modelIds), states);
    delete notebook.metadata["widgets"];
    if (used.size > 0) {
      const saved = { version_major: 2, version_minor: 0, state: Object.fromEntries(used) };
      notebook.metadata["widgets"] = { ...others, [STATE]: saved };
    } else if (Object.keys(others).length > 0) notebook.metadata["widgets"] = others;
  }

  #rename(output: Output): void {
    if (!("data" in output)) return;
    const view = objectOf(output.data[VIEW]);
    const known = this.#models.get(String(view["model_id"]));
    if (known) output.data[VIEW] = { ...view, model_id: known.name };
  }

  #saved({ state, buffers }: Known): Json {
    const text = JSON.stringify(state).replace(COMM_ID, (id) => this.#models.get(id)?.name ?? id);
    return {
      model_name: state["_model_name"] ?? null,
      model_module: state["_model_module"] ?? null,
      model_module_version: state["_model_module_version"] ?? null,
      state: JSON.parse(text) as Json,
      ...(buffers.length > 0 && { buffers: buffers as unknown as Json }),
    };
  }
}

function change(model: Known, data: Record<string, unknown>, bytes: Message["buffers"]): void {
  const { state, buffer_paths: paths } = data;
  Object.assign(model.state, state);
  const changed = new Set(Object.keys(state as object));
  const added = (Array.isArray(paths) ? paths : []).flatMap((path: unknown, i): Buffer64[] => {
    const buffer = bytes[i];
    if (!Array.isArray(path) || !buffer) return [];
    changed.add(String(path[0])); // a buffer at the top has no key in the state
    return [{ path, encoding: "base64", data: Buffer.from(buffer).toString("base64") }];
  });
  model.buffers = [...model.buffers.filter(({ path }) => !changed.has(String(path[0]))), ...added];
}

const objectOf = (value: Json | undefined): JsonObject =>
  isObject(value) ? (value as JsonObject) : {};

function modelIds(output: Output): string[] {
  const id = "data" in output ? objectOf(output.data[VIEW])["model_id"] : undefined;
  return typeof id === "string" ? [id] : [];
}

/** Returns the states that some ids lead to. */
function reachable(ids: readonly string[], states: ReadonlyMap<string, Json>): Map<string, Json> {
  const found = new Map<string, Json>();
  const left = [...ids];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    const state = states.get(id);
    if (state === undefined || found.has(id)) continue;
    found.set(id, state);
    for (const [, next] of JSON.stringify(state).matchAll(REFERENCE)) left.push(next!);
  }
  return found;
}
