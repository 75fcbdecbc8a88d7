// The controls that hold a value: sliders, check boxes, texts, choices, dates, colours, files; and progress bars.
// Their states are those of ipywidgets 8: packages/schema/jupyterwidgetmodels.latest.md in its repository.
import { bytesOf } from "./state.ts";
import {
  type Changeable,
  type Codec,
  control,
  type Described,
  flag,
  named,
  type Options,
  placeIn,
  plain,
  text as string,
  type Widget,
  within,
} from "./widget.ts";

export interface SliderOptions extends Options {
  readonly value?: number;
  /** By default 1 between whole numbers, and a hundredth of the range otherwise. */
  readonly step?: number;
  /** Whether the value follows while the handle moves (by default), or only when it is let go. */
  readonly live?: boolean;
  /** How the number beside it is written, as d3-format has it: ".2f". */
  readonly format?: string;
  readonly vertical?: boolean;
}

export type Slider = Widget<number> & Changeable & { min: number; max: number; step: number };

/**
 * Makes a slider for numbers from `min` to `max`.
 * @throws RangeError if the numbers do not fit together
 */
export function slider(min: number, max: number, options: SliderOptions = {}): Slider {
  const isWhole = [min, max].every(Number.isInteger);
  const { step = isWhole ? 1 : (max - min) / 100, value = min } = options;
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max))
    throw new RangeError(`slider: ${min} to ${max} is no range`);
  if (!(step > 0)) throw new RangeError(`slider: the step must be above 0, not ${step}`);
  const isInteger = isWhole && [step, value].every(Number.isInteger);
  const { live = true, format = isInteger ? "d" : formatOf(step), vertical = false } = options;
  // Both limits can be changed later.
  const check = within(
    () => made.min,
    () => made.max,
  );
  const made: Slider = control({
    name: "slider",
    model: isInteger ? "IntSlider" : "FloatSlider",
    state: {
      ...{ min, max, step, value, continuous_update: live, readout: true, readout_format: format },
      orientation: vertical ? "vertical" : "horizontal",
    },
    options,
    checks: { value: check },
    codec: plain<number>(check),
    properties: ["description", "disabled", "min", "max", "step"],
  }) as Slider;
  named("slider", () => check(value));
  return made;
}

/** Returns how numbers are written that differ by `step`. */
function formatOf(step: number): string {
  if (step < 1e-4) return ".2e";
  const [, decimals = ""] = /\.(\d+)/.exec(String(step)) ?? [];
  return `.${Math.min(decimals.length, 4)}f`;
}

export interface CheckboxOptions extends Options {
  readonly value?: boolean;
}

/** Makes a check box. */
export function checkbox(
  description = "",
  options: CheckboxOptions = {},
): Widget<boolean> & Changeable {
  return control({
    name: "checkbox",
    model: "Checkbox",
    state: { value: flag(options.value ?? false), indent: false },
    options: { description, ...options },
    checks: { value: flag },
    codec: plain<boolean>(flag),
  }) as Widget<boolean> & Changeable;
}

export interface TextOptions extends Options {
  readonly value?: string;
  /** What an empty field shows. */
  readonly placeholder?: string;
  /** A field of so many lines; by default one of one line. */
  readonly lines?: number;
  readonly password?: boolean;
  /** Whether the value follows while somebody types, or (by default) only on Enter or on leaving the field. */
  readonly live?: boolean;
}

/** Makes a field for text. */
export function text(
  options: TextOptions = {},
): Widget<string> & Changeable & { placeholder: string } {
  const { value = "", placeholder = "", lines, password = false, live = false } = options;
  return control({
    name: "text",
    model: lines === undefined ? (password ? "Password" : "Text") : "Textarea",
    state: {
      ...{ value: string(value), placeholder, continuous_update: live },
      ...(lines !== undefined && { rows: lines }),
    },
    options,
    checks: { value: string },
    codec: plain<string>(string),
    properties: ["description", "disabled", "placeholder"],
  }) as Widget<string> & Changeable & { placeholder: string };
}

export interface DropdownOptions<V> extends Options {
  /** By default the first choice. */
  readonly value?: V;
}

/** Choices: values that show as text, or values by the names that they show as. */
export type Choices<V> = readonly V[] | Readonly<Record<string, V>>;

/**
 * Makes a list from which one value is chosen.
 * @throws RangeError without choices, or if the value is none of them
 */
export function dropdown<const V>(
  choices: Choices<V>,
  options: DropdownOptions<V> = {},
): Widget<V> & Changeable {
  const all: [string, V][] = Array.isArray(choices)
    ? (choices as readonly V[]).map((value) => [String(value), value])
    : Object.entries(choices as Readonly<Record<string, V>>);
  if (all.length === 0) throw new RangeError("dropdown: there is nothing to choose from");
  const index = (value: V): number => {
    const at = all.findIndex(([, each]) => Object.is(each, value));
    if (at < 0)
      throw new RangeError(`${String(value)} is none of ${all.map(([name]) => name).join(", ")}`);
    return at;
  };
  const place = placeIn(() => all.length);
  return control<V>({
    name: "dropdown",
    model: "Dropdown",
    state: {
      _options_labels: all.map(([name]) => name),
      index: "value" in options ? named("dropdown", () => index(options.value as V)) : 0,
    },
    options,
    checks: {
      index: (value) => {
        if (value === null) throw new TypeError("a choice was expected");
        return place(value);
      },
    },
    codec: {
      read: (model) => all[model.get("index") as number]![1],
      write: (value) => ({ index: index(value) }),
    },
  }) as Widget<V> & Changeable;
}

