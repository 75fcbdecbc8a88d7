// Answers questions about a notebook's types.
import { checkComplete } from "./complete-code.ts";
import type { Answers, CellRecord, Kind, Question, WorkerSettings } from "./protocol.ts";

export class Analyst {
  readonly settings: WorkerSettings;

  constructor(settings: WorkerSettings) {
    this.settings = settings;
  }

  record(_cell: CellRecord): void {}

  answer(question: Question): Answers[Kind] {
    switch (question.kind) {
      case "complete":
        return { matches: [], start: question.cursor, end: question.cursor, types: [] };
      case "inspect":
        return { found: false, data: {} };
      case "isComplete":
        return checkComplete(question.code);
      case "diagnostics":
        return { problems: [], text: "" };
      case "usage":
        return { heap: process.memoryUsage().heapUsed };
    }
  }
}
