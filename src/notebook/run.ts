// Runs a notebook's cells in a fresh kernel and keeps their outputs.
import { UserError } from "../base/errors.ts";
import { kernelVariable } from "../base/own-package.ts";
import {
  DISPLAY_NAME,
  findKernelspec,
  KERNEL_NAME,
  type Kernelspec,
  LANGUAGE,
  ownKernelspec,
} from "../kernel/kernelspec.ts";
import {
  type Exchange,
  type Header,
  type KernelClient,
  KernelDeadError,
  KernelTimeoutError,
  startKernel,
  type Transport,
} from "./client.ts";
import { type CodeCell, type Json, type Notebook, tagsOf } from "./nbformat.ts";
import { CellOutputs, type Displays } from "./outputs.ts";
import { WidgetStates } from "./widgets.ts";

/** A kernel to run notebooks with. */
export interface ChosenKernel {
  readonly name: string;
  readonly spec: Kernelspec;
  readonly resourceDir?: string;
}

export interface RunOptions {
  readonly kernel: ChosenKernel;
  /** The notebook's folder, which relative paths in its cells refer to. */
  readonly cwd: string;
  /** How the kernel is reached; tcp by default. */
  readonly transport?: Transport;
  /** The time limit for each cell, in milliseconds; none by default. */
  readonly timeout?: number;
  /** How long an interrupted cell may take to end before its kernel is killed, in milliseconds. */
  readonly grace?: number;
  /** Continue after errors. */
  readonly allowErrors?: boolean;
  /** Interrupts the running cell and ends the run. */
  readonly signal?: AbortSignal;
  /** Called before each cell that is run. */
  readonly onCell?: (number: number, total: number) => void;
  /** Returns whether a cell is not run and keeps its outputs. */
  readonly skip?: (cell: CodeCell) => boolean;
}

/** Why a run ended before its last cell. */
export interface Failure {
  /** The cell's number among the code cells that are not blank, from 1: the n of In[n]. */
  readonly number: number;
  readonly total: number;
  readonly kind: "error" | "timeout" | "death" | "interrupt";
  readonly message: string;
}

export interface RunResult {
  readonly failure: Failure | null;
  /** Errors of single cells, including cells that are allowed to fail. */
  readonly errors: ReadonlyMap<CodeCell, string>;
}

/** The exit code of a run that was interrupted. */
export const INTERRUPTED = 130;
const GRACE_MILLISECONDS = 10_000;
const ABORT_ATTEMPTS = 5;
const ABORT_MILLISECONDS = 250;
/** The longest time that setTimeout can wait, 24 days; a longer timer would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Returns this project's own kernel, which need not be installed, or an installed one by name. */
export function chooseKernel(name?: string): ChosenKernel {
  if (name === undefined) return { name: KERNEL_NAME, spec: ownKernelspec() };
  const { spec, folder, name: known } = findKernelspec(name);
  return { name: known, spec, resourceDir: folder };
}

/** @throws UserError if the notebook is written in a language that our own kernel does not run */
export function checkLanguage(notebook: Notebook, file: string): void {
  const { kernelspec, language_info: info } = notebook.metadata;
  const language = textField(kernelspec, "language") ?? textField(info, "name");
  if (language === null || ["typescript", "javascript"].includes(language.toLowerCase())) return;
  const name = textField(kernelspec, "name");
  throw new UserError(
    `${file} is written in ${language}; run it with its own kernel: --kernel ${name ?? "NAME"}`,
  );
}

/** Returns the code cells that a run executes. */
export function runnableCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter(
    (cell): cell is CodeCell => cell.cell_type === "code" && cell.source.trim() !== "",
  );
}

/** Whether a cell is allowed to fail. */
export function mayFail(cell: CodeCell): boolean {
  const tags = tagsOf(cell);
  return tags.includes("raises-exception") || tags.includes("nbval-raises-exception");
}

/**
 * Runs all cells in order, in a fresh kernel, and replaces the notebook's outputs and execution
 * counts. Cells that did not run because of a failure end up with none.
 * @throws UserError if the kernel does not start
 */
export async function runNotebook(notebook: Notebook, options: RunOptions): Promise<RunResult> {
  const { kernel, cwd, skip } = options;
  const cells = runnableCells(notebook).filter((cell) => !skip?.(cell));
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "code" || skip?.(cell)) continue;
    cell.outputs = [];
    cell.execution_count = null;
    delete cell.metadata["execution"]; // JupyterLab's time stamps
  }
  const client = await start(kernel, cwd, options.transport);
  const displays: Displays = new Map();
  const collected = new Map<string, { readonly cell: CodeCell; readonly outputs: CellOutputs }>();
  const widgets = new WidgetStates();
  const outputsOf = new Map<CodeCell, CellOutputs>();
  const errors = new Map<CodeCell, string>();
  let failure: Failure | null = null;
  // This includes output of an earlier cell's timers: the parent header tells which cell it belongs to.
  client.onMessage((channel, message) => {
    if (channel !== "iopub") return;
    const known = collected.get(message.parent.msg_id ?? "");
    known?.outputs.apply(message);
    widgets.apply(message, known?.cell.id ?? "");
  });
  try {
    for (const [index, cell] of cells.entries()) {
      const [number, total] = [index + 1, cells.length];
      options.onCell?.(number, total);
      const outputs = new CellOutputs(displays);
      outputsOf.set(cell, outputs);
      const execution = execute(client, cell.source, ({ msg_id }) => {
        collected.set(msg_id, { cell, outputs });
      });
      const ended = await ending(client, execution, options);
      cell.execution_count = ended.count;
      if (ended.kind === "ok") continue;
      errors.set(cell, ended.message);
      const allowed = options.allowErrors || mayFail(cell);
      if (ended.kind === "error" && allowed) continue;
      failure = { number, total, kind: ended.kind, message: ended.message };
      break;
    }
  } finally {
    if (failure?.kind === "death") await client.kill();
    else await client.shutdown();
  }
  for (const [cell, outputs] of outputsOf) cell.outputs = outputs.outputs;
  widgets.settle(notebook);
  describeKernel(notebook, kernel, client);
  return { failure, errors };
}

