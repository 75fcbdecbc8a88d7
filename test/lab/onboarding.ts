// The onboarding notebook with its trainings already done, because three tests run it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { withLock } from "../../src/datasets/lock.ts";
import { root, succeed } from "./parts.ts";

/** The longest that the trainings may take on a slow and busy machine, in milliseconds. */
export const trainingLimit = 10 * 60_000;

/** Kept between test runs; the notebook reuses finished runs. */
const shared = path.join(root, "build/onboarding");

/** What the copy changes: a graph that is the same everywhere and needs no network, and short trainings. */
const changes = [
  ['[\\"cora\\", \\"synthetic\\"]', '[\\"synthetic\\"]'],
  [
    "teacherConfig({ dataset: dataset, seed: 1 })",
    "teacherConfig({ dataset: dataset, seed: 1 }, { training: short })",
  ],
  ["method, teacher, changes)", "method, teacher, { ...changes, training: short })"],
  ["const teacher = ", 'const short = { epochs: 30, patience: 30 };\\n",\n    "const teacher = '],
] as const;

async function shortened(): Promise<string> {
  let text = await readFile(path.join(root, "notebooks/00-start-here.ipynb"), "utf8");
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `the notebook no longer says ${from}`);
    text = text.replace(from, to);
  }
  return text;
}

/** Writes the notebook as `folder/notebooks/FILE`, next to the runs that it would make. */
export async function copyOnboarding(folder: string, file: string): Promise<void> {
  const text = await shortened();
  const name = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const notebooks = path.join(shared, "notebooks");
  const done = path.join(notebooks, `${name}.out.ipynb`);
  await mkdir(notebooks, { recursive: true });
  await mkdir(path.join(shared, "runs"), { recursive: true });
  const signal = AbortSignal.timeout(trainingLimit);
  // Test files run in parallel: the first one to get here trains, the others wait for it.
  await withLock(path.join(shared, "lock"), signal, async () => {
    if (existsSync(done)) return;
    await writeFile(path.join(notebooks, `${name}.ipynb`), text);
    const args = ["notebook", "run", `${name}.ipynb`, "--output", done];
    await succeed(process.execPath, [path.join(root, "src/cli.ts"), ...args], { cwd: notebooks });
  });
  await mkdir(path.join(folder, "notebooks"), { recursive: true });
  await writeFile(path.join(folder, "notebooks", file), text);
  await symlink(path.join(shared, "runs"), path.join(folder, "runs"));
}
