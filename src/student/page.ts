// The script of the page that `abkd export --format web` writes: predicts all nodes at a click and draws one's neighbourhood.
import { loadGraph, loadStudent, type Predictions } from "./index.ts";

/** At most so many neighbours, and nodes in all, are drawn. */
const MOST_NEAR = 60;
const MOST_DRAWN = 180;
const RADII = [0, 150, 255] as const;
/** Half the drawing's size. */
const MIDDLE = 280;

const element = <T extends Element>(id: string): T => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found as unknown as T;
};
const embedded = (id: string): Uint8Array =>
  Uint8Array.from(atob(element(id).textContent ?? ""), (letter) => letter.charCodeAt(0));
const { colours, classNames, nodeNames } = JSON.parse(element("about").textContent ?? "{}") as {
  readonly colours: readonly string[];
  /** What the source calls classes and nodes, if not 0, 1, 2 ... */
  readonly classNames?: readonly string[];
  readonly nodeNames?: readonly string[];
};
const [student, graph] = await Promise.all([
  loadStudent(embedded("student")),
  loadGraph(embedded("graph")),
]);
const { nodes, labels, adjacency } = graph;

/** The first ones have the figures' colours; more classes are spread over the colour wheel. */
const colourOf = (c: number): string => colours[c] ?? `hsl(${(c * 137.5) % 360} 60% 45%)`;

const classOf = (c: number): string => classNames?.[c] ?? `class ${c}`;
const nameOf = (node: number): string => nodeNames?.[node] ?? String(node);

const neighboursOf = (node: number): number[] =>
  Array.from(
    { length: adjacency.indptr[node + 1]! - adjacency.indptr[node]! },
    (_, k) => adjacency.indices[adjacency.indptr[node]! + k]!,
  );

interface Place {
  readonly x: number;
  readonly y: number;
  readonly hop: 0 | 1 | 2;
}

/** Places the node in the middle, its neighbours around it, and theirs outside, beside the one they hang on. */
function placed(node: number): Map<number, Place> {
  const near = neighboursOf(node).slice(0, MOST_NEAR);
  const seen = new Set([node, ...neighboursOf(node)]);
  const hanging = near.map((parent) => {
    const own = neighboursOf(parent).filter((other) => !seen.has(other));
    const drawn = own.slice(0, Math.max(0, MOST_DRAWN - seen.size));
    for (const other of drawn) seen.add(other);
    return drawn;
  });
  const wedges = hanging.map((drawn) => Math.max(2, drawn.length));
  const all = wedges.reduce((sum, wedge) => sum + wedge, 0);
  const at = (turn: number, hop: 1 | 2): Place => {
    const angle = (2 * Math.PI * turn) / all;
    const [x, y] = [Math.cos(angle), Math.sin(angle)].map((part) => MIDDLE + RADII[hop] * part);
    return { x: x!, y: y!, hop };
  };
  const places = new Map<number, Place>([[node, { x: MIDDLE, y: MIDDLE, hop: 0 }]]);
  let turn = 0;
  for (const [k, parent] of near.entries()) {
    const [own, middle] = [hanging[k]!, turn + wedges[k]! / 2];
    places.set(parent, at(middle, 1));
    for (const [j, other] of own.entries()) {
      places.set(other, at(middle + j + 0.5 - own.length / 2, 2));
    }
    turn += wedges[k]!;
  }
  return places;
}

function svg<K extends keyof SVGElementTagNameMap>(
  kind: K,
  attributes: Readonly<Record<string, string | number>>,
  text = "",
): SVGElementTagNameMap[K] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.textContent = text;
  return made;
}

