// The library in a cell of the real kernel: progress, an interrupted training, a plot.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { findChromium } from "../../src/display/chromium.ts";
import { ownKernelspec } from "../../src/kernel/kernelspec.ts";
import { type KernelClient, startKernel } from "../../src/notebook/client.ts";

const root = path.resolve(import.meta.dirname, "../..");
let kernel: KernelClient;

before(async () => {
  kernel = await startKernel(ownKernelspec(), { cwd: root });
});
after(() => kernel[Symbol.asyncDispose]());

/** What a cell shows, without the states; its error is the test's. */
async function cell(code: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const { reply, iopub } = await kernel.execute(code, { timeout: 60_000 });
  assert.equal(reply.content["status"], "ok", String(reply.content["evalue"]));
  return iopub.flatMap(({ header, content }) =>
    content["data"]
      ? [{ type: header.msg_type, data: content["data"] as Record<string, unknown> }]
      : [],
  );
}

test("a training that is interrupted in a cell is usable in the next one", async () => {
  await cell(`
    import * as abkd from "abkd";
    import { smallConfig, smallGraph, smallSplit } from "${root}/test/training/small.ts";
    abkd.startEngine();
    const config = smallConfig({ epochs: 1e6, patience: 1e6 });
    const inputs = abkd.graphInputs(smallGraph()).value;
    const targets = abkd.splitTargets(smallGraph(), smallSplit()).value;
    const model = new abkd.Gcnii(config.model, { features: 12, classes: 3 }, config.seed);
  `);
  for (let time = 0; time < 3; time++) {
    const running = kernel.execute(
      "const outcome = await abkd.train({ config, model, inputs, targets });",
    );
    await new Promise((resolve) => setTimeout(resolve, 700));
    await kernel.interrupt();
    const { reply, iopub } = await running;
    assert.equal(reply.content["ename"], "KeyboardInterrupt");
    const lines = iopub.flatMap(({ content }) => {
      const data = content["data"] as Record<string, string> | undefined;
      return data ? [data["text/plain"]!] : [];
    });
    assert.match(lines[0]!, /^model seed 3: epoch 1\/1000000, loss /);
    assert.match(
      lines.at(-1)!,
      /^model seed 3: stopped after \d+:\d\d: best epoch \d+ of \d+, val /,
    );
    const [shown] = await cell(`
      const { valLoss } = outcome.curve;
      const best = valLoss.indexOf(Math.min(...valLoss)) + 1;
      JSON.stringify([outcome.interrupted, outcome.bestEpoch === best, valLoss.length > 1]);
    `);
    assert.match(String(shown!.data["text/plain"]), /\[true,true,true\]/);
  }
});

test("runs that are stopped in a cell are usable in the next one", async () => {
  const runsDir = await mkdtemp(path.join(tmpdir(), "abkd-stop-"));
  try {
    await cell(`
      import * as abkd from "abkd";
      const student = abkd.teacherConfig(
        { dataset: "synthetic", seed: 1 },
        { model: { layers: 2, width: 4 }, training: { epochs: 1e6, patience: 1e6 } },
      );
      const where = { runsDir: ${JSON.stringify(runsDir)}, workers: 1 };
    `);
    const begun = Promise.withResolvers<void>();
    const unhook = kernel.onMessage((_, { content }) => {
      if (JSON.stringify(content["data"] ?? "").includes("model seed 1: epoch")) begun.resolve();
    });
    const running = kernel.execute("const results = await abkd.runTrials([student], where);");
    await begun.promise;
    unhook();
    await kernel.interrupt();
    const { reply, iopub } = await running;
    assert.equal(reply.content["ename"], "KeyboardInterrupt");
    const texts = iopub.map(({ content }) => JSON.stringify(content["data"] ?? ""));
    assert.ok(
      texts.some((text) => text.includes("0 of 1 runs done, 1 stopped, with the best epoch")),
    );
    const [shown] = await cell(`
      const [result] = results;
      const kept = abkd.readModel(abkd.runFiles(where.runsDir, student).stopped);
      JSON.stringify([result.interrupted, result.bestEpoch > 0, kept.config.seed]);
    `);
    assert.match(String(shown!.data["text/plain"]), /\[true,true,1\]/);
  } finally {
    await rm(runsDir, { recursive: true, force: true });
  }
});

test("a method that is edited replaces itself; once runs have used it, its version must be raised", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "abkd-edit-"));
  const file = path.join(folder, "mine.ts");
  const runsDir = JSON.stringify(path.join(folder, "runs"));
  const edit = (version: number, factor: number): Promise<void> =>
    writeFile(
      file,
      `import * as tf from "@tensorflow/tfjs";
       import { findMethod, registerMethod } from "abkd";
       registerMethod({
         ...findMethod("student"),
         ...{ name: "mine", version: ${version}, summary: "the student's loss, scaled" },
         create: () => ({
           ...{ parameters: [], reads: "logits" },
           loss: (_, crossEntropy) => tf.mul(${factor}, crossEntropy),
           inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
           dispose() {},
         }),
       });`,
    );
  const load = `import ${JSON.stringify(file)};`;
  try {
    await edit(1, 2);
    await cell(`import * as abkd from "abkd"; ${load}`);
    await edit(1, 3);
    await cell(load);
    const train = `
      const at = { dataset: "synthetic", seed: 1 };
      const training = { epochs: 1 };
      const alone = abkd.studentConfig(at, "student", abkd.teacherConfig(at), { training });
      const { teacher: _, ...rest } = alone;
      const { version } = abkd.findMethod("mine");
      const config = { ...rest, method: { ...alone.method, name: "mine", version } };
      const [one] = await abkd.runTrials([rest], { runsDir: ${runsDir}, workers: 1 });
      const modules = [${JSON.stringify(file)}];
      const [two] = await abkd.runTrials([config], { runsDir: ${runsDir}, workers: 1, modules });
      (two.curve.loss[0] / one.curve.loss[0]).toFixed(3)`;
    assert.equal((await cell(train)).at(-1)!.data["text/plain"], "'3.000'");
    await edit(1, 4);
    const { reply } = await kernel.execute(load, { timeout: 60_000 });
    assert.equal(reply.content["ename"], "OptionError");
    assert.match(String(reply.content["evalue"]), /runs have used it: raise its version$/);
    await edit(2, 4);
    await cell(load);
    assert.equal((await cell(train)).at(-1)!.data["text/plain"], "'4.000'");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("progress moves inside a synchronous loop", async () => {
  const shown = await cell(`
    for (const _ of abkd.progress([1, 2, 3], "loop")) {
      const until = performance.now() + 120;
      while (performance.now() < until);
    }
  `);
  assert.equal(shown[0]!.type, "display_data");
  assert.ok(shown.length >= 4);
  for (const { type } of shown.slice(1)) assert.equal(type, "update_display_data");
  assert.match(String(shown.at(-1)!.data["text/plain"]), /^loop: 3\/3, .*\/s, \d+:\d\d$/);
});

test("a plot is a result: live, with a picture where there is Chromium, and a text", async () => {
  const [result] = await cell("abkd.plot({ data: [{ y: Float32Array.of(1, 3, 2) }] })");
  assert.equal(result!.type, "execute_result");
  const picture = (await findChromium()) ? ["image/png"] : [];
  assert.deepEqual(Object.keys(result!.data), [
    ...["application/vnd.plotly.v1+json", ...picture, "text/plain"],
  ]);
});
