// The language service's thread: it answers one question after another.
import { parentPort, workerData } from "node:worker_threads";
import { Analyst } from "./analyst.ts";
import type { CellRecord, FromWorker, ToWorker, WorkerSettings } from "./protocol.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs in a worker thread");
const reply = (message: FromWorker): void => port.postMessage(message);

const analyst = new Analyst(workerData as WorkerSettings);
// This reads the standard library's types: seconds on an idle machine, a minute on a busy one.
analyst.answer({ kind: "complete", code: "", cursor: 0 });
reply({ type: "ready" });
port.on("message", (message: ToWorker) => {
  if (message.type === "record") {
    for (const cell of message.cells) record(cell);
    return;
  }
  const { id, question } = message;
  try {
    reply({ type: "answer", id, answer: analyst.answer(question) });
  } catch (error) {
    reply({ type: "failure", id, message: String(error) });
  }
});

/** Records a cell. One that is nested too deep for TypeScript is left out, and the others stay known. */
function record(cell: CellRecord): void {
  try {
    analyst.record(cell);
  } catch {
    // Its own diagnostics report the error when they are asked for.
  }
}
