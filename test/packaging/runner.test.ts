// `npm test`'s own runner: failures are counted, reported, repeated at the end, and set the exit code.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

const script = path.join(import.meta.dirname, "../../scripts/test.ts");
const header =
  'import { describe, test } from "node:test";\nimport assert from "node:assert/strict";\n';
const files = {
  "good.test.ts": 'describe("suite", () => { test("one", () => {}); test("two", () => {}); });',
  "bad.test.ts": 'test("sum", () => assert.equal(1 + 1, 3)); test("fine", () => {});',
  "skipping.test.ts":
    'test("needs a browser", (t) => t.skip("no Chromium")); describe("all", { skip: "why" }, () => {});',
  "broken.test.ts": 'console.error("last words"); process.exit(3);',
  "deep/down.test.ts": 'test("here too", () => {});',
};

describe("the test runner", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-runner-"));
    await mkdir(path.join(folder, "test/deep"), { recursive: true });
    await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
    await cp(script, path.join(folder, "scripts/test.ts"));
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(folder, "test", name), header + text);
  });
  after(() => rm(folder, { recursive: true }));

  /** Runs the copy of the runner in a process of its own, without this test's context. */
  function run(...args: string[]) {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const result = spawnSync(process.execPath, ["scripts/test.ts", ...args], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    return { ...result, lines: result.stdout.trimEnd().split("\n") };
  }

  it("ends with the totals and exit code 0 if everything passes", () => {
    const { status, lines } = run("good");
    assert.equal(lines.at(-1), "2 passed, 0 failed");
    assert.equal(status, 0);
  });

  it("finds files in subfolders, and counts skipped tests with their reasons", () => {
    assert.equal(run("deep").lines.at(-1), "1 passed, 0 failed");
    const { stdout, lines, status } = run("skipping");
    assert.match(stdout, /skipped: needs a browser \(no Chromium\)/);
    assert.equal(lines.at(-1), "0 passed, 0 failed, 2 skipped");
    assert.equal(status, 0);
  });

  it("reports a failure in place and at the end, and exits with 1", () => {
    const { stdout, lines, status } = run("bad");
    const end = stdout.slice(stdout.indexOf("Failures:"));
    assert.match(end, /test\/bad\.test\.ts: sum\n.*\n*.*2 !== 3/);
    assert.equal(lines.at(-1), "1 passed, 1 failed");
    assert.equal(status, 1);
  });

  it("counts a file whose process fails, and shows what it printed", () => {
    const { stdout, lines, status } = run("broken");
    assert.match(stdout, /FAILED test\/broken\.test\.ts\n.*exit code 3.*\n.*last words/);
    assert.equal(lines.at(-1), "0 passed, 1 failed");
    assert.equal(status, 1);
  });

  it("says so if no file matches", () => {
    const { stderr, status } = run("nothing-like-this");
    assert.match(stderr, /no test file .* contains "nothing-like-this"/);
    assert.equal(status, 2);
  });

  it("counts types and lint as failed if the tools are missing", () => {
    const { lines, status } = run();
    assert.equal(lines.at(-1), "4 passed, 4 failed, 2 skipped");
    assert.equal(status, 1);
  });
});
