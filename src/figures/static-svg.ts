// Scatter figures as light SVG text, for pages that shall be small: no browser, no Plotly.
import type { Layout } from "plotly.js-dist";
import { type Figure, faint, ink, type Size } from "./figure.ts";

type Axis = Partial<Layout["xaxis"]>;
/** What is drawn of a Plotly trace. */
interface Trace {
  readonly x?: ArrayLike<number>;
  readonly y?: ArrayLike<number>;
  readonly xaxis?: string;
  readonly name?: string;
  readonly text?: readonly string[];
  readonly showlegend?: boolean;
  readonly error_y?: {
    readonly array?: readonly number[];
    readonly arrayminus?: readonly number[];
  };
  readonly marker?: {
    readonly size?: number;
    readonly color?: string;
    readonly symbol?: string;
    readonly opacity?: number;
    readonly line?: { readonly width?: number; readonly color?: string };
  };
}
type Scale = (value: number) => number;

const MARGIN = { left: 64, right: 16, top: 44, bottom: 92 } as const;
const GRID = "#e4e4e4";
/** Marks smaller than this are dots of one path, each place once, without a text of their own. */
const OWN_SIZE = 10;
/** Pixels between two rows of dots: thousands of runs take less room, and nobody sees it. */
const ROW = 2;
/** The share of an axis that stays free at each end. */
const FREE = 0.06;

/** Plotly's text without its bold; what else it has of HTML shows as it is. */
const words = (text: string): string =>
  text
    .replace(/<\/?b>/g, "")
    .replace(/&(?!\w+;)/g, "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");

const short = (value: number): string => String(Number(value.toFixed(1)));
const numbers = (values: ArrayLike<number> = []): number[] => Array.from(values);

/** An axis on the page: where a value lies, and which values are named. */
class Ruler {
  readonly #from: number;
  readonly #to: number;
  readonly #log: boolean;
  readonly #start: number;
  readonly #length: number;

