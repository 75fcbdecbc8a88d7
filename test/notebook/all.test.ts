// Every notebook, run as `npm run notebooks` runs them, from the committed results.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { globSync, readdirSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { skipWithoutData } from "../datasets/support/shared-data.ts";
import { root } from "../lab/parts.ts";

const results = (): string[] => readdirSync(path.join(root, "results")).sort();
const names = globSync("notebooks/*.ipynb", { cwd: root })
  .map((file) => path.basename(file, ".ipynb"))
  .sort();

describe("every notebook runs, and trains no trial of a study", { skip: skipWithoutData() }, () => {
  const stored = results();
  /** What the script says of each notebook; of none if it ended before. */
  const states = new Map(names.map((name) => [name, Promise.withResolvers<string>()]));
  let script: ChildProcess;
  let output = "";
  let ended: Promise<number | null>;

  before(() => {
    script = spawn(process.execPath, ["scripts/notebooks.ts"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [script.stdout!, script.stderr!]) {
      createInterface(stream).on("line", (line) => {
        output += `${line}\n`;
        const [, name = "", state = ""] = /^\d+\/\d+ ([\w-]+): (.*)$/.exec(line) ?? [];
        states.get(name)?.resolve(state);
      });
    }
    ended = new Promise((resolve) => script.on("close", resolve));
    void ended.then(() => {
      for (const { resolve } of states.values()) resolve(`the script ended before:\n${output}`);
    });
  });
  after(() => script.kill());

  // One test per notebook: how long all of them take together depends on the machine.
  for (const name of names) {
    it(name, async () => assert.match(await states.get(name)!.promise, /^ok, /));
  }

  it("and says so; the committed results have all trials of the quick profile", async () => {
    assert.equal(await ended, 0, output);
    assert.ok(output.includes(`\n${names.length} notebooks, all ran, `), output);
    assert.deepEqual(results(), stored);
  });
});
