// A student as a folder with a web page, which predicts in the browser.
import path from "node:path";
import { writeAtomic } from "../base/files.ts";
import { htmlPage, plain } from "../base/markup.ts";
import { grouped } from "../display/format.ts";
import { colourway } from "../figures/figure.ts";
import { scriptJson } from "../figures/page.ts";
import { InputError } from "../graph/check.ts";
import type { Graph } from "../graph/graph.ts";
import { modelTitle } from "../models/registry.ts";
import { Student } from "../student/student.ts";
import { asModelled } from "../training/apply.ts";
import { encodeModel, type ModelFile } from "../training/model-file.ts";
import { describeRun } from "../training/run-id.ts";
import { encodeGraph } from "./graph-file.ts";
import { pageScript, studentModule } from "./student-module.ts";

/**
 * Writes index.html, which holds all that it needs and opens from the disk, and beside it the same in parts
 * for pages of one's own: student.js, student.safetensors, graph.safetensors.
 * @returns the bytes of each file by name
 * @throws StudentError for a kind of model that needs the engine; InputError for a graph of graphs; FileError
 */
export function writeWebFolder(
  folder: string,
  model: ModelFile,
  given: Graph,
): Map<string, number> {
  if (given.graphs)
    throw new InputError(`${given.name}: a page shows nodes; this has whole graphs`);
  const { graph } = asModelled(model, given);
  // Refuses what the page could not load.
  new Student(model).prepare(graph);
  const module = studentModule();
  const [student, data] = [encodeModel(model), encodeGraph(graph)];
  const files = new Map<string, Uint8Array | string>([
    ["student.js", module],
    ["student.safetensors", student],
    ["graph.safetensors", data],
    ["index.html", page(model, graph, { module, student, data })],
  ]);
  for (const [name, content] of files) writeAtomic(path.join(folder, name), content);
  return new Map(Array.from(files, ([name, content]) => [name, Buffer.byteLength(content)]));
}

const STYLE = `
  :root { color-scheme: light; }
  body { font: 16px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 1000px; margin: 2rem auto;
    padding: 0 1rem; }
  h1 { font-size: 1.5rem; line-height: 1.25; margin-bottom: 0; }
  .faint { color: #666; margin-top: 0.25rem; }
  form { display: flex; gap: 0.5rem; align-items: center; margin: 1.25rem 0 0.5rem; }
  input, button { font: inherit; padding: 0.3rem 0.7rem; border: 1px solid #999; border-radius: 4px; }
  input { width: 7rem; }
  button { background: #f3f3f3; cursor: pointer; }
  button[type="submit"] { background: #0072b2; border-color: #0072b2; color: white; }
  main { display: flex; flex-wrap: wrap; gap: 1.5rem; }
  svg { flex: 1 1 24rem; max-width: 560px; border: 1px solid #e4e4e4; border-radius: 4px; }
  line { stroke: #bbb; }
  circle { stroke: white; stroke-width: 1.5; cursor: pointer; }
  circle.wrong { stroke: #222; stroke-dasharray: 3 2; stroke-width: 2; }
  section { flex: 1 1 18rem; }
  h2 { font-size: 1.15rem; margin: 0; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th { text-align: left; font-weight: normal; white-space: nowrap; padding-right: 0.75rem; }
  td:last-child { text-align: right; white-space: nowrap; padding-left: 0.75rem; }
  td:nth-child(2) { width: 100%; }
  i { display: block; height: 0.8rem; border-radius: 2px; }
`;

interface Parts {
  readonly module: string;
  readonly student: Uint8Array;
  readonly data: Uint8Array;
}

function page(model: ModelFile, graph: Graph, { module, student, data }: Parts): string {
  const title = `${modelTitle(model.config.model)} on ${graph.name}`;
  const scalars = [...model.parameters.values()].reduce(
    (sum, { values }) => sum + values.length,
    0,
  );
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const code = pageScript(module).replaceAll("</script", "<\\/script");
  return htmlPage(
    title,
    STYLE,
    `<p class="faint">${plain(describeRun(model.config))}: ${grouped(scalars)} numbers, ${grouped(student.length)} bytes. It runs
in this page: nothing is sent anywhere.</p>
<form id="ask">
<label for="node">Node</label> <input id="node" autocomplete="off" value="0">
<button type="submit">Predict</button> <button type="button" id="any">Any node</button>
</form>
<p id="status" class="faint" role="status">This page needs JavaScript.</p>
<main>
<svg id="neighbourhood" viewBox="0 0 560 560" role="img" aria-label="The node among its neighbours"></svg>
<section>
<h2 id="verdict"></h2>
<p id="degree" class="faint"></p>
<table><tbody id="shares"></tbody></table>
<p class="faint">Colours are predicted classes; a dashed rim is a label that differs. Click a node to see it.</p>
</section>
</main>
<script type="application/json" id="about">${scriptJson({ colours: colourway, classNames: model.classNames, nodeNames: graph.nodeNames })}</script>
<script type="application/octet-stream" id="student">${base64(student)}</script>
<script type="application/octet-stream" id="graph">${base64(data)}</script>
<script type="module">
${code}</script>`,
  );
}
