// Progress: one live line on a terminal, plain lines elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { showProgress } from "../../src/cli/progress.ts";
import type { EpochEvent } from "../../src/training/observer.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";

const teacher = teacherConfig({ dataset: "cora", seed: 1 });
const config = studentConfig({ dataset: "cora", seed: 7 }, "softkd", teacher);

const epoch: EpochEvent = {
  ...{ type: "epoch", id: "x", epoch: 120, epochs: 600, loss: 0.81234 },
  ...{ trainAccuracy: 0.921, valLoss: 0.7, valAccuracy: 0.8489, secondsLeft: 94.4 },
};

function stream(isTTY: boolean): { text: () => string; stream: NodeJS.WriteStream } {
  let text = "";
  const write = (chunk: string): boolean => {
    text += chunk;
    return true;
  };
  const fake = { isTTY, columns: 80, write } as unknown as NodeJS.WriteStream;
  return { text: () => text, stream: fake };
}

test("a terminal gets one line that is drawn over, within its width, and wiped at the end", () => {
  const { text, stream: terminal } = stream(true);
  const { observer, close } = showProgress({ total: 1, stream: terminal });
  observer({ type: "start", id: "x", config, epoch: 0, asTeacher: false });
  observer(epoch);
  const line =
    "softkd seed 7: epoch 120/600, loss 0.812, train 92.1 %, val 84.9 %, \u2264 1:34 left";
  assert.equal(text(), `\r${line}`);
  assert.ok(line.length < 80);
  observer({ type: "note", message: "a note" });
  assert.equal(text(), `\r${line}\r${" ".repeat(line.length)}\ra note\n`);
  close();
  assert.ok(!text().endsWith(line));
});

test("elsewhere there is no carriage return, and an epoch now and then", () => {
  const { text, stream: pipe } = stream(false);
  const { observer, close } = showProgress({ total: 1, stream: pipe });
  observer({ type: "start", id: "x", config, epoch: 30, asTeacher: false });
  for (let k = 0; k < 50; k++) observer(epoch);
  close();
  assert.equal(text(), "softkd on cora geom-gcn:0, seed 7: going on after epoch 30\n");
});
