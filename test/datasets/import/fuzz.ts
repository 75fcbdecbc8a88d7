// Imports corrupted graphs in a child process with a small heap: each is refused in one line, soon, in little memory.
import assert from "node:assert/strict";
import path from "node:path";
import type { Outcome } from "../support/load-all.ts";
import { loadAll } from "../support/loaded.ts";
import type { Corrupted } from "./support/corrupt.ts";
import { folderOf } from "./support/folder.ts";

/** What a corrupted import may cost: milliseconds of processor time, bytes at the peak of the whole process. */
const MOST = { milliseconds: 1000, peak: 500e6 };

/** @returns how many were refused, and the most that one cost */
export async function importAll(
  cases: readonly Corrupted[],
): Promise<Outcome & { refused: number }> {
  const data = folderOf({});
  const requests = cases.map(({ files, file }) => {
    const folder = folderOf(files);
    return { dataset: file === undefined ? folder : path.join(folder, file), folder: data };
  });
  const outcomes = await loadAll(requests);
  assert.equal(outcomes.length, cases.length, `the child died at ${cases[outcomes.length]?.what}`);
  let refused = 0;
  for (const [k, outcome] of outcomes.entries()) {
    const { what, maybeSound } = cases[k]!;
    const { exitCode, stderr, stdout, milliseconds } = outcome;
    const seen = `${what}: ${exitCode}, ${stderr || stdout.slice(0, 300)}`;
    // The first one also loads the modules.
    if (k > 0) assert.ok(milliseconds < MOST.milliseconds, `${seen}: ${milliseconds} ms`);
    if (exitCode === 0 && maybeSound) continue;
    refused++;
    assert.ok(exitCode === 1 || exitCode === 2, seen);
    assert.match(stderr, /^abkd: .{20,}\n$/, seen);
    assert.doesNotMatch(stderr, /internal error|undefined|\[object|is not a function/, seen);
    const name = path.basename(requests[k]!.dataset, ".npz");
    const named = stderr.includes(requests[k]!.dataset) || stderr.includes(`${name}-`);
    assert.ok(named, `it names no file: ${seen}`);
  }
  const slowest = Math.max(...outcomes.slice(1).map(({ milliseconds }) => milliseconds));
  const last = outcomes.at(-1)!;
  assert.ok(last.peak < MOST.peak, `${last.peak} bytes`);
  return { ...last, milliseconds: slowest, refused };
}
