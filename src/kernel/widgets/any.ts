// widget(): a view of one's own, written in the cell and run in the page, by anywidget's protocol (anywidget.dev).
import { unmarked } from "../cell/shadows.ts";
import { runOf } from "../runner/run.ts";
import { MODEL, Model, modelOf } from "./model.ts";
import { bytesOf } from "./state.ts";
import { layoutState, type Options, type Widget, widgetOf } from "./widget.ts";

/** The model as the page has it. */
export interface PageModel<S> {
  get<K extends keyof S>(key: K): S[K];
  set<K extends keyof S>(key: K, value: S[K]): void;
  /** Sends the kernel what was set. */
  save_changes(): void;
  on(name: `change:${string & keyof S}` | "change", listener: () => void): void;
  on(name: "msg:custom", listener: (content: unknown, buffers: readonly DataView[]) => void): void;
  off(name?: string, listener?: (...args: never[]) => void): void;
  /** Sends the kernel something beside the state: see onMessage. */
  send(
    content: unknown,
    callbacks?: unknown,
    buffers?: readonly (ArrayBuffer | ArrayBufferView)[],
  ): void;
}

/** What runs in the page. Its functions know nothing of the cell: they get what they need as the state. */
export interface View<S> {
  /** Fills an element for each place that shows the widget; may return a function that cleans up. */
  render(context: { readonly model: PageModel<S>; readonly el: HTMLElement }): unknown;
  /** Is called once a page, before the first render. */
  initialize?(context: { readonly model: PageModel<S> }): unknown;
  readonly css?: string;
  /** Import declarations in front of the functions: `import * as d3 from "https://esm.sh/d3@7"`. */
  readonly imports?: string;
}

/** A view as the text of an ES module that exports { render } by default. */
export interface ModuleView {
  readonly esm: string;
  readonly css?: string;
}

export type CustomWidget<S> = Widget<S> & {
  /** The state's entries: assigning to one changes the page. */
  readonly state: S;
  /** Sends the page something beside the state: there, "msg:custom". */
  send(content: unknown, buffers?: readonly (ArrayBuffer | ArrayBufferView)[]): void;
  /** Calls a listener with what the page sends by model.send(), until the returned function is called. */
  onMessage(listener: (content: unknown, buffers: readonly Uint8Array[]) => unknown): () => void;
};

/** anywidget's classes are the same in all its versions. */
export const NAMES = {
  module: "anywidget",
  version: "*",
  model: "AnyModel",
  view: "AnyView",
} as const;

/** What a cell's compiler has put into its functions, as it would be outside the kernel. */
const STAND_IN = `const __cell__ = {
  go: (value) => value,
  end: (value) => value,
  dynamic: (specifier, options) => import(specifier, options),
  meta: import.meta,
  constants: { assign: () => (value) => value, shadows: { markedCode: (code) => code } },
};`;

/** Adds to a name that the page does not know where it would have to come from. */
const EXPLAINED = `const explained = (work) => work && (async (context) => {
  try {
    return await work(context);
  } catch (error) {
    if (error instanceof ReferenceError)
      error.message += ": a widget's functions run in the page, where no variable of the notebook exists; put it into the state";
    throw error;
  }
});`;

/** Returns the text of a module that exports the functions. */
export function moduleOf<S>({ render, initialize, imports = "" }: View<S>): string {
  if (typeof render !== "function")
    throw new TypeError("widget: { render({ model, el }) { … } } or { esm } is missing");
  const parts = Object.entries({ render, initialize }).flatMap(([name, work]) => {
    if (work === undefined) return [];
    const text = unmarked(Function.prototype.toString.call(work));
    // A method's text is only valid within an object.
    const form = [`(${text})`, `Object.values({ ${text} })[0]`].find(isExpression);
    if (form === undefined)
      throw new TypeError(
        `widget: ${name} must be a function that is written out, so that the page can have it`,
      );
    return [`const ${name} = ${form};`];
  });
  const all = parts.join("\n");
  const exported = initialize
    ? "explained(render), initialize: explained(initialize)"
    : "explained(render)";
  return [
    imports,
    ...(all.includes("__cell__") ? [STAND_IN] : []),
    EXPLAINED,
    all,
    `export default { render: ${exported} };`,
  ].join("\n");
}

/** Whether a text is an expression. It is parsed and not run. */
function isExpression(text: string): boolean {
  try {
    new Function(`return ${text};`);
    return true;
  } catch {
    return false;
  }
}

