// What draws a live figure in the page. Its text is sent there: it knows nothing but what it is given.
import type { View } from "./any.ts";

/** A point under the mouse, as Plotly tells of it. */
type Point = Readonly<Record<string, unknown>>;

/** The few functions of Plotly that are used. */
interface Plotly {
  react(el: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  purge(el: HTMLElement): void;
}

interface Drawn extends HTMLElement {
  on(event: string, listener: (details: { points: readonly Point[] } | undefined) => void): void;
}

interface State {
  readonly data: unknown;
  readonly layout: object;
}

export const figureView: View<State> = {
  async render({ model, el }) {
    /** Asks the kernel for plotly.js, once a page, whichever figure is first. */
    const load = (): Promise<Plotly> => {
      const key = Symbol.for("tskernel.plotly.js");
      const page = globalThis as unknown as Record<symbol, Promise<Plotly> | undefined>;
      page[key] ??= new Promise<Plotly>((resolve, reject) => {
        const ask = () => model.send({ type: "plotly.js" });
        // A server that limits the rate of messages may have dropped the answer.
        const again = setInterval(() => {
          el.textContent = "plotly.js is being loaded; without a kernel, run the cell again …";
          ask();
        }, 5000);
        const listen = (content: unknown, buffers: readonly DataView[]): void => {
          const { type, error } = content as { type?: unknown; error?: string };
          if (type !== "plotly.js") return;
          clearInterval(again);
          model.off("msg:custom", listen);
          if (error !== undefined) reject(new Error(error));
          else evaluate(buffers[0]!).then(resolve, reject);
        };
        model.on("msg:custom", listen);
        ask();
      });
      page[key].catch(() => {
        page[key] = undefined;
      });
      return page[key];
    };
    const evaluate = async (zipped: DataView): Promise<Plotly> => {
      const unzipped = new Blob([zipped as DataView<ArrayBuffer>])
        .stream()
        .pipeThrough(new DecompressionStream("gzip"));
      const source = await new Response(unzipped).blob();
      const parts = ["const module = { exports: {} };", source, "\nexport default module.exports;"];
      const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
      try {
        return ((await import(url)) as { default: Plotly }).default;
      } finally {
        URL.revokeObjectURL(url);
      }
    };
    /** Gives Plotly the buffers of typed arrays. */
    const restored = (value: unknown): unknown => {
      if (value instanceof DataView)
        return value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
      if (Array.isArray(value)) return value.map(restored);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, restored(each)]),
      );
    };

    el.textContent = "plotly.js is being loaded …";
    const plotly = await load();
    el.textContent = "";
    const draw = (): Promise<unknown> =>
      plotly.react(
        el,
        restored(model.get("data")),
        // What does not change keeps the reader's zoom.
        { uirevision: "kept", ...(restored(model.get("layout")) as object) },
        { responsive: true },
      );
    await draw();
    let frame = 0;
    const later = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => void draw());
    };
    model.on("change:data", later);
    model.on("change:layout", later);
    const NAMES = [
      "curveNumber",
      "pointNumber",
      "x",
      "y",
      "z",
      "label",
      "value",
      "text",
      "customdata",
    ];
    let told = 0;
    const tell = (event: string, rest: number) => {
      (el as Drawn).on(`plotly_${event}`, (details) => {
        if (performance.now() - told < rest) return;
        told = performance.now();
        const points = (details?.points ?? []).map((point) =>
          Object.fromEntries(NAMES.flatMap((name) => (name in point ? [[name, point[name]]] : []))),
        );
        model.send({ type: event, points });
      });
    };
    tell("click", 0);
    tell("selected", 0);
    tell("hover", 50);
    return () => {
      model.off("change:data", later);
      model.off("change:layout", later);
      plotly.purge(el);
    };
  },
};
