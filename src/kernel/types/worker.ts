// The language service's thread: one question after the other.
import { parentPort, workerData } from "node:worker_threads";
import { Analyst } from "./analyst.ts";
import type { CellRecord, FromWorker, ToWorker, WorkerSettings } from "./protocol.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs in a worker thread");
const reply = (message: FromWorker): void => port.postMessage(message);

const analyst = new Analyst(workerData as WorkerSettings);
// Reads the standard library's types: seconds at rest, a minute on a machine that is busy.
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

/** A cell that TypeScript cannot take, nested too deep for it, is left out: others are still known. */
function record(cell: CellRecord): void {
  try {
    analyst.record(cell);
  } catch {
    // Its own diagnostics say so, where they are asked for.
  }
}
