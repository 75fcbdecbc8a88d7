// `npm test`: checks types, lint and formatting, then runs all test files.
// With --soak it is `npm run soak`: the long fuzz and kill tests of test/**/*.soak.ts, one at a time.
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { EventData } from "node:test";
import { run } from "node:test";
import { parseArgs } from "node:util";

const root = path.resolve(import.meta.dirname, "..");

const { values, positionals } = parseArgs({
  options: { soak: { type: "boolean", default: false } },
  allowPositionals: true,
});

/**
 * The longest that one test may take, and the longest without any test ending, in milliseconds. The time of
 * all tests together depends on the machine and is not limited.
 */
const testLimit = (values.soak ? 60 : 5) * 60_000;
const silenceLimit = (values.soak ? 180 : 20) * 60_000;

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const COUNTS = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, "    ");
}

/** Runs one tool from node_modules to its end and counts it as one test. */
async function check(title: string, tool: string, args: readonly string[]): Promise<void> {
  const started = performance.now();
  const child = spawn(path.join(root, "node_modules/.bin", tool), args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => {
    child.on("error", (error) => {
      output += error.message;
      resolve(null);
    });
    child.on("close", resolve);
  });
  const ok = code === 0;
  totals[ok ? "passed" : "failed"]++;
  console.log(`${ok ? "ok    " : "FAILED"} ${title} (${seconds(performance.now() - started)})`);
  if (ok) return;
  console.log(indent(output));
  failures.push(`${title}\n${indent(output)}`);
}

/** Lets all processes of the tests share what Node.js has compiled, which is most of a short one's work. */
function shareCompiledCode(): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), "abkd-compiled-"));
  process.env["NODE_COMPILE_CACHE"] = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
}

/** Returns the message and the place of a failure, without the frames of node:test and Node itself. */
function describe({ details }: EventData.TestFail): string {
  const { error } = details;
  const cause = error.cause instanceof Error ? error.cause : error;
  const text = cause.stack ?? cause.message;
  return indent(text.replaceAll(/\n\s+at .*\(?node:internal.*/g, ""));
}

/** Runs test files in one process each, and prints one line per file as it ends. */
async function runTests(files: readonly string[]): Promise<void> {
  const stopped = new AbortController();
  // Stops the files' processes: otherwise they and whatever they started would keep running.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
  const silence = setTimeout(
    () => stopped.abort(new Error(`no test ended within ${seconds(silenceLimit)}`)),
    silenceLimit,
  );
  const stream = run({
    files,
    cwd: root,
    // One more than there are cores, since many tests wait for other processes or for the clock.
    concurrency: values.soak ? 1 : os.availableParallelism() + 1,
    timeout: testLimit,
    // The limit above does not catch a file whose tests are over but whose process lives on.
    signal: stopped.signal,
  });
  for (const ended of ["test:pass", "test:fail"] as const)
    stream.on(ended, () => void silence.refresh());
  const notes = new Map<string, string>();
  const output = new Map<string, string>();
  const append = (texts: Map<string, string>, file = "", text = "") =>
    texts.set(file, (texts.get(file) ?? "") + text);
  stream.on("test:stdout", ({ file, message }) => append(output, file, message));
  stream.on("test:stderr", ({ file, message }) => append(output, file, message));
  stream.on("test:pass", ({ file, name, skip }) => {
    if (skip === undefined || skip === false) return;
    // Counted here, since node:test's own count leaves out whole suites.
    totals.skipped++;
    append(notes, file, `  skipped: ${name}${typeof skip === "string" ? ` (${skip})` : ""}\n`);
  });
  // What a soak has measured; node:test's own counts come in the same way.
  stream.on("test:diagnostic", ({ file, message }) => {
    if (values.soak && file !== undefined && !COUNTS.test(message))
      append(notes, file, `  ${message}\n`);
  });
  stream.on("test:fail", (failure) => {
    const { file = "", name, details } = failure;
    // A parent fails only because a child did, which has already been reported.
    if ("failureType" in details.error && details.error.failureType === "subtestsFailed") return;
    const where = path.relative(root, file);
    if (name === file) {
      // The file's process itself failed: there is no test to blame, only its output.
      const code = "exitCode" in details.error ? ` (exit code ${details.error.exitCode})` : "";
      const text = indent(`${details.error.message}${code}\n${output.get(file) ?? ""}`);
      console.log(`FAILED ${where}\n${text}`);
      failures.push(`${where}\n${text}`);
      return;
    }
    append(notes, file, `  failed: ${name}\n${describe(failure)}\n`);
    failures.push(`${where}: ${name}\n${describe(failure)}`);
  });
  stream.on("test:summary", ({ file, counts, duration_ms, success }) => {
    if (file === undefined) {
      totals.passed += counts.passed;
      totals.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
      totals.skipped += counts.todo;
      return;
    }
    const title = `${path.relative(root, file)}: ${counts.passed} of ${counts.tests}`;
    console.log(`${success ? "ok    " : "FAILED"} ${title} (${seconds(duration_ms)})`);
    process.stdout.write(notes.get(file) ?? "");
    if (!success && output.has(file)) console.log(indent(`output:\n${output.get(file)}`));
  });
  await new Promise((resolve, reject) => {
    stream.on("end", resolve);
    stream.on("error", reject);
    stream.resume();
  });
  clearTimeout(silence);
}

async function main(): Promise<void> {
  const [pattern] = positionals;
  const suffix = values.soak ? ".soak.ts" : ".test.ts";
  // The tests that wait for npm, Python and a browser take longest, so they go first.
  const slow = (file: string) => Number(!/\/(packaging|lab)\//.test(file));
  const all = globSync(`test/**/*${suffix}`, { cwd: root })
    .sort()
    .sort((a, b) => slow(a) - slow(b));
  const chosen = pattern === undefined ? all : all.filter((file) => file.includes(pattern));
  if (chosen.length === 0) {
    console.error(`no test file under test/ has a path that contains "${pattern ?? suffix}"`);
    process.exitCode = 2;
    return;
  }
  const started = performance.now();
  if (pattern === undefined && !values.soak) {
    await Promise.all([
      check("types (tsc)", "tsc", ["-p", "."]),
      check("lint and format (biome)", "biome", ["check", "."]),
    ]);
  }
  shareCompiledCode();
  await runTests(chosen.map((file) => path.join(root, file)));
  if (failures.length > 0) console.log(`\nFailures:\n\n${failures.join("\n\n")}`);
  console.log(`\n${seconds(performance.now() - started)}`);
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
  console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
  process.exitCode = totals.failed > 0 || failures.length > 0 ? 1 : 0;
}

main();
