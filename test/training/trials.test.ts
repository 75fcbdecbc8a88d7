// Many runs: the same files for any number of workers, one teacher for all, failures that stop no other run.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { TrialsError } from "../../src/training/outcomes.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runFiles } from "../../src/training/run-store.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import { KeptThreads } from "../../src/training/worker-threads.ts";
import { contents, temporaryFolder } from "./small.ts";

const run = promisify(execFile);

const subject = (seed: number) => ({ dataset: "synthetic", seed });
const TRAINING = { epochs: 6 };
const teacher = teacherConfig(subject(1), { model: { layers: 3, width: 8 }, training: TRAINING });

function student(method: string, seed: number, epochs = 6): RunConfig {
  return studentConfig(subject(seed), method, teacher, { training: { epochs } });
}

const CONFIGS = [1, 2].flatMap((seed) =>
  ["student", "softkd", "abkd"].map((m) => student(m, seed)),
);

test("repeated runs, on 1 or 2 workers, write identical files apart from the timing", async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  const events: TrainingEvent[] = [];
  const first = await runTrials(CONFIGS, {
    runsDir: one,
    workers: 1,
    observer: (event) => events.push(event),
  });
  const second = await runTrials(CONFIGS, { runsDir: two, workers: 2 });
  assert.deepEqual(contents(one), contents(two));
  assert.equal(contents(one).size, 2 * (CONFIGS.length + 1), "a result and a model each");
  assert.deepEqual(
    first.map(({ config }) => config),
    CONFIGS,
  );
  assert.deepEqual(
    first.map(({ curve }) => curve),
    second.map(({ curve }) => curve),
  );
  const teachers = events.filter((event) => event.type === "start" && event.asTeacher);
  assert.equal(teachers.length, 1, "the shared teacher was trained once");
});

test("threads that stay for several calls do the same, after a stopped one too", async (t) => {
  const [kept, fresh] = [temporaryFolder(t), temporaryFolder(t)];
  const threads = new KeptThreads({ workers: 2 });
  t.after(() => threads.close());
  const options = { runsDir: kept, executor: threads.start };
  await runTrials(CONFIGS.slice(0, 2), options);
  const stop = new AbortController();
  const endless = student("student", 9, 1e6);
  const stopped = runTrials([endless], {
    ...options,
    signal: stop.signal,
    observer: ({ type }) => type === "epoch" && stop.abort(),
  });
  await assert.rejects(stopped, InterruptedError);
  await runTrials(CONFIGS.slice(2), options);
  await runTrials(CONFIGS, { runsDir: fresh, workers: 1 });
  const [{ folder }, expected] = [runFiles(kept, endless), contents(fresh)];
  rmSync(folder, { recursive: true });
  assert.deepEqual(contents(kept), expected);
});

test("methods with one seed start from the same student: ABKD with beta 0 is the student", async (t) => {
  // Recipes may differ in anything but the start, so ABKD is given the student's dropout and training.
  const alone = student("student", 1);
  const abkd = studentConfig(subject(1), "abkd", teacher, {
    model: { dropout: alone.model.dropout },
    training: alone.training,
    options: { beta: 0 },
  });
  const [plain, none, soft] = await runTrials([alone, abkd, student("softkd", 1)], {
    runsDir: temporaryFolder(t),
    workers: 2,
  });
  assert.deepEqual(none?.curve.valLoss, plain?.curve.valLoss);
  assert.deepEqual(none?.accuracy, plain?.accuracy);
  assert.notDeepEqual(soft?.curve.valLoss, plain?.curve.valLoss);
});

test("a teacher of another split is refused: it may have seen the test nodes", async (t) => {
  const config = { ...student("softkd", 1), split: "public" };
  const options = { runsDir: temporaryFolder(t) };
  await assert.rejects(runTrials([config], options), {
    name: "OptionError",
    message: /a student of synthetic public has a teacher of synthetic random:48/,
  });
});

test("a cached teacher is reused; a damaged or foreign entry is reported and retrained", async (t) => {
  const folder = temporaryFolder(t);
  const config = student("softkd", 1);
  const files = runFiles(folder, teacher);
  const cached = async (): Promise<{ cached: boolean; notes: string[] }> => {
    const events: TrainingEvent[] = [];
    await runTrials([config], { runsDir: folder, workers: 1, observer: (e) => events.push(e) });
    const found = events.find((e) => e.type === "finish" && !e.result.config.method);
    return {
      cached: found?.type === "finish" && found.cached,
      // Six epochs kill this teacher, which another test checks.
      notes: events.flatMap((e) =>
        e.type === "note" && !e.message.includes(" is dead: ") ? [e.message] : [],
      ),
    };
  };
  assert.deepEqual(await cached(), { cached: false, notes: [] });
  const sound = contents(folder);
  assert.deepEqual(await cached(), { cached: true, notes: [] });

  const model = readFileSync(files.model);
  const result = readFileSync(files.result, "utf8");
  const damage: [why: RegExp, make: () => void][] = [
    [/not a whole safetensors/, () => writeFileSync(files.model, model.subarray(0, 1000))],
    [/is not valid JSON/, () => writeFileSync(files.result, result.slice(0, 100))],
    [/altered/, () => writeFileSync(files.result, result.replace('"seed": 1', '"seed": 2'))],
  ];
  for (const [why, make] of damage) {
    make();
    const again = await cached();
    assert.equal(again.cached, false);
    assert.match(again.notes.join(), why);
    assert.deepEqual(contents(folder), sound, "the same bits again");
  }
});

