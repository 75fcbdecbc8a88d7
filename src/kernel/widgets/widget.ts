// What users hold: an object with a typed value and options, in front of a model.
import { inspect } from "node:util";
import { DISPLAY } from "../display/hook.ts";
import { type Check, MODEL, Model, type Names } from "./model.ts";

/** A widget: shown where a cell ends in it, or by display(). `V` is the type of its value. */
export interface Widget<V = unknown> {
  /** What it holds. Assigning to it changes the page; what the user does there changes it. */
  value: V;
  /**
   * Calls a listener after each change of the value, by code or in the page. What it prints or throws because
   * of the page is shown below the cell that made the widget. Of changes that come while it runs, it hears the last.
   * @returns a function that ends this
   */
  observe(listener: (value: V, before: V) => unknown): () => void;
  /** Takes it from all pages. Its value can still be read. */
  close(): void;
  [Symbol.dispose](): void;
}

/** Options that all controls have. */
export interface Options {
  /** The text beside it. */
  readonly description?: string;
  readonly disabled?: boolean;
  /** CSS of its outermost element, such as `{ width: "400px" }`. */
  readonly layout?: Readonly<Record<string, string>>;
}

/** The options of a control that may be changed later, by assigning to them. */
export interface Changeable extends Described {
  disabled: boolean;
}

/** The same of those that nobody can change in the page. */
export interface Described {
  description: string;
}

/** How a control's value is found in its model's state. */
export interface Codec<V> {
  read(model: Model): V;
  /** Returns the part of the state that holds a value. @throws TypeError if it is not one */
  write(value: V, model: Model): Readonly<Record<string, unknown>>;
}

/** What makes a control. */
export interface Control<V> {
  /** What messages call it. */
  readonly name: string;
  /** The class in the page without "Model" and "View": IntSlider. */
  readonly model: string;
  readonly view?: string;
  /** The whole state, except the value where `initial` is given. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly options: Options;
  /** How the page's values for keys are checked; the page may set no others. */
  readonly checks: Readonly<Record<string, Check>>;
  readonly codec: Codec<V>;
  /** The keys of the state that users may read and change as properties. */
  readonly properties?: readonly string[];
}

const BASE: Omit<Names, "model" | "view"> = { module: "@jupyter-widgets/base", version: "2.0.0" };
const CONTROLS = { module: "@jupyter-widgets/controls", version: "2.0.0" } as const;

/** Returns a model of CSS properties. */
function layoutModel(css: Readonly<Record<string, string>>): Model {
  const names = { ...BASE, model: "LayoutModel", view: "LayoutView" };
  return new Model({ name: "layout", names, settable: () => undefined }, css);
}

/** Returns the part of a state that options decide; not each control has each. */
function optionsState(options: Options, has: readonly string[]): Record<string, unknown> {
  const { description = "", disabled = false, layout } = options;
  if (typeof description !== "string") throw new TypeError("description must be a text");
  return {
    ...(has.includes("description") && { description }),
    ...(has.includes("disabled") && { disabled: Boolean(disabled) }),
    ...layoutState(layout),
  };
}

export const layoutState = (layout: Options["layout"]): Record<string, unknown> =>
  layout === undefined ? {} : { layout: layoutModel(layout) };

/** Makes one of ipywidgets' controls. */
export function control<V>({
  name,
  model,
  view = model,
  state,
  options,
  checks,
  codec,
  properties = ["description", "disabled"],
}: Control<V>): Widget<V> {
  const names = { ...CONTROLS, model: `${model}Model`, view: `${view}View` };
  const settable = settableOf(checks);
  return widgetOf(
    new Model({ name, names, settable }, { ...optionsState(options, properties), ...state }),
    {
      codec,
      properties,
    },
  );
}

/** Returns how to find the check of a key: a stranger may ask for any name. */
export function settableOf(
  checks: Readonly<Record<string, Check>>,
): (key: string) => Check | undefined {
  const all = new Map(Object.entries(checks));
  return (key) => all.get(key);
}

/** Puts a widget in front of a model. */
export function widgetOf<V>(
  model: Model,
  { codec, properties = [] }: { readonly codec: Codec<V>; readonly properties?: readonly string[] },
): Widget<V> {
  const widget = new ModelWidget(model, codec);
  for (const key of properties) {
    Object.defineProperty(widget, key, {
      get: () => model.get(key),
      set: (value: unknown) => model.set({ [key]: value }),
    });
  }
  return widget;
}

class ModelWidget<V> implements Widget<V> {
  readonly #codec: Codec<V>;
  readonly #model: Model;

  constructor(model: Model, codec: Codec<V>) {
    this.#model = model;
    this.#codec = codec;
  }

  get [MODEL](): Model {
    return this.#model;
  }

  get value(): V {
    return this.#codec.read(this.#model);
  }

  set value(value: V) {
    const { name } = this.#model.kind;
    this.#model.set(named(name, () => this.#codec.write(value, this.#model)));
  }

  observe(listener: (value: V, before: V) => unknown): () => void {
    let before = this.value;
    return this.#model.onChange(() => {
      const [last, now] = [before, this.value];
      if (Object.is(last, now)) return undefined;
      before = now;
      return listener(now, last);
    });
  }

  close(): void {
    this.#model.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [DISPLAY](): Record<string, unknown> {
    return { ...this.#model.view(), "text/plain": inspect(this) };
  }

  [inspect.custom](): string {
    const value: unknown = this.value;
    const name = this.#model.kind.name;
    return value === undefined ? name : `${name}: ${inspect(value, { depth: 2 })}`;
  }
}

/** Does work whose errors begin with the name of the widget. */
export function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** Checks that the page sends, and codecs of the simplest values. */
export const text: Check = (value) => {
  if (typeof value !== "string") throw new TypeError("a text was expected");
  return value;
};
export const flag: Check = (value) => {
  if (typeof value !== "boolean") throw new TypeError("true or false was expected");
  return value;
};

/** Returns a check for numbers from `min` to `max`. */
export const within =
  (min: () => number, max: () => number): Check =>
  (value) => {
    if (typeof value !== "number" || !(value >= min() && value <= max()))
      throw new TypeError(`a number from ${min()} to ${max()} was expected`);
    return value;
  };

/** Returns a check for the places of a list, and null. */
export const placeIn =
  (length: () => number): Check =>
  (value) => {
    if (value === null) return value;
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= length())
      throw new TypeError(`a place below ${length()} was expected`);
    return value;
  };

/** The codec of a value that the state holds under "value", with its check. */
export const plain = <V>(check: Check): Codec<V> => ({
  read: (model) => model.get("value") as V,
  write: (value) => ({ value: check(value) }),
});
