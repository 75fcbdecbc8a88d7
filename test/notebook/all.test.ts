// Every notebook, run as `npm run notebooks` runs them, from the committed results.
import assert from "node:assert/strict";
import { globSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { skipWithoutData } from "../datasets/support/shared-data.ts";
import { root, run } from "../lab/parts.ts";

const results = (): string[] => readdirSync(path.join(root, "results")).sort();

describe("every notebook runs, and trains no trial of a study", { skip: skipWithoutData() }, () => {
  // One test per notebook: how long all of them take together depends on the machine.
  for (const file of globSync("notebooks/*.ipynb", { cwd: root }).sort()) {
    const name = path.basename(file, ".ipynb");
    it(name, async () => {
      const before = results();
      const { code, output } = await run(process.execPath, ["scripts/notebooks.ts", name], {
        cwd: root,
      });
      assert.equal(code, 0, output);
      assert.match(output, /^1 notebooks?, all ran, /m);
      assert.deepEqual(results(), before, "the committed results lack trials of the quick profile");
    });
  }
});