/** @param node the one in the middle */
function draw(node: number, { classes }: Predictions): void {
  const places = placed(node);
  const lines: Element[] = [];
  const dots: Element[] = [];
  for (const [from, a] of places) {
    for (const to of neighboursOf(from)) {
      const b = places.get(to);
      if (b && from < to) lines.push(svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y }));
    }
    const [own, label] = [classes[from]!, labels[from]!];
    const known = label < 0 ? "no label" : `labelled ${classOf(label)}`;
    const dot = svg("circle", {
      cx: a.x,
      cy: a.y,
      r: [16, 9, 6][a.hop]!,
      fill: colourOf(own),
      "data-node": from,
      ...(label >= 0 && label !== own && { class: "wrong" }),
    });
    dot.append(svg("title", {}, `node ${nameOf(from)}: ${classOf(own)}, ${known}`));
    dots.push(dot);
  }
  element("neighbourhood").replaceChildren(...lines, ...dots);
  const around = neighboursOf(node).length;
  const left = nodesWithinTwo(node) - places.size;
  element("degree").textContent =
    `${around} ${around === 1 ? "neighbour" : "neighbours"}` +
    (left > 0 ? `; ${left} more within two edges are not drawn` : "");
}

function nodesWithinTwo(node: number): number {
  const near = [node, ...neighboursOf(node)];
  return new Set([...near, ...near.flatMap(neighboursOf)]).size;
}

/** Shows the node's probabilities as bars. */
function list(node: number, { classes, probabilities }: Predictions): void {
  const shares = probabilities.subarray(node * student.classes, (node + 1) * student.classes);
  const order = Array.from(shares.keys()).sort((a, b) => shares[b]! - shares[a]!);
  const rows = order.slice(0, 12).map((c) => {
    const row = document.createElement("tr");
    row.innerHTML = "<th></th><td><i></i></td><td></td>";
    const [name, bar, share] = Array.from(
      row.querySelectorAll<HTMLElement>("th, i, td:last-child"),
    );
    name!.textContent = classOf(c);
    bar!.style.width = `${100 * shares[c]!}%`;
    bar!.style.background = colourOf(c);
    share!.textContent = `${(100 * shares[c]!).toFixed(1)} %`;
    return row;
  });
  element("shares").replaceChildren(...rows);
  const [own, label] = [classes[node]!, labels[node]!];
  const verdict =
    label < 0 ? "no label" : label === own ? "as labelled" : `labelled ${classOf(label)}`;
  element("verdict").textContent = `Node ${nameOf(node)}: ${classOf(own)}, ${verdict}`;
}

/** Predicts all nodes anew, and shows one. @param clicked when, on the page's clock */
function show(node: number, clicked: number): void {
  const begun = performance.now();
  const predictions = student.predict(graph);
  const took = performance.now() - begun;
  list(node, predictions);
  draw(node, predictions);
  element<HTMLInputElement>("node").value = nameOf(node);
  const known = Array.from(labels.keys()).filter((item) => labels[item]! >= 0);
  const right = known.filter((item) => predictions.classes[item] === labels[item]).length;
  const score =
    known.length > 0
      ? `; right on ${((100 * right) / known.length).toFixed(1)} % of the labelled`
      : "";
  element("status").textContent =
    `${nodes.toLocaleString("en")} nodes predicted in ${took.toFixed(1)} ms, ` +
    `drawn ${(performance.now() - clicked).toFixed(1)} ms after the click${score}`;
  // For whoever opens the console.
  Object.assign(globalThis, { predictions });
}

const asked = element<HTMLInputElement>("node");
element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const node = nodeNames ? nodeNames.indexOf(asked.value) : Number(asked.value);
  if (Number.isInteger(node) && node >= 0 && node < nodes) show(node, event.timeStamp);
  else element("status").textContent = `There is no node ${asked.value}.`;
});
element("any").addEventListener("click", (event) =>
  show(Math.floor(Math.random() * nodes), event.timeStamp),
);
element("neighbourhood").addEventListener("click", (event) => {
  const node = (event.target as Element).getAttribute("data-node");
  if (node !== null) show(Number(node), event.timeStamp);
});
show(0, performance.now());