async function start(
  kernel: ChosenKernel,
  cwd: string,
  transport: Transport = "tcp",
): Promise<KernelClient> {
  const { spec, resourceDir, name } = kernel;
  try {
    return await startKernel(spec, {
      cwd,
      connection: { transport },
      ...(resourceDir !== undefined && { resourceDir }),
      // Type warnings arrive at any time, and a saved notebook must not depend on that. The history
      // is for what a user types, not for what a program runs.
      // What cells need is installed before they run, if at all.
      env: {
        [kernelVariable("DIAGNOSTICS")]: "off",
        [kernelVariable("HISTORY")]: ":memory:",
        [kernelVariable("INSTALL")]: "off",
      },
    });
  } catch (cause) {
    if (!(cause instanceof KernelDeadError || cause instanceof KernelTimeoutError)) throw cause;
    throw new UserError(`the kernel ${name} did not start: ${cause.message}`, {
      cause,
      exitCode: 1,
    });
  }
}

/**
 * Executes a cell, and again if it did not run: tslab aborts what arrives within 200 ms after an error,
 * although it should abort only what was queued by then.
 */
async function execute(
  client: KernelClient,
  code: string,
  onRequest: (request: Header) => void,
): Promise<Exchange> {
  for (let attempt = 1; ; attempt++) {
    const exchange = await client.execute(code, { timeout: Number.POSITIVE_INFINITY, onRequest });
    const aborted = /^abort(?:ed)?$/.test(String(exchange.reply.content["status"]));
    if (!aborted || attempt === ABORT_ATTEMPTS) return exchange;
    await new Promise((resolve) => setTimeout(resolve, ABORT_MILLISECONDS));
  }
}

interface Ending {
  readonly kind: "ok" | Failure["kind"];
  readonly count: number | null;
  readonly message: string;
}

/** Waits for a cell to end: by itself, or interrupted by its time limit or by the signal. */
async function ending(
  client: KernelClient,
  execution: Promise<Exchange>,
  { timeout, signal, grace = GRACE_MILLISECONDS }: RunOptions,
): Promise<Ending> {
  let stopped: "timeout" | "interrupt" | null = null;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const stop = new Promise<"timeout" | "interrupt">((resolve) => {
    if (timeout !== undefined)
      timer = setTimeout(() => resolve("timeout"), Math.min(timeout, LONGEST_TIMER));
    onAbort = () => resolve("interrupt");
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
  });
  try {
    const first = await Promise.race([execution, stop]);
    let exchange: Exchange;
    if (typeof first === "string") {
      stopped = first;
      exchange = await interrupted(client, execution, grace);
    } else {
      exchange = first;
    }
    const { content } = exchange.reply;
    const count = (content["execution_count"] as number | undefined) ?? null;
    if (stopped) return { kind: stopped, count, message: stoppedMessage(stopped, timeout) };
    if (content["status"] === "ok") return { kind: "ok", count, message: "" };
    return { kind: "error", count, message: errorMessage(exchange) };
  } catch (error) {
    if (!(error instanceof KernelDeadError || error instanceof KernelTimeoutError)) throw error;
    const why = stopped ? `${stoppedMessage(stopped, timeout)}, but did not stop, so` : null;
    const message = why ? `${why} its kernel was killed` : error.message;
    return { kind: stopped ?? "death", count: null, message };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Interrupts the cell; if it does not end, its kernel is killed. */
async function interrupted(
  client: KernelClient,
  execution: Promise<Exchange>,
  grace: number,
): Promise<Exchange> {
  const timer = setTimeout(() => void client.kill(), grace);
  try {
    await client.interrupt(grace);
    return await execution;
  } finally {
    clearTimeout(timer);
    execution.catch(() => {});
  }
}

function stoppedMessage(stopped: "timeout" | "interrupt", timeout: number | undefined): string {
  if (stopped === "interrupt") return "it was interrupted";
  return `it took longer than ${(timeout ?? 0) / 1000} s and was interrupted`;
}

/** Describes a failure. A kernel that names no error in its reply may have written one to stderr. */
function errorMessage({ reply, iopub }: Exchange): string {
  const { ename, evalue } = reply.content;
  if (typeof ename === "string") return `${ename}: ${evalue}`;
  const printed = iopub
    .filter(({ header, content }) => header.msg_type === "stream" && content["name"] === "stderr")
    .map(({ content }) => String(content["text"]))
    .join("");
  return printed.trim().split("\n")[0] || "it failed without a message";
}

function describeKernel(notebook: Notebook, kernel: ChosenKernel, client: KernelClient): void {
  const { display_name = DISPLAY_NAME, language = LANGUAGE } = kernel.spec;
  notebook.metadata["kernelspec"] ??= { display_name, language, name: kernel.name };
  const info = client.info["language_info"] as Json | undefined;
  if (textField(info, "name") !== null) notebook.metadata["language_info"] = info;
}

function textField(value: Json | undefined, field: string): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const text = (value as Readonly<Record<string, Json>>)[field];
  return typeof text === "string" ? text : null;
}