  /** @param start pixels of the axis's first end */
  constructor(values: readonly number[], log: boolean, start: number, length: number) {
    const own = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
    const ends = own.length > 0 ? own : [1, 2];
    const [least, most] = [Math.min(...ends), Math.max(...ends)].map((v) =>
      log ? Math.log10(v) : v,
    );
    const free = FREE * (most! - least!) || (log ? 0.1 : 1);
    [this.#from, this.#to] = [least! - free, most! + free];
    [this.#log, this.#start, this.#length] = [log, start, length];
  }

  at: Scale = (value) => {
    const place = this.#log ? Math.log10(value) : value;
    return this.#start + ((place - this.#from) / (this.#to - this.#from)) * this.#length;
  };

  /** Round values on the axis; over more than a decade 1, 2 and 5 of each power of ten. */
  get ticks(): number[] {
    const decades = this.#to - this.#from;
    if (!this.#log) return steps(this.#from, this.#to);
    if (decades < 1) return steps(10 ** this.#from, 10 ** this.#to);
    const first = Math.floor(this.#from);
    const factors = decades < 3 ? [1, 2, 5] : [1];
    return Array.from({ length: Math.ceil(decades) + 2 }, (_, k) => 10 ** (first + k))
      .flatMap((power) => factors.map((factor) => factor * power))
      .filter((value) => Math.log10(value) >= this.#from && Math.log10(value) <= this.#to);
  }
}

/** Four to ten multiples of 1, 2 or 5 times a power of ten. */
function steps(from: number, to: number): number[] {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** The outline of a mark around the current point, as the rest of an SVG path. @param r half its size */
function outline(symbol: string, r: number): string {
  const n = short;
  if (symbol === "square") return `m${n(-r)} ${n(-r)}h${n(2 * r)}v${n(2 * r)}h${n(-2 * r)}z`;
  if (symbol === "diamond")
    return `m0 ${n(-r)}l${n(r)} ${n(r)} ${n(-r)} ${n(r)} ${n(-r)} ${n(-r)}z`;
  if (symbol === "triangle-up") return `m0 ${n(-r)}l${n(r)} ${n(1.7 * r)}h${n(-2 * r)}z`;
  if (symbol === "cross") {
    const [a, b] = [n(0.7 * r), n(-0.7 * r)];
    const w = n(0.6 * r);
    return `m${n(-0.3 * r)} ${n(-r)}h${w}v${a}h${a}v${w}h${b}v${a}h${n(-0.6 * r)}v${b}h${b}v${n(-0.6 * r)}h${a}z`;
  }
  if (symbol === "star") {
    const corner = (k: number): [number, number] => {
      const far = k % 2 === 0 ? r : 0.45 * r;
      return [far * Math.sin((Math.PI * k) / 5), -far * Math.cos((Math.PI * k) / 5)];
    };
    const sides = Array.from({ length: 9 }, (_, k) => {
      const [[x, y], [u, v]] = [corner(k), corner(k + 1)];
      return `${n(u - x)} ${n(v - y)}`;
    });
    return `m0 ${n(-r)}l${sides.join(" ")}z`;
  }
  return `m${n(-r)} 0a${n(r)} ${n(r)} 0 1 0 ${n(2 * r)} 0a${n(r)} ${n(r)} 0 1 0 ${n(-2 * r)} 0z`;
}

const label = (x: number, y: number, text: string, more = ""): string =>
  `<text x="${short(x)}" y="${short(y)}"${more}>${words(text)}</text>`;

/** Draws the marks of a trace and their error bars. */
function marks(trace: Trace, across: Scale, up: Scale): string {
  const { size = 6, color = ink, symbol = "circle", opacity = 1, line } = trace.marker ?? {};
  const [x, y] = [numbers(trace.x), numbers(trace.y)];
  const faded = opacity === 1 ? "" : ` opacity="${opacity}"`;
  if (size < OWN_SIZE) {
    const row = (value: number): number => ROW * Math.round(up(value) / ROW);
    const places = new Set(x.map((value, k) => `M${across(value).toFixed(0)} ${row(y[k]!)}h0`));
    const dots = [...places].join("");
    return `<path fill="none" stroke="${color}" stroke-width="${size}" stroke-linecap="round"${faded} d="${dots}"/>`;
  }
  const drawn = outline(symbol, size / 2);
  const edge = line?.width ? ` stroke="${line.color}" stroke-width="${line.width}"` : "";
  const look = `fill="${color}"${faded}${edge}`;
  const bars = trace.error_y;
  return x
    .map((value, k) => {
      const [left, top] = [short(across(value)), up(y[k]!)];
      const [high, low] = [bars?.array?.[k] ?? 0, bars?.arrayminus?.[k] ?? 0];
      const bar =
        high + low > 0
          ? `<path stroke="${color}" stroke-width="2" d="M${left} ${short(up(y[k]! + high))}V${short(up(y[k]! - low))}"/>`
          : "";
      const title = trace.text?.[k];
      const said = title === undefined ? "" : `<title>${words(title)}</title>`;
      return `${bar}<path ${look} d="M${left} ${short(top)}${drawn}">${said}</path>`;
    })
    .join("\n");
}

/**
 * Draws traces of marks over one y axis and any number of x axes beside each other (`domain`), with error bars, a
 * legend below, and horizontal lines over the whole width with notes at their left end. What else Plotly knows is left out.
 * @param size in CSS pixels
 * @returns an SVG element, a few hundred bytes for each hundred marks
 */
export function staticSvg({ data, layout }: Figure, { width, height }: Size): string {
  const traces = data as readonly Trace[];
  const inner = { width: width - MARGIN.left - MARGIN.right, bottom: height - MARGIN.bottom };
  const lines = (layout.shapes ?? []).flatMap(({ y0, line }) =>
    typeof y0 === "number" ? [{ level: y0, color: String(line?.color ?? ink) }] : [],
  );
  const heights = traces.flatMap((trace) => {
    const bars = trace.error_y;
    return numbers(trace.y).flatMap((y, k) => [
      y + (bars?.array?.[k] ?? 0),
      y - (bars?.arrayminus?.[k] ?? 0),
    ]);
  });
  const levels = [...heights, ...lines.map(({ level }) => level)];
  const up = new Ruler(levels, false, inner.bottom, MARGIN.top - inner.bottom);
  const names = [...new Set(traces.map(({ xaxis = "x" }) => xaxis))].sort();
  const panels = names.map((name) => {
    const axis = (layout as Readonly<Record<string, Axis | undefined>>)[name.replace("x", "xaxis")];
    const [from, to] = (axis?.domain ?? [0, 1]) as [number, number];
    const left = MARGIN.left + from * inner.width;
    const right = MARGIN.left + to * inner.width;
    const own = traces.filter(({ xaxis = "x" }) => xaxis === name);
    const values = own.flatMap(({ x }) => numbers(x));
    const across = new Ruler(values, axis?.type === "log", left, right - left);
    const rows = up.ticks.map((tick) => {
      const y = short(up.at(tick));
      const text = label(left - 8, up.at(tick) + 4, String(tick), ' text-anchor="end"');
      return `<path stroke="${GRID}" d="M${short(left)} ${y}H${short(right)}"/>${name === names[0] ? text : ""}`;
    });
    const columns = across.ticks.map((tick) => {
      const x = across.at(tick);
      const text = label(x, inner.bottom + 18, tick.toLocaleString("en"), ' text-anchor="middle"');
      return `<path stroke="${GRID}" d="M${short(x)} ${MARGIN.top}V${short(inner.bottom)}"/>${text}`;
    });
    const frame = `<path fill="none" stroke="${faint}" d="M${short(left)} ${MARGIN.top}V${short(inner.bottom)}H${short(right)}"/>`;
    const title = label(
      ...([(left + right) / 2, inner.bottom + 38, titleOf(axis)] as const),
      ' text-anchor="middle"',
    );
    // The large marks lie over the small ones.
    const drawn = own.toSorted((a, b) => sizeOf(a) - sizeOf(b));
    const shown = drawn.map((trace) => marks(trace, across.at, up.at));
    return [...rows, ...columns, frame, title, ...shown].join("\n");
  });
  const across = lines.map(({ level, color }) => {
    const y = short(up.at(level));
    return `<path stroke="${color}" stroke-dasharray="2 3" d="M${MARGIN.left} ${y}H${width - MARGIN.right}"/>`;
  });
  const notes = (layout.annotations ?? []).map(({ text = "", y }) =>
    label(MARGIN.left + 6, up.at(Number(y)) - 5, text),
  );
  const middle = (MARGIN.top + inner.bottom) / 2;
  const side = label(
    16,
    middle,
    titleOf(layout.yaxis),
    ` text-anchor="middle" transform="rotate(-90 16 ${short(middle)})"`,
  );
  const title = titleOf(layout);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${words(title).replaceAll('"', "&quot;")}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="${ink}">
${label(0, 18, title, ' font-size="15" font-weight="bold"')}
${[side, ...panels, ...across, ...notes, legend(traces, height)].join("\n")}
</svg>`;
}

const sizeOf = ({ marker }: Trace): number => marker?.size ?? 0;

/** The title's text, which Plotly takes as text and as an object. */
function titleOf(of: { readonly title?: unknown } | undefined): string {
  const title = of?.title as string | { readonly text?: string } | undefined;
  return typeof title === "string" ? title : (title?.text ?? "");
}

/** Names the traces in a row at the bottom. */
function legend(traces: readonly Trace[], height: number): string {
  let x = MARGIN.left;
  const y = height - 18;
  return traces
    .filter(({ name, showlegend }) => name !== undefined && showlegend !== false)
    .map(({ name, marker }) => {
      const mark = `<path fill="${marker?.color ?? ink}" d="M${x} ${y - 4}${outline(marker?.symbol ?? "circle", 5)}"/>`;
      const text = label(x + 10, y, name!);
      // About how wide it is: Helvetica's letters are half as wide as high, on average.
      x += 10 + Math.ceil(6.3 * name!.length) + 24;
      return mark + text;
    })
    .join("\n");
}