/** The widgets that the cell at a place has made, in order, by the run that made them. */
interface Made {
  cell: number;
  next: number;
  readonly widgets: {
    readonly model: WeakRef<Model>;
    readonly widget: WeakRef<object>;
    initial: Readonly<Record<string, unknown>>;
  }[];
}

const places = new Map<string, Made>();

/** Returns the places of the running cell's widgets; undefined if the front end does not name cells. */
function madeHere(): Made | undefined {
  const run = runOf();
  const place = run?.command.place;
  if (!run || place === undefined) return undefined;
  let made = places.get(place);
  if (!made) {
    made = { cell: run.cell, next: 0, widgets: [] };
    places.set(place, made);
  } else if (made.cell !== run.cell) {
    made.cell = run.cell;
    made.next = 0;
  }
  return made;
}

/**
 * Makes a widget whose view is written in the cell. When the cell is run again, its views in the page get the new
 * functions and keep their state, except entries that now begin as something else.
 *
 * ```ts
 * const counter = widget({
 *   render({ model, el }) {
 *     const button = document.createElement("button");
 *     const show = () => { button.textContent = `${model.get("count")} clicks`; };
 *     button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
 *     model.on("change:count", show);
 *     show();
 *     el.append(button);
 *   },
 * }, { count: 0 });
 * ```
 *
 * @param state what kernel and page share: what JSON carries, widgets, and bytes, which arrive as Uint8Array here
 *   and as DataView in the page
 */
export function widget<S extends object>(
  view: View<S> | ModuleView,
  state: S,
  options: Pick<Options, "layout"> = {},
): CustomWidget<S> {
  const initial: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(state));
  for (const key of Object.keys(initial)) {
    if (key.startsWith("_") || key === "layout")
      throw new TypeError(`widget: the name ${key} in the state belongs to the protocol`);
  }
  const code = {
    _esm: "esm" in view ? view.esm : moduleOf(view),
    _css: view.css ?? "",
  };
  const made = madeHere();
  const at = made ? made.next++ : 0;
  const known = made?.widgets[at];
  const [model, last] = [known?.model.deref(), known?.widget.deref()];
  if (known && model?.isOpen && last && sameNames(known.initial, initial)) {
    const begun = Object.entries(initial).filter(
      ([key, value]) => !isSame(known.initial[key], value),
    );
    known.initial = initial;
    model.forgetEarlier();
    model.set({ ...code, ...Object.fromEntries(begun) });
    return last as CustomWidget<S>;
  }
  const fresh = newWidget<S>(code, initial, options);
  made?.widgets.splice(at, 1, {
    model: new WeakRef(fresh.model),
    widget: new WeakRef(fresh.widget),
    initial,
  });
  return fresh.widget;
}

const sameNames = (a: object, b: object): boolean =>
  isSame(Object.keys(a).sort(), Object.keys(b).sort());

/** Whether two values look the same in the page. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  const text = (value: unknown) =>
    JSON.stringify(value, (_, each: unknown) => modelOf(each)?.id ?? each);
  try {
    return text(a) === text(b);
  } catch {
    return false;
  }
}

function newWidget<S extends object>(
  code: { readonly _esm: string; readonly _css: string },
  initial: Readonly<Record<string, unknown>>,
  { layout }: Pick<Options, "layout">,
): { readonly model: Model; readonly widget: CustomWidget<S> } {
  const names = new Set(Object.keys(initial));
  const settable = (key: string) => (names.has(key) ? (value: unknown) => value : undefined);
  const model = new Model(
    { name: "widget", names: NAMES, settable },
    { ...code, ...layoutState(layout), ...initial },
  );
  model.set({ _anywidget_id: model.id });
  const state = {} as S;
  for (const key of names) {
    Object.defineProperty(state, key, {
      get: () => model.get(key),
      set: (value: unknown) => model.set({ [key]: value }),
      enumerable: true,
    });
  }
  const widget = widgetOf<S>(model, {
    codec: {
      read: () => ({ ...state }),
      write: (value) => {
        const unknown = Object.keys(value).find((key) => !names.has(key));
        if (unknown !== undefined) throw new TypeError(`the state has no ${unknown}`);
        return Object.fromEntries(Object.entries(value));
      },
    },
  });
  const made = Object.assign(widget, {
    state,
    send: (content: unknown, buffers: readonly (ArrayBuffer | ArrayBufferView)[] = []): void =>
      model.send(
        content,
        buffers.map((each) => bytesOf(each)!),
      ),
    onMessage: (listener: (content: unknown, buffers: readonly Uint8Array[]) => unknown) =>
      model.onCustom(listener),
  }) as CustomWidget<S> & { readonly [MODEL]: Model };
  return { model, widget: made };
}
