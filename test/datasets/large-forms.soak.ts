// Over 200 fuzzed csv.gz, npz and json files of the larger datasets: a clear error each, soon and in little memory.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { type FuzzedFile, fuzzedFiles } from "./support/large-forms.ts";
import { loadAll } from "./support/loaded.ts";

/** What one file may cost: milliseconds of processor time, bytes at the peak of the whole process. */
const MOST = { milliseconds: 1000, peak: 500e6 };

function written(root: string, files: FuzzedFile["files"], k: number): string {
  const folder = path.join(root, String(k));
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), bytes);
  }
  return folder;
}

let fuzzed = 0;
for (const [kind, cases] of fuzzedFiles(1)) {
  test(`${cases.length} fuzzed files: ${kind}`, async (t) => {
    const root = mkdtempSync(path.join(tmpdir(), "abkd-fuzzed-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const requests = cases.map(({ dataset, files }, k) => ({
      dataset,
      folder: written(root, files, k),
    }));
    const outcomes = await loadAll(requests);
    assert.equal(
      outcomes.length,
      cases.length,
      `the child died at ${cases[outcomes.length]?.what}`,
    );
    const faults: string[] = [];
    let refused = 0;
    for (const [k, { exitCode, stdout, stderr, milliseconds }] of outcomes.entries()) {
      const { what, maybeSound } = cases[k]!;
      const seen = `${what}: ${exitCode}, ${stderr || stdout.slice(0, 100)}`;
      // The first one also loads the modules.
      if (k > 0 && milliseconds > MOST.milliseconds) faults.push(`${seen}: ${milliseconds} ms`);
      if (exitCode === 0) {
        if (!maybeSound) faults.push(`accepted: ${seen}`);
        continue;
      }
      refused++;
      const clear = /^abkd: .{20,}\n$/.test(stderr) && stderr.includes(requests[k]!.folder);
      const escapes = stderr.includes("\u001b");
      const ours = escapes || /internal error|undefined|\[object|is not a function/.test(stderr);
      if ((exitCode !== 1 && exitCode !== 2) || !clear || ours) faults.push(seen);
    }
    const { peak } = outcomes.at(-1)!;
    const slowest = Math.max(...outcomes.slice(1).map(({ milliseconds }) => milliseconds));
    console.log(
      `      ${refused} of ${cases.length} refused, at most ${Math.round(slowest)} ms each, ${Math.round(peak / 1e6)} MB`,
    );
    assert.deepEqual(faults, []);
    assert.ok(peak < MOST.peak, `${peak} bytes`);
    fuzzed += cases.length;
  });
}

test("they are more than 200", () => assert.ok(fuzzed > 200, `${fuzzed}`));
