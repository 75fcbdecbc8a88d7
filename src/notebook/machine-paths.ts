// Finds what ties a notebook to the machine that it ran on: folders and the host's name.
import { homedir, hostname, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { literal } from "../base/literal.ts";
import type { Notebook } from "./nbformat.ts";

export interface MachinePath {
  /** The cell's number among all cells, from 1. */
  readonly cell: number;
  readonly where: "source" | "output";
  readonly text: string;
}

/** Users' home folders and folders of temporary files, on any system. */
const FOREIGN =
  /(?<![\w.~-])(?:\/(?:home|Users)\/[\w.-]+|\/root(?![\w.-])|\/(?:private\/)?(?:tmp|var\/folders)\/[\w.-]+|[A-Z]:\\{1,2}Users\\{1,2}[\w.-]+)/g;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @param folder the notebook's folder */
export function findMachinePaths(notebook: Notebook, folder: string): MachinePath[] {
  const known = knownHere(folder);
  const found: MachinePath[] = [];
  for (const [index, cell] of notebook.cells.entries()) {
    const look = (where: MachinePath["where"], text: string): void => {
      const hits = [FOREIGN, ...known]
        .flatMap((pattern) => [...text.matchAll(pattern)])
        .map(({ index: from, 0: { length } }) => ({ from, to: from + length }))
        .sort((a, b) => a.from - b.from || b.to - a.to);
      const texts = new Set<string>();
      let end = 0;
      for (const { from, to } of hits) {
        // The longest hit is enough: /home/me/work, without /home/me as well.
        if (to > end) texts.add(text.slice(from, to));
        end = Math.max(end, to);
      }
      for (const hit of texts) found.push({ cell: index + 1, where, text: hit });
    };
    look("source", cell.source);
    if (cell.cell_type === "code") look("output", textOf(cell.outputs));
  }
  return found;
}

function knownHere(folder: string): RegExp[] {
  const folders = [homedir(), tmpdir(), path.resolve(ROOT), path.resolve(folder)]
    .map((name) => name.replace(/[/\\]$/, ""))
    .filter((name) => name.length > 1)
    .map((name) => new RegExp(`(?<![\\w.-])${literal(name)}(?![\\w-])`, "g"));
  // A host named by a plain word would be found in any prose.
  const host = hostname();
  if (!/[\d.-]/.test(host) || host.length < 4) return folders;
  return [...folders, new RegExp(`(?<![\\w-])${literal(host)}(?![\\w-])`, "g")];
}

/** Returns all texts in a value, without pictures: base64 can contain any letters. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value)
    .filter(([key]) => (!key.startsWith("image/") || key === "image/svg+xml") && key !== "bdata")
    .map(([, item]) => textOf(item))
    .join("\n");
}
