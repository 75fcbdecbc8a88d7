// Updates of Plotly figures in place, which JupyterLab's renderer for them does not support by itself.
import type { Bundle } from "../channel.ts";

const PLOTLY = "application/vnd.plotly.v1+json";
/** The height that the renderer gives a figure without one, in CSS pixels. */
const USUAL_HEIGHT = 360;

/**
 * Returns what must be shown for a moment before a figure replaces another one. The labextension of
 * plotly.py (7.1: `renderModel`) does nothing if it already holds a graph, and JupyterLab keeps a
 * renderer as long as the preferred type in the bundle stays the same. Output of another type makes it
 * drop the old renderer: the figure's picture, or else an empty box of its height, so that nothing
 * below it moves.
 *
 * @returns undefined if there is no figure in the bundle
 */
export function beforeUpdate(data: Bundle): Bundle | undefined {
  const figure: unknown = data[PLOTLY];
  if (typeof figure !== "object" || figure === null) return undefined;
  const picture = data["image/png"];
  if (picture !== undefined) return { "image/png": picture, "text/plain": "" };
  const style = `height: ${heightOf(figure)}px; margin: 0; background: white`;
  return { "text/html": `<div style="${style}"></div>`, "text/plain": "" };
}

function heightOf(figure: object): number {
  const layout: unknown = Reflect.get(figure, "layout");
  if (typeof layout !== "object" || layout === null) return USUAL_HEIGHT;
  const height: unknown = Reflect.get(layout, "height");
  return typeof height === "number" && height > 0 ? height : USUAL_HEIGHT;
}
