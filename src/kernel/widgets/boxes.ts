// Widgets that hold widgets, and the button.
import { type Model, modelOf } from "./model.ts";
import { type Output, output } from "./output.ts";
import { type Changeable, control, type Options, placeIn, type Widget } from "./widget.ts";

export interface BoxOptions extends Pick<Options, "layout"> {
  /** By default things stand below each other. */
  readonly direction?: "column" | "row";
}

/** Returns what stands in a box for a value: the widget, or an output that shows anything else. */
function childOf(value: unknown): Model {
  const model = modelOf(value);
  if (model) return model;
  const shown: Output = output();
  void shown.show(value);
  return modelOf(shown)!;
}

const nothing = { read: () => undefined, write: () => ({}) };

/** Makes a box of widgets; other values are shown in it as a cell shows them. */
export function box(children: readonly unknown[], options: BoxOptions = {}): Widget<undefined> {
  const isRow = options.direction === "row";
  return control({
    name: "box",
    model: isRow ? "HBox" : "VBox",
    state: { children: children.map(childOf), box_style: "" },
    options,
    checks: {},
    codec: nothing,
    properties: [],
  });
}

/** Makes tabs of widgets or other values by their titles. The value is the title of the one in front. */
export function tabs<K extends string>(
  pages: Readonly<Record<K, unknown>>,
  options: Pick<Options, "layout"> = {},
): Widget<K> {
  const titles = Object.keys(pages) as K[];
  if (titles.length === 0) throw new RangeError("tabs: there are no pages");
  const place = placeIn(() => titles.length);
  return control<K>({
    name: "tabs",
    model: "Tab",
    state: {
      children: titles.map((title) => childOf(pages[title])),
      ...{ titles, selected_index: 0, box_style: "" },
    },
    options,
    checks: { selected_index: (value) => place(value) ?? 0 },
    codec: {
      read: (model) => titles[model.get("selected_index") as number]!,
      write: (title) => {
        const at = titles.indexOf(title);
        if (at < 0) throw new RangeError(`there is no page "${title}"`);
        return { selected_index: at };
      },
    },
    properties: [],
  });
}

export interface ButtonOptions extends Omit<Options, "description"> {
  /** A name of Font Awesome 4 without "fa-": "play". */
  readonly icon?: string;
  readonly style?: "" | "primary" | "success" | "info" | "warning" | "danger";
}

export type Button = Widget<undefined> &
  Changeable & {
    /** Calls a listener at each click, until the returned function is called. */
    onClick(listener: () => unknown): () => void;
  };

/** Makes a button. */
export function button(
  description: string,
  onClick?: () => unknown,
  options: ButtonOptions = {},
): Button {
  const made = control({
    name: "button",
    model: "Button",
    state: { icon: options.icon ?? "", button_style: options.style ?? "" },
    options: { ...options, description },
    checks: {},
    codec: nothing,
  });
  const model = modelOf(made)!;
  const listen = (listener: () => unknown): (() => void) =>
    model.onCustom((content) =>
      (content as { event?: unknown } | null)?.event === "click" ? listener() : undefined,
    );
  if (onClick) listen(onClick);
  return Object.assign(made, { onClick: listen }) as Button;
}