export interface ProgressOptions extends Omit<Options, "disabled"> {
  readonly value?: number;
  readonly style?: "" | "success" | "info" | "warning" | "danger";
}

/** Makes a bar that fills up to `max`. */
export function progress(
  max = 100,
  options: ProgressOptions = {},
): Widget<number> & Described & { max: number } {
  const check = within(
    () => 0,
    () => made.max,
  );
  const made = control({
    name: "progress",
    model: "FloatProgress",
    view: "Progress",
    state: { value: options.value ?? 0, min: 0, max, bar_style: options.style ?? "" },
    options,
    checks: {},
    codec: plain<number>(check),
    properties: ["description", "max"],
  }) as Widget<number> & Described & { max: number };
  named("progress", () => check(made.value));
  return made;
}

export interface ColorOptions extends Options {
  /** A colour as CSS has it; black by default. */
  readonly value?: string;
}

/** Makes a field for a colour. */
export function color(options: ColorOptions = {}): Widget<string> & Changeable {
  return control({
    name: "color",
    model: "ColorPicker",
    state: { value: string(options.value ?? "#000000"), concise: false },
    options,
    checks: { value: string },
    codec: plain<string>(string),
  }) as Widget<string> & Changeable;
}

export interface DateOptions extends Options {
  /** "2026-11-30"; none by default. */
  readonly value?: string;
}

/** A day as the page has it; months count from 0. */
interface Day {
  readonly year: number;
  readonly month: number;
  readonly date: number;
}

function dayOf(value: unknown): Day | null {
  if (value === null) return null;
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(String(value)) ?? [];
  if (date === undefined || Number.isNaN(Date.parse(String(value))))
    throw new TypeError(`a day such as "2026-11-30" was expected, not ${String(value)}`);
  return { year: Number(year), month: Number(month) - 1, date: Number(date) };
}

const digits = (value: number, width: number): string => String(value).padStart(width, "0");

const dayText = (day: Day | null): string | null =>
  day && `${digits(day.year, 4)}-${digits(day.month + 1, 2)}-${digits(day.date, 2)}`;

/** Makes a field for a day, whose value is text such as "2026-11-30", or null. */
export function date(options: DateOptions = {}): Widget<string | null> & Changeable {
  return control<string | null>({
    name: "date",
    model: "DatePicker",
    state: {
      value: named("date", () => dayOf(options.value ?? null)),
      min: null,
      max: null,
      step: 1,
    },
    options,
    checks: {
      value: (value) => dayOf(dayText(value as Day | null)),
    },
    codec: {
      read: (model) => dayText(model.get("value") as Day | null),
      write: (value) => ({ value: dayOf(value) }),
    },
  }) as Widget<string | null> & Changeable;
}

export interface FileUploadOptions extends Options {
  /** Which files, as HTML's accept has it: ".csv,.json". All by default. */
  readonly accept?: string;
  readonly multiple?: boolean;
}

/** A file that the user has chosen in the page. */
export interface UploadedFile {
  readonly name: string;
  /** Its MIME type, as the browser guesses it. */
  readonly type: string;
  readonly lastModified: Date;
  readonly bytes: Uint8Array;
}

/** Reads a file as the page sends it. @throws TypeError */
function fileOf(value: unknown): UploadedFile {
  const { name, type, last_modified, content } = (value ?? {}) as Record<string, unknown>;
  const bytes = bytesOf(content);
  if (typeof name !== "string" || typeof type !== "string" || !bytes)
    throw new TypeError("files with name, type and content were expected");
  return { name, type, lastModified: new Date(Number(last_modified)), bytes };
}

const files: Codec<readonly UploadedFile[]> = {
  read: (model) => model.get("value") as readonly UploadedFile[],
  write: (value) => {
    if (value.length > 0) throw new TypeError("only the page chooses files");
    return { value };
  },
};

/** Makes a button for files, which then come with their bytes. A Jupyter server takes 10 MB at once. */
export function fileUpload(
  options: FileUploadOptions = {},
): Widget<readonly UploadedFile[]> & Changeable {
  const { accept = "", multiple = false, description = "Upload" } = options;
  return control({
    name: "fileUpload",
    model: "FileUpload",
    state: { value: [], accept, multiple, icon: "upload", error: "" },
    options: { ...options, description },
    checks: {
      value: (value) => {
        if (!Array.isArray(value)) throw new TypeError("a list of files was expected");
        return value.map(fileOf);
      },
      error: string,
    },
    codec: files,
  }) as Widget<readonly UploadedFile[]> & Changeable;
}

/** Makes a place for HTML, which is shown as it is. */
export function html(
  value = "",
  options: Omit<Options, "disabled"> = {},
): Widget<string> & Described {
  return control({
    name: "html",
    model: "HTML",
    state: { value: string(value) },
    options,
    checks: {},
    codec: plain<string>(string),
    properties: ["description"],
  }) as Widget<string> & Described;
}
