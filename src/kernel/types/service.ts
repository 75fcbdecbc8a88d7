// The TypeScript language service as the supervisor sees it: a worker thread, started when needed.
import { extname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import type {
  Answers,
  CellRecord,
  Completeness,
  Completion,
  Diagnosis,
  FromWorker,
  Inspection,
  Kind,
  Question,
  ToWorker,
  WorkerSettings,
} from "./protocol.ts";

export interface TypeServiceOptions {
  /** The notebook's folder: packages and local modules resolve from here. */
  readonly folder: string;
  /** This package's root: the fallback for packages, and where `abkd` resolves to. */
  readonly projectRoot: string;
  /** The milliseconds that a started worker may take for one answer; 20,000 by default. */
  readonly timeLimit?: number;
  /** Called when TypeScript fails on some code; the answer is then empty. */
  readonly log?: (line: string) => void;
}

/** There is no answer: the worker was stuck, died or was closed. The next question starts another one. */
export class TypeServiceError extends Error {
  override readonly name = "TypeServiceError";
}

interface Waiting {
  readonly question: Question;
  resolve(answer: Answers[Kind]): void;
  reject(error: Error): void;
}

// What a user waits for comes before what appears by itself.
const ORDER: readonly Kind[] = ["isComplete", "complete", "inspect", "diagnostics"];

/**
 * Completions, documentation and type errors of a notebook's cells. Nothing but `record` does any work
 * before the first question. Questions are answered one at a time. If several completions or
 * inspections wait, only the newest is asked, and the others get an empty answer.
 * A promise rejects with a TypeServiceError if the worker was stuck, died or was closed.
 */
export class TypeService {
  readonly #settings: WorkerSettings;
  readonly #timeLimit: number;
  readonly #log: (line: string) => void;
  readonly #cells: CellRecord[] = [];
  #worker: Worker | undefined;
  #queue: Waiting[] = [];
  /** Whether the worker has started. How long that takes depends on the machine, so it has no limit. */
  #ready = false;
  #current: (Waiting & { readonly id: number }) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #id = 0;
  #closed = false;

  constructor(options: TypeServiceOptions) {
    this.#settings = {
      folder: resolve(options.folder),
      projectRoot: resolve(options.projectRoot),
    };
    this.#timeLimit = options.timeLimit ?? 20_000;
    this.#log = options.log ?? (() => {});
  }

  /** Whether the worker thread runs. */
  get started(): boolean {
    return this.#worker !== undefined;
  }

  /** Takes an executed cell, failed or not, in the order of execution. This is cheap. */
  record(count: number, code: string): void {
    const cell = { count, code: String(code) };
    this.#cells.push(cell);
    this.#worker?.postMessage({ type: "record", cells: [cell] } satisfies ToWorker);
  }

  /** Starts the worker, so that the first answer is quick. */
  async start(): Promise<void> {
    await this.#ask({ kind: "complete", code: "", cursor: 0 });
  }

  complete(code: string, cursor: number): Promise<Completion> {
    return this.#ask({ kind: "complete", code: String(code), cursor: clamp(code, cursor) });
  }

  inspect(code: string, cursor: number, detailLevel = 0): Promise<Inspection> {
    return this.#ask({
      kind: "inspect",
      code: String(code),
      cursor: clamp(code, cursor),
      detailLevel,
    });
  }

  /** Returns type errors of a recorded cell, checked against the cells recorded before it. */
  diagnostics(count: number, code: string): Promise<Diagnosis> {
    return this.#ask({ kind: "diagnostics", count, code: String(code) });
  }

  isComplete(code: string): Promise<Completeness> {
    return this.#ask({ kind: "isComplete", code: String(code) });
  }

  /** Ends the worker and rejects the questions that wait. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#end("the language service was closed");
  }

  #ask<K extends Kind>(question: Question & { kind: K }): Promise<Answers[K]> {
    return new Promise<Answers[Kind]>((resolve, reject) => {
      if (this.#closed) {
        reject(new TypeServiceError("the language service was closed"));
        return;
      }
      this.#queue = this.#queue.filter((waiting) => {
        const old = isSuperseded(waiting.question, question);
        if (old) waiting.resolve(nothing(waiting.question));
        return !old;
      });
      this.#queue.push({ question, resolve, reject });
      this.#next();
    }) as Promise<Answers[K]>;
  }

  #next(): void {
    if (this.#current || this.#queue.length === 0) return;
    const kind = ORDER.find((k) => this.#queue.some(({ question }) => question.kind === k));
    const index = this.#queue.findIndex(({ question }) => question.kind === kind);
    const [waiting] = this.#queue.splice(index, 1) as [Waiting];
    const id = ++this.#id;
    this.#current = { ...waiting, id };
    try {
      this.#worker ??= this.#startWorker();
      this.#worker.ref();
      const message: ToWorker = { type: "ask", id, question: waiting.question };
      this.#worker.postMessage(message);
      if (this.#ready) this.#limit();
    } catch (error) {
      this.#end(`the language service could not be started: ${(error as Error).message}`);
    }
  }

  /** Starts the time limit of the current question. */
  #limit(): void {
    this.#timer = setTimeout(() => {
      const [kind, seconds] = [this.#current?.question.kind, this.#timeLimit / 1000];
      this.#end(
        `the language service was stopped: no answer to "${kind}" in ${seconds} s; the next request restarts it`,
      );
    }, this.#timeLimit);
  }

  #startWorker(): Worker {
    this.#ready = false;
    const url = new URL(`worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(url, {
      workerData: this.#settings,
      execArgv: [],
      // A type that explodes must end the worker, not the kernel.
      resourceLimits: { maxOldGenerationSizeMb: 2048 },
    });
    worker.on("message", (message: FromWorker) => {
      if (worker === this.#worker) this.#answered(message);
    });
    worker.on("error", (error) => {
      if (worker === this.#worker) this.#end(`the language service failed: ${error.message}`);
    });
    worker.on("exit", (code) => {
      if (worker === this.#worker) this.#end(`the language service ended with code ${code}`);
    });
    worker.postMessage({ type: "record", cells: this.#cells } satisfies ToWorker);
    return worker;
  }

  #answered(message: FromWorker): void {
    if (message.type === "ready") {
      this.#ready = true;
      if (this.#current) this.#limit();
      return;
    }
    const current = this.#current;
    if (!current || message.id !== current.id) return;
    clearTimeout(this.#timer);
    this.#current = undefined;
    if (message.type === "failure")
      this.#log(`types: ${current.question.kind}: ${message.message}`);
    current.resolve(message.type === "answer" ? message.answer : nothing(current.question));
    // An idle service must not keep the process alive.
    if (this.#queue.length === 0) this.#worker?.unref();
    this.#next();
  }

  async #end(reason: string): Promise<void> {
    const worker = this.#worker;
    const current = this.#current;
    this.#worker = undefined;
    this.#current = undefined;
    clearTimeout(this.#timer);
    current?.reject(new TypeServiceError(reason));
    if (this.#closed) {
      for (const { reject } of this.#queue.splice(0)) reject(new TypeServiceError(reason));
    } else {
      this.#next();
    }
    await worker?.terminate();
  }
}

/** Whether a newer question makes an answer to the old one useless. */
function isSuperseded(old: Question, newer: Question): boolean {
  if (old.kind !== newer.kind) return false;
  if (old.kind === "diagnostics") return newer.kind === old.kind && newer.count === old.count;
  return old.kind === "complete" || old.kind === "inspect";
}

/** Returns an empty answer. */
function nothing(question: Question): Answers[Kind] {
  switch (question.kind) {
    case "complete":
      return { matches: [], start: question.cursor, end: question.cursor, types: [] };
    case "inspect":
      return { found: false, data: {} };
    case "diagnostics":
      return { problems: [], text: "" };
    case "isComplete":
      return { status: "complete", indent: "" }; // running the code will tell
  }
}

function clamp(code: string, cursor: number): number {
  const length = String(code).length;
  return Number.isFinite(cursor) ? Math.min(Math.max(0, Math.trunc(cursor)), length) : length;
}
