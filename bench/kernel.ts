// The Jupyter kernel's benchmark: a real kernel and a real client; `node bench/kernel.ts [--write]`.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { median } from "simple-statistics";
import { columnsOf, markdownTable } from "../src/base/table.ts";
import { shortTime } from "../src/display/format.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { findKernelspec, ownKernelspec } from "../src/kernel/kernelspec.ts";
import {
  type KernelClient,
  KernelDeadError,
  type KernelSpec,
  KernelTimeoutError,
  startKernel,
} from "../src/notebook/client.ts";
import { machineFacts } from "./report.ts";

const USAGE = `usage: node bench/kernel.ts [--peer NAME]... [--write]
  --peer NAME  measure an installed kernel as well, in turns
  --write      put the table into docs/performance.md too`;

const DOCUMENT = path.join(import.meta.dirname, "../docs/performance.md");
const STARTS = 5;
const PRINTS = 50_000;
const CELLS = 150;
const BAD_MESSAGES = 2000;

interface Subject {
  readonly name: string;
  readonly spec: KernelSpec;
  readonly resourceDir?: string;
  readonly isPython: boolean;
}

/** What was measured, by a name that is the same for all kernels. */
type Results = Map<string, string>;

const ms = (milliseconds: number): string => shortTime(milliseconds / 1000);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const sleep = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

function start({ spec, resourceDir }: Subject): Promise<KernelClient> {
  return startKernel(spec, resourceDir === undefined ? {} : { resourceDir });
}

async function firstResult(subject: Subject): Promise<number> {
  const begin = performance.now();
  const kernel = await start(subject);
  await kernel.execute("1+1");
  const took = performance.now() - begin;
  await kernel.kill();
  return took;
}

/** Returns the memory in MB of the process that runs the cells, whose id a cell prints. */
async function memory(kernel: KernelClient, { isPython }: Subject): Promise<number | undefined> {
  const code = isPython ? "import os; os.getpid()" : "(globalThis as any).process.pid";
  const { iopub } = await kernel.execute(code);
  const data = iopub.map(({ content }) => content["data"] as Record<string, string> | undefined);
  // tslab prints results as output.
  const texts = [...data.map((one) => one?.["text/plain"]), ...iopub.map((m) => m.content["text"])];
  const pid = /\d+/.exec(stripVTControlCharacters(texts.filter(Boolean).join()))?.[0];
  if (pid === undefined) return undefined;
  const status = execFileSync("ps", ["-o", "rss=", "-p", pid]).toString();
  return Number(status) / 1024;
}

/** Says whether all lines came before idle, and how long that took. */
async function prints(kernel: KernelClient, { isPython }: Subject): Promise<string> {
  const code = isPython
    ? `for i in range(${PRINTS}): print("line", i)`
    : `for (let i = 0; i < ${PRINTS}; i++) console.log("line", i);`;
  let lines = 0;
  const took = await timed(async () => {
    const { iopub } = await kernel.execute(code, { timeout: 60_000 });
    for (const { header, content } of iopub) {
      if (header.msg_type === "stream") lines += String(content["text"]).split("\n").length - 1;
    }
  });
  return `${lines} in ${ms(took)}`;
}

/** Times an interrupt, from the request to the reply of the cell that it ends. */
async function interrupt(kernel: KernelClient, code: string): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const running = kernel.execute(code, { timeout: 10_000 });
    await sleep(200);
    const begin = performance.now();
    await kernel.interrupt();
    const { reply } = await running;
    times.push(performance.now() - begin);
    if (reply.content["status"] !== "error") return "not stopped";
    await sleep(300);
  }
  const { reply } = await kernel.execute("kept + 0");
  return reply.content["status"] === "ok" ? ms(median(times)) : "state lost";
}

/** Times unsigned messages and a signed request after them, all sent at once. */
async function badMessages(kernel: KernelClient): Promise<number> {
  return timed(() => {
    for (let i = 0; i < BAD_MESSAGES; i++) {
      const parts = ["{}", "{}", "{}", `{"code":"bad${i}"}`];
      kernel.sendRaw("shell", ["<IDS|MSG>", "0".repeat(64), ...parts]);
    }
    return kernel.execute("1+1");
  });
}

const JS_INTERRUPTS: Readonly<Record<string, string>> = {
  "a synchronous loop": "while (true) {}",
  "a pending promise": "await new Promise(() => {})",
  "a loop after an await": "await 0; while (true) {}",
  "a long timer": "await new Promise((resolve) => setTimeout(resolve, 1e6))",
};
const PYTHON_INTERRUPTS: Readonly<Record<string, string>> = {
  "a synchronous loop": "while True: pass",
  "a pending promise": "import asyncio\nawait asyncio.Future()",
  "a loop after an await": "import asyncio\nawait asyncio.sleep(0)\nwhile True: pass",
  "a long timer": "import asyncio\nawait asyncio.sleep(1e6)",
};

