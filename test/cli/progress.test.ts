// Progress: one live line on a terminal, plain lines elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { showProgress } from "../../src/cli/progress.ts";
import { showStudyProgress } from "../../src/cli/study-progress.ts";
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

test("a terminal gets one line that is redrawn within its width and erased at the end", () => {
  const { text, stream: terminal } = stream(true);
  const { observer, close } = showProgress(["x"], terminal);
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

test("elsewhere there is no carriage return, only an epoch now and then", () => {
  const { text, stream: pipe } = stream(false);
  const { observer, close } = showProgress(["x"], pipe);
  observer({ type: "start", id: "x", config, epoch: 30, asTeacher: false });
  for (let k = 0; k < 50; k++) observer(epoch);
  close();
  assert.equal(text(), "softkd on cora geom-gcn:0, seed 7: going on after epoch 30\n");
});

test("several runs: shows the one that will end last, how many are done or failed, and how many more run", (t) => {
  const { text, stream: terminal } = stream(true);
  terminal.columns = 200;
  let now = 0;
  t.mock.method(performance, "now", () => (now += 1000));
  const { observer } = showProgress(["x", "y", "z"], terminal);
  for (const id of ["x", "y"]) observer({ type: "start", id, config, epoch: 0, asTeacher: false });
  observer(epoch);
  observer({ ...epoch, id: "y", epoch: 130, secondsLeft: 200 });
  observer({ type: "fail", id: "z", message: "no luck", diverged: false });
  const drawn = text().split("\r");
  assert.match(drawn.at(-2)!, /^softkd seed 7: epoch 130\/600, .* 3:20 left \[0\/3 done, 1/);
  assert.match(drawn.at(-1)!, /^softkd seed 7: epoch 130\/600, .* 3:20 left \[1\/3 done, 1/);
});

test("a terminal of 80 columns shows the count of runs and the time left, rather than the loss", (t) => {
  const { text, stream: terminal } = stream(true);
  let now = 0;
  t.mock.method(performance, "now", () => (now += 1000));
  const { observer } = showProgress(["x", "y"], terminal);
  for (const id of ["x", "y"]) observer({ type: "start", id, config, epoch: 0, asTeacher: false });
  const line = (): string => text().split("\r").at(-1)!.trimEnd();
  const brief = "softkd seed 7: epoch 120/600, val 84.9 %, \u2264 1:34 left";
  observer(epoch);
  assert.equal(line(), `${brief} [0/2 done]`);
  terminal.columns = 90;
  observer(epoch);
  assert.equal(line(), `${brief} [0/2 done, 1 more running]`);
});

test("a study: shows done, failed, running, and the time left once a run of each kind has an epoch", (t) => {
  const { text, stream: terminal } = stream(true);
  terminal.columns = 200;
  let now = 0;
  t.mock.method(performance, "now", () => (now += 1000));
  const trials = new Map(["x", "y", "z"].map((id) => [id, config]));
  const options = { trials, earlier: [], workers: 1, stream: terminal };
  const { observer, close } = showStudyProgress(options);
  const line = (): string => text().split("\r").at(-1)!.trimEnd();
  observer({ type: "start", id: "teacher", config: teacher, epoch: 0, asTeacher: true });
  assert.match(line(), /^0\/3 done, 1 running, time left not known yet; 64L-64H alone on cora/);
  observer({ type: "fail", id: "teacher", message: "no luck", diverged: false });
  observer({ type: "start", id: "x", config, epoch: 0, asTeacher: false });
  // 94.4 s are left for four fifths of a run; two more runs take five fourths of that each.
  observer(epoch);
  const name = "softkd on cora geom-gcn:0, seed 7 (epoch 120, val 84.9 %)";
  assert.equal(line(), `0/3 done, 1 failed, 1 running, 5:30 left; ${name}`);
  close();
  assert.match(text(), / \r$/);
});
