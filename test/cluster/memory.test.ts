// The memory that a plan names, against what processes held at most when they were measured (2026-11-30).
import assert from "node:assert/strict";
import { test } from "node:test";
import { largestJob } from "../../src/cluster/memory.ts";
import type { PlannedArray } from "../../src/cluster/plan.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { runId } from "../../src/training/run-id.ts";
import { loadTrialData } from "../../src/training/trial-data.ts";

const SUBJECT = { dataset: "synthetic", split: "random:48/32/20:0" } as const;

/** A task's own process had 83 MB, the one that trains the rest; megabytes of VmHWM. */
const TASK = 83;
const MEASURED = { student: TASK + 454, twoStudents: TASK + 759, teacher: TASK + 304 };

test("the largest job's memory is at least what was measured, and at most half as much again", async () => {
  const teacher = teacherConfig({ ...SUBJECT, seed: 1 });
  const students = [1, 2, 3].map((seed) => studentConfig({ ...SUBJECT, seed }, "abkd", teacher));
  const dataOf = await loadTrialData([teacher, ...students], {});
  const megabytes = (configs: typeof students, cpus: number): number => {
    const tasks = [configs.map((config) => ({ id: runId(config), config, record: true }))];
    const array: PlannedArray = { name: "a1", tasks, seconds: 1, after: [], afterJobs: [] };
    return largestJob([array], dataOf, cpus) / 1e6;
  };
  const between = (found: number, measured: number): void =>
    assert.ok(found >= measured && found <= 1.5 * measured, `${found} MB, measured ${measured}`);
  between(megabytes(students.slice(0, 1), 1), MEASURED.student);
  between(megabytes([teacher], 1), MEASURED.teacher);
  // Three runs in a job, two of them at a time.
  between(megabytes(students, 2), MEASURED.twoStudents);
  assert.equal(megabytes(students, 1), megabytes(students.slice(0, 1), 1));
});