/** Everything that is measured in a running kernel; each function sets its rows. */
const MEASUREMENTS: readonly ((
  kernel: KernelClient,
  subject: Subject,
  results: Results,
) => Promise<void>)[] = [
  async (kernel, subject, results) => {
    await kernel.execute("1+1");
    const size = await memory(kernel, subject);
    results.set("memory after 1+1", size === undefined ? "" : `${Math.round(size)} MB`);
  },
  async (kernel, { isPython }, results) => {
    const trivial: number[] = [];
    for (let i = 0; i < 50; i++) trivial.push(await timed(() => kernel.execute("1+1")));
    results.set("a trivial cell", ms(median(trivial)));
    const cells: number[] = [];
    const declare = isPython ? "" : "const ";
    for (let i = 0; i < CELLS; i++) {
      cells.push(await timed(() => kernel.execute(`${declare}v${i} = ${i}`)));
    }
    results.set("cells 1 to 10", ms(median(cells.slice(0, 10))));
    results.set(`cells ${CELLS - 9} to ${CELLS}`, ms(median(cells.slice(-10))));
  },
  async (kernel, subject, results) => {
    const row = `${PRINTS} printed lines, before idle`;
    results.set(row, "no idle within 60 s");
    results.set(row, await prints(kernel, subject));
  },
  async (kernel, _, results) => {
    const row = `${BAD_MESSAGES} unsigned messages, then an honest one's answer`;
    results.set(row, "no answer");
    results.set(row, ms(await badMessages(kernel)));
  },
  ...Object.keys(JS_INTERRUPTS).map(
    (name) =>
      async (kernel: KernelClient, { isPython }: Subject, results: Results) => {
        results.set(`interrupt of ${name}`, "no answer");
        await kernel.execute(isPython ? "kept = 1" : "let kept = 1");
        const code = (isPython ? PYTHON_INTERRUPTS : JS_INTERRUPTS)[name] as string;
        results.set(`interrupt of ${name}`, await interrupt(kernel, code));
      },
  ),
];

/** Runs all measurements; a kernel that hangs or dies keeps its entry in the table, and a new one replaces it. */
async function session(subject: Subject, results: Results): Promise<void> {
  let kernel = await start(subject);
  for (const measure of MEASUREMENTS) {
    // tslab refuses all cells for 200 ms after one that failed.
    await sleep(300);
    try {
      await measure(kernel, subject, results);
    } catch (error) {
      if (!(error instanceof KernelTimeoutError || error instanceof KernelDeadError)) throw error;
      await kernel.kill();
      kernel = await start(subject);
    }
  }
  await kernel.kill();
}

function subjects(peers: readonly string[]): Subject[] {
  const own = { name: "abkd", spec: ownKernelspec() as KernelSpec, isPython: false };
  const others = peers.map((name) => {
    const { folder } = findKernelspec(name);
    const spec = JSON.parse(readFileSync(path.join(folder, "kernel.json"), "utf8")) as KernelSpec;
    return { name, spec, resourceDir: folder, isPython: spec.language === "python" };
  });
  return [own, ...others];
}

function table(results: ReadonlyMap<string, Results>): string {
  const names = [...results.keys()];
  const rows = [...new Set([...results.values()].flatMap((one) => [...one.keys()]))];
  const { processor, cores, platform, node, load } = machineFacts("");
  const content = markdownTable({
    columns: columnsOf("", names),
    rows: rows.map((row) => [row, ...names.map((name) => results.get(name)?.get(row) ?? "")]),
  });
  return `Medians on ${processor}, ${cores} cores, ${platform}, Node ${node}; load before: ${load}.\n\n${content}`;
}

const { values } = parseArgs({
  options: {
    peer: { type: "string", multiple: true, default: [] },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
} else {
  const all = subjects(values.peer);
  const results = new Map<string, Results>(all.map(({ name }) => [name, new Map()]));
  // The first start compiles what later ones take from the cache, so it is not counted.
  for (const subject of all) await firstResult(subject);
  const starts = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < STARTS; round++) {
    for (const subject of all) starts.get(subject.name)?.push(await firstResult(subject));
  }
  for (const subject of all) {
    const own = results.get(subject.name) as Results;
    own.set("start to first result", ms(median(starts.get(subject.name) as number[])));
    await session(subject, own);
  }
  const text = table(results);
  console.log(text);
  if (values.write) {
    writeFileSync(DOCUMENT, writeSection(readFileSync(DOCUMENT, "utf8"), "kernel", text));
  }
}
