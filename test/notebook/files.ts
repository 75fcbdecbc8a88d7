// Notebooks and kernelspecs for tests, in temporary folders.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Kernelspec } from "../../src/kernel/kernelspec.ts";
import {
  type CodeCell,
  type Notebook,
  readNotebook,
  serialiseNotebook,
} from "../../src/notebook/nbformat.ts";

/** A folder that is removed at the end of the scope. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-notebook-"));
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A code cell: its source, or its source and tags. */
export type Source = string | readonly [source: string, ...tags: string[]];

export function notebookOf(...sources: readonly Source[]): Notebook {
  const cells = sources.map((source, index): CodeCell => {
    const [text, ...tags] = typeof source === "string" ? [source] : source;
    return {
      cell_type: "code",
      id: `cell-${index}`,
      metadata: tags.length > 0 ? { tags } : {},
      source: text,
      execution_count: null,
      outputs: [],
    };
  });
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}

/** @returns the file's path */
export function writeNotebook(folder: string, ...sources: readonly Source[]): string {
  const file = path.join(folder, "test.ipynb");
  writeFileSync(file, serialiseNotebook(notebookOf(...sources)));
  return file;
}

export function codeCells(notebook: Notebook | string): CodeCell[] {
  const { cells } = typeof notebook === "string" ? readNotebook(notebook) : notebook;
  return cells.filter((cell) => cell.cell_type === "code");
}

/** Returns what a cell shows, as one text. */
export function shown(cell: CodeCell | undefined): string {
  return (cell?.outputs ?? [])
    .map((output) => {
      if (output.output_type === "stream") return output.text;
      if (output.output_type === "error") return `${output.ename}: ${output.evalue}`;
      return String(output.data["text/plain"]);
    })
    .join("|");
}

/** Returns the kernelspec of fake-kernel.ts. */
export function fakeKernel(mode: "serve" | "die" | "silent" | "port taken"): Kernelspec {
  const script = fileURLToPath(new URL("fake-kernel.ts", import.meta.url));
  return {
    argv: [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      script,
      mode,
      "{connection_file}",
    ],
    display_name: "Fake",
    language: "typescript",
    interrupt_mode: "message",
  };
}

/** Installs a kernelspec in a folder. @returns the environment in which it is found */
export function install(folder: string, name: string, spec: Kernelspec): NodeJS.ProcessEnv {
  const kernels = path.join(folder, "jupyter/kernels", name);
  mkdirSync(kernels, { recursive: true });
  writeFileSync(path.join(kernels, "kernel.json"), JSON.stringify(spec));
  return { JUPYTER_PATH: path.join(folder, "jupyter") };
}
