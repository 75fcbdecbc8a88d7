// This project's side of the race: one JSON request per line on stdin, one JSON answer per line on stdout.
import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs";
import { spmm, startEngine, uniform } from "../src/tensor/index.ts";
import { freeGraph, readGraph, readTeacher } from "./exchange.ts";
import { peakMegabytes, resetPeak } from "./peak.ts";
import type { Answer, Request, Task } from "./protocol.ts";
import { type Data, evaluationPass, modelOf, trainingStep } from "./steps.ts";

/** The engine, as side.ts names it. */
const ENGINE = process.argv[2] === "native" ? "native" : "wasm";

const graphs = new Map<string, Data>();
const calls = new Map<string, () => unknown>();

function graphOf(folder: string): Data {
  let data = graphs.get(folder);
  if (!data) {
    data = readGraph(folder);
    graphs.set(folder, data);
  }
  return data;
}

function matrix(rows: number, columns: number): tf.Tensor2D {
  return tf.keep(tf.tensor2d(uniform(1, `${rows} x ${columns}`, rows * columns), [rows, columns]));
}

/** Returns the task as a function; what is made only once is made here. */
function callOf(task: Task): () => unknown {
  if (task.kind === "product") {
    const [a, b] = [matrix(task.rows, task.inner), matrix(task.inner, task.columns)];
    return () => tf.tidy(() => void tf.matMul(a, b));
  }
  const data = graphOf(task.graph);
  if (task.kind === "sparse product") {
    const { adjacency } = data.inputs;
    const x = matrix(adjacency.columns, task.columns);
    return () => tf.tidy(() => void spmm(adjacency, x));
  }
  const model = modelOf(task.config, data);
  if (task.kind === "evaluation") return evaluationPass(data, model);
  const teacher = task.config.teacher && readTeacher(task.teacher!, task.config.teacher, data);
  return trainingStep(task.config, data, model, teacher);
}

function timed(call: () => unknown, count: number): number {
  const began = performance.now();
  for (let i = 0; i < count; i++) call();
  return (performance.now() - began) / count;
}

function losses(task: Task, steps: number): number[] {
  if (task.kind !== "training") throw new Error(`a ${task.kind} has no losses`);
  const { config } = task;
  const plain = { ...config, model: { ...config.model, dropout: 0 } };
  const step = callOf({ ...task, config: plain }) as () => number;
  return Array.from({ length: steps }, step);
}

function answer(request: Request): Answer {
  switch (request.operation) {
    case "info":
      return { ...startEngine(ENGINE), node: process.versions.node };
    case "prepare": {
      const call = callOf(request.task);
      calls.set(request.key, call);
      let milliseconds = 0;
      for (let i = 0; i < request.warmUp; i++) milliseconds = timed(call, 1);
      return { milliseconds };
    }
    case "sample": {
      const usage = process.cpuUsage();
      const milliseconds = timed(calls.get(request.key)!, request.calls);
      const { user, system } = process.cpuUsage(usage);
      return { milliseconds, processor: (user + system) / 1000 / request.calls };
    }
    case "losses":
      return { losses: losses(request.task, request.steps) };
    case "peak": {
      const { task } = request;
      if (task.kind !== "product") graphOf(task.graph);
      globalThis.gc?.();
      const before = resetPeak();
      const call = callOf(task);
      for (let i = 0; i < request.calls; i++) call();
      return { megabytes: peakMegabytes(), before };
    }
    case "forget":
      calls.delete(request.key);
      if (request.graphs) {
        for (const data of graphs.values()) freeGraph(data);
        graphs.clear();
      }
      return {};
  }
}

startEngine(ENGINE);
for await (const line of createInterface({ input: process.stdin })) {
  let found: Answer;
  try {
    found = answer(JSON.parse(line) as Request);
  } catch (error) {
    // Sent as the answer: this process has no terminal of its own.
    found = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
