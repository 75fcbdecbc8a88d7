// An executor other than worker threads: a process per job, which shares only JSON and the folder of runs with
// the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { VERSION } from "../../src/base/own-package.ts";
import type { Job, StartExecutor } from "../../src/training/executor.ts";
import { type Reply, resultOf } from "../../src/training/job.ts";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { TrialsError } from "../../src/training/outcomes.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { workerThreads } from "../../src/training/worker-threads.ts";
import { contents, temporaryFolder } from "./small.ts";

const SCRIPT = fileURLToPath(new URL("job-process.ts", import.meta.url));

const teacher = teacherConfig(
  { dataset: "synthetic", seed: 1 },
  { model: { layers: 3, width: 8 }, training: { epochs: 20 } },
);
const students = (epochs: number): RunConfig[] =>
  ["student", "softkd", "abkd"].map((method, k) =>
    studentConfig({ dataset: "synthetic", seed: k + 1 }, method, teacher, {
      training: { epochs, patience: epochs },
    }),
  );

interface Seen {
  running: number;
  most: number;
  closed: number;
}

function processes(seen: Seen, change: (job: Job) => Job = (job) => job): StartExecutor {
  return async (setting) => ({
    slots: 2,
    async run(planned, hear, stop) {
      seen.most = Math.max(seen.most, ++seen.running);
      const job = change(planned);
      const child = spawn(process.execPath, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
      child.stdin.write(`${JSON.stringify({ job, setting })}\n`);
      const onAbort = (): void => void child.stdin.write("stop\n");
      if (stop.aborted) onAbort();
      stop.addEventListener("abort", onAbort);
      let reply: Reply | undefined;
      for await (const line of createInterface({ input: child.stdout })) {
        const said = JSON.parse(line) as TrainingEvent | Reply;
        if ("type" in said) hear(said);
        else reply = said;
      }
      stop.removeEventListener("abort", onAbort);
      seen.running--;
      return resultOf(reply!, job);
    },
    async close() {
      seen.closed++;
    },
  });
}

test("processes write the same files as worker threads, the teacher's once, and keep to the slots", async (t) => {
  const [ours, theirs] = [temporaryFolder(t), temporaryFolder(t)];
  const configs = students(6);
  const seen = { running: 0, most: 0, closed: 0 };
  const events: TrainingEvent[] = [];
  const results = await runTrials(configs, {
    runsDir: theirs,
    executor: processes(seen),
    observer: (event) => events.push(event),
  });
  const expected = await runTrials(configs, { runsDir: ours, workers: 2 });
  assert.deepEqual(contents(theirs), contents(ours));
  assert.deepEqual(
    results.map(({ timing: _, ...rest }) => rest),
    expected.map(({ timing: _, ...rest }) => rest),
  );
  assert.deepEqual(seen, { running: 0, most: 2, closed: 1 });
  const teachers = events.filter((event) => event.type === "start" && event.asTeacher);
  assert.equal(teachers.length, 1);
  assert.ok(events.some((event) => event.type === "epoch"));
});

test("stopped processes keep checkpoints, and go on to the same bits", async (t) => {
  const [stopped, whole] = [temporaryFolder(t), temporaryFolder(t)];
  const configs = students(60);
  const seen = { running: 0, most: 0, closed: 0 };
  const controller = new AbortController();
  const interruption = runTrials(configs, {
    runsDir: stopped,
    executor: processes(seen),
    signal: controller.signal,
    observer: (event) => event.type === "epoch" && event.epochs === 60 && controller.abort(),
  });
  await assert.rejects(interruption, (error: Error) => {
    assert.ok(error instanceof InterruptedError, error.stack);
    assert.ok(error.results.some(({ interrupted }) => interrupted));
    return true;
  });
  assert.deepEqual(seen, { running: 0, most: 2, closed: 1 });
  assert.ok([...contents(stopped).keys()].some((file) => file.endsWith("checkpoint.safetensors")));
  await runTrials(configs, { runsDir: stopped, executor: processes(seen), resume: true });
  await runTrials(configs, { runsDir: whole, workers: 2 });
  assert.deepEqual(contents(stopped), contents(whole));
});

test("workers refuse jobs of another version of the library, and data other than the job's", async (t) => {
  const runsDir = temporaryFolder(t);
  const seen = { running: 0, most: 0, closed: 0 };
  const other =
    (start: StartExecutor): StartExecutor =>
    (setting, resources) =>
      start({ ...setting, library: "0.0.0" }, resources);
  const module = new URL("own-module.ts", import.meta.url).href;
  const version = new RegExp(
    `runs abkd 0\\.0\\.0, but its workers load ${VERSION}: .*start it again`,
  );
  const refused: readonly [StartExecutor, RegExp, typeof UserError, (readonly string[])?][] = [
    [other(workerThreads({ workers: 1 })), version, TrialsError as never],
    [other(workerThreads({ workers: 1 })), version, UserError, [module]],
    [other(processes(seen)), version, TrialsError as never],
    [
      processes(seen, (job) => ({ ...job, data: "0123456789abcdef" })),
      /the data named synthetic .* is not the data that the run was planned for/,
      TrialsError as never,
    ],
  ];
  for (const [executor, message, type, modules = []] of refused) {
    await assert.rejects(runTrials([teacher], { runsDir, executor, modules }), (error: Error) => {
      assert.ok(error instanceof type, error.stack);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(contents(runsDir).size, 0);
  }
  assert.equal(seen.closed, 2);
});

test("a program's own executor excludes the options of worker threads", async (t) => {
  const executor: StartExecutor = () => assert.fail("nothing is started");
  for (const threads of [{ workers: 1 }, { threads: 2 }]) {
    const options = { runsDir: temporaryFolder(t), executor, ...threads };
    await assert.rejects(runTrials([teacher], options), OptionError);
  }
  const none: StartExecutor = async (...given) => ({
    ...(await processes({ running: 0, most: 0, closed: 0 })(...given)),
    slots: 0,
  });
  const options = { runsDir: temporaryFolder(t), executor: none };
  await assert.rejects(runTrials([teacher], options), /the executor has 0 slots; legal: 1 or more/);
  const wrong = { executor: "slurm" } as unknown as { executor: StartExecutor };
  await assert.rejects(runTrials([teacher], wrong), /option "executor" is "slurm"; legal: a funct/);
});
