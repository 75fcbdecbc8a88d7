// Answers questions about a notebook's types; runs in the worker thread.
import { checkComplete } from "./complete-code.ts";
import { complete } from "./completions.ts";
import { diagnose } from "./diagnosis.ts";
import { Inspector } from "./inspection.ts";
import { type CellFile, Notebook } from "./notebook.ts";
import type { Answers, CellRecord, Kind, Question, WorkerSettings } from "./protocol.ts";
import { Workspace } from "./workspace.ts";

export class Analyst {
  readonly #settings: WorkerSettings;
  readonly #notebook: Notebook;
  readonly #workspace: Workspace;
  readonly #inspector: Inspector;
  #count = 0;
  #draft: CellFile;

  constructor(settings: WorkerSettings) {
    this.#settings = settings;
    this.#notebook = new Notebook(settings);
    this.#workspace = new Workspace(settings);
    this.#inspector = new Inspector(this.#workspace, this.#notebook, settings);
    this.#draft = this.#notebook.draft(1, "");
  }

  record(cell: CellRecord): void {
    this.#workspace.set(this.#notebook.record(cell));
    this.#count = Math.max(this.#count, cell.count);
  }

  answer(question: Question): Answers[Kind] {
    this.#workspace.begin();
    switch (question.kind) {
      case "complete":
        this.#setDraft(question.code);
        return complete(this.#workspace, this.#draft, question.cursor, this.#settings);
      case "inspect":
        this.#setDraft(question.code);
        return this.#inspector.inspect(this.#draft, question.cursor, question.detailLevel);
      case "isComplete":
        return checkComplete(question.code);
      case "diagnostics":
        return this.#diagnose(question.count, question.code);
    }
  }

  #setDraft(code: string): void {
    this.#draft = this.#notebook.draft(this.#count + 1, code);
    this.#workspace.set(this.#draft);
    this.#setRoots();
  }

  /** Checks a recorded cell as it was when it ran, against the cells before it. */
  #diagnose(count: number, code: string): Answers["diagnostics"] {
    let cell = this.#notebook.find(count, code);
    if (cell) {
      this.#setRoots(cell);
    } else {
      cell = this.#draft = this.#notebook.draft(count, code);
      this.#workspace.set(cell);
      this.#setRoots();
    }
    return diagnose(this.#workspace, this.#notebook, cell, this.#settings);
  }

  #setRoots(cell?: CellFile): void {
    this.#workspace.set(this.#draft);
    const cells = new Set([this.#draft, ...this.#notebook.ambient(), ...(cell ? [cell] : [])]);
    this.#workspace.setRoots([...cells].map(({ file }) => file));
  }
}
