// Two hundred files: twenty odd but legal ones that must load, and broken ones, each rejected in one line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { badCases } from "./support/bad-files.ts";
import type { Outcome } from "./support/load-all.ts";
import { loadAll, withoutData } from "./support/loaded.ts";
import { type Case, ODD_CASES, toyNonzeros } from "./support/odd-files.ts";
import { TOY, toyArcs } from "./support/toy.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(path.join(tmpdir(), "abkd-bad-input-"));
const marker = path.join(folder, "executed");
const CASES = [...ODD_CASES, ...badCases(marker)];

const folderOf = (k: number): string => path.join(folder, "cases", String(k));

function write(files: Case["files"], target: string): void {
  for (const [file, bytes] of files) {
    mkdirSync(path.join(target, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(target, file), bytes);
  }
}

function listing(): string[] {
  const inRoot = readdirSync(path.join(ROOT, "data"), { recursive: true }) as string[];
  return [...(readdirSync(folder, { recursive: true }) as string[]), ...inRoot].sort();
}

describe("two hundred files", () => {
  let outcomes: Outcome[];
  let filesBefore: string[];

  before(async () => {
    CASES.forEach(({ files }, k) => {
      write(files, folderOf(k));
    });
    filesBefore = listing();
    outcomes = await loadAll(CASES.map(({ dataset }, k) => ({ dataset, folder: folderOf(k) })));
  });
  after(() => rmSync(folder, { recursive: true }));

  test("there are two hundred, twenty of them legal", () => {
    assert.equal(CASES.length, 200);
    assert.equal(ODD_CASES.length, 20);
    assert.equal(outcomes.length, 200, "the child died on the way");
  });

  test("the odd ones load with the right contents", () => {
    ODD_CASES.forEach(({ name, expected }, k) => {
      const { exitCode, stdout, stderr } = outcomes[k]!;
      assert.equal(exitCode, 0, `${name}: ${stderr}`);
      const found = JSON.parse(stdout) as Record<string, number>;
      const wanted = {
        nodes: TOY.nodes,
        arcs: toyArcs(),
        features: TOY.features,
        featureNonzeros: toyNonzeros(),
        classes: TOY.classes,
        unlabelled: 0,
        isolated: 0,
        ...expected,
      };
      for (const [key, value] of Object.entries(wanted)) {
        assert.equal(found[key], value, `${name}: ${key}`);
      }
    });
  });

  test("the broken ones are rejected in one line that names the file", () => {
    for (let k = ODD_CASES.length; k < CASES.length; k++) {
      const { name } = CASES[k]!;
      const { exitCode, stdout, stderr } = outcomes[k]!;
      assert.equal(exitCode, 1, `${name}: exit code ${exitCode}, ${stdout}${stderr}`);
      assert.equal(stdout, "", name);
      assert.match(stderr, /^abkd: [^\n]+\n$/, name);
      assert.ok(stderr.includes(folderOf(k)), `${name}: ${stderr}`);
      assert.doesNotMatch(stderr, /internal error|undefined|NaN|\[object/, name);
    }
  });

  test("each takes less than a second and 500 MB", () => {
    CASES.forEach(({ name }, k) => {
      const { milliseconds } = outcomes[k]!;
      assert.ok(milliseconds < 1000, `${name}: ${milliseconds} ms`);
    });
    const peak = outcomes.at(-1)!.peak;
    assert.ok(peak < 500e6, `${peak} bytes at the peak`);
  });

  test("nothing is executed, nothing is written", () => {
    assert.ok(!existsSync(marker));
    assert.deepEqual(listing(), filesBefore);
  });
});

test("a broken file in a separate process: exit code 1, one line, no stack", () => {
  const target = mkdtempSync(path.join(tmpdir(), "abkd-one-bad-"));
  const hostile = CASES.find(({ name }) => name === "os.system")!;
  write(hostile.files, target);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(ROOT, "src", "cli.ts"), "data", "info", "cora", "--data", target],
    { encoding: "utf8", env: withoutData() },
  );
  rmSync(target, { recursive: true });
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /^abkd: .*ind\.cora\.x: offset 0, opcode GLOBAL \(0x63\): it names os\.system.*\n$/,
  );
});
