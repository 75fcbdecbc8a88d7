// Plotly figures that change in place, which JupyterLab's renderer for them does not do by itself.
import type { Bundle } from "../channel.ts";

const PLOTLY = "application/vnd.plotly.v1+json";
/** What the renderer takes for a figure without a height, in CSS pixels. */
const USUAL_HEIGHT = 360;

/**
 * What must be shown for a moment before a figure takes another one's place. The labextension of
 * plotly.py (7.1: `renderModel`) returns at once where it holds a graph already, and JupyterLab
 * keeps a renderer for as long as the type that it prefers in the bundle stays. Something of another
 * type makes it drop the old one: the figure's picture, else an empty box of its height, so that
 * nothing below it moves.
 *
 * @returns undefined where there is no figure in the bundle
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