test("a run that fails is named, and the others finish", async (t) => {
  const folder = temporaryFolder(t);
  const good = student("student", 1);
  const training = { ...good.training, learningRate: 3e38 };
  const wild = { ...student("student", 2), training };
  const failed: boolean[] = [];
  const failure = await runTrials([wild, good], {
    runsDir: folder,
    workers: 2,
    observer: (event) => event.type === "fail" && failed.push(event.diverged),
  }).catch((error: unknown) => error);
  assert.ok(failure instanceof TrialsError, String(failure));
  assert.match(failure.message, /^1 of 2 runs failed: student on synthetic .*, seed 2: the val/);
  assert.equal(failure.exitCode, 1);
  assert.equal(failure.results[0], undefined);
  assert.equal(failure.results[1]?.config.seed, 1);
  assert.deepEqual(failed, [true]);
});

test("a worker that dies is an error that names its run, and the others finish", async (t) => {
  const endless = { training: { epochs: 1e6, patience: 1e6 } };
  const victim = studentConfig(subject(1), "student", teacher, endless);
  const configs = [victim, student("student", 2)];
  const module = new URL("../../src/training/trials.ts", import.meta.url).href;
  for (const [death, why] of [
    ["process.exit(3)", /its worker failed: worker exited with code: 3$/],
    ["for (const all = []; ; ) all.push(new Array(1e5).fill(0.5))", /out of memory; use fewer/],
  ] as const) {
    const folder = temporaryFolder(t);
    // Loaded into every thread: the first worker dies during the first run; a new one takes the second.
    const killer = join(folder, "killer.mjs");
    writeFileSync(
      killer,
      `import { isMainThread, threadId } from "node:worker_threads";
       if (!isMainThread && threadId === 1) setTimeout(() => { ${death} }, 1500);`,
    );
    const script = join(folder, "script.mjs");
    writeFileSync(
      script,
      `import { runTrials } from ${JSON.stringify(module)};
       const options = { runsDir: ${JSON.stringify(folder)}, workers: 1 };
       const error = await runTrials(${JSON.stringify(configs)}, options).catch((e) => e);
       const done = error.results.map((result) => result?.config.seed);
       console.log(JSON.stringify({ message: error.message, done }));`,
    );
    const args = ["--max-old-space-size=200", "--import", killer, script];
    // Only the test's own time limit: on a busy machine, filling the memory takes long.
    const { stdout } = await run(process.execPath, args);
    const { message, done } = JSON.parse(stdout) as { message: string; done: (number | null)[] };
    assert.match(message, /^1 of 2 runs failed: student on synthetic .*, seed 1: /);
    assert.match(message, why);
    assert.deepEqual(done, [null, 2]);
  }
});

test("two processes that train the same teacher at once leave an undamaged cache", async (t) => {
  const [shared, alone] = [temporaryFolder(t), temporaryFolder(t)];
  const cli = new URL("../../src/cli.ts", import.meta.url).pathname;
  const args = (folder: string): string[] => [
    ...[cli, "distill", "--dataset", "synthetic", "--method", "softkd", "--epochs", "6"],
    ...["--teacher-layers", "3", "--teacher-width", "8", "--teacher-epochs", "20"],
    ...["--runs", folder, "--checkpoint-every", "0", "--workers", "1", "--quiet"],
  ];
  const runIn = (folder: string) => run(process.execPath, args(folder), { timeout: 60_000 });
  await Promise.all([runIn(shared), runIn(shared)]);
  await runIn(alone);
  assert.deepEqual(contents(shared), contents(alone));
});

test("aborting stops all runs, including queued ones, and resuming gives the same bits", async (t) => {
  const [stopped, whole] = [temporaryFolder(t), temporaryFolder(t)];
  const configs = [1, 2, 3].map((seed) => student("abkd", seed, 40));
  const controller = new AbortController();
  const interruption = runTrials(configs, {
    runsDir: stopped,
    workers: 1,
    signal: controller.signal,
    observer: (event) => event.type === "epoch" && event.epochs === 40 && controller.abort(),
  });
  await assert.rejects(interruption, InterruptedError);
  const files = [...contents(stopped).keys()];
  assert.ok(
    files.some((file) => file.endsWith("checkpoint.safetensors")),
    files.join(),
  );
  const epochs: number[] = [];
  await runTrials(configs, {
    runsDir: stopped,
    workers: 1,
    resume: true,
    observer: (event) => event.type === "start" && epochs.push(event.epoch),
  });
  assert.ok(Math.max(...epochs) > 0, "one went on from its checkpoint");
  await runTrials(configs, { runsDir: whole, workers: 2 });
  assert.deepEqual(contents(stopped), contents(whole));
});

test("an already aborted signal stops everything before it begins", async (t) => {
  const runsDir = temporaryFolder(t);
  const signal = AbortSignal.abort();
  await assert.rejects(runTrials(CONFIGS, { runsDir, signal, workers: 1 }), InterruptedError);
});
