// Every function that `abkd` and `abkd/paper` export, called with invalid arguments: it throws one of our errors,
// saying what to pass.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../src/base/errors.ts";
import * as abkd from "../../src/index.ts";
import * as paper from "../../src/paper.ts";
import { temporaryFolder } from "../training/small.ts";

const WRONG: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  "{}": {},
  '""': "",
  NaN: Number.NaN,
  "[]": [],
};
const ALL = Object.keys(WRONG);

/** Arguments that are valid for a function, and so are not tried. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  canonicalJson: ["null", "{}", '""', "[]"],
  describeFinding: ["[]"],
  describeWarnings: ["[]"],
  inconsistencies: ["undefined"],
  learningCurves: ["[]"],
  liveCurve: ALL,
  modelSizeClaims: ["undefined", "{}", "[]"],
  progress: ["[]"],
  reachFigure: ["[]"],
  ResultsStore: ["undefined"],
  resultsTable: ["[]"],
  runTrials: ["[]"],
  startEngine: ["undefined"],
  table9Claims: ["undefined", "{}", "[]"],
  termTable: ["[]"],
  Words: ["[]"],
};

type Callable = (...args: unknown[]) => unknown;

const isClass = (value: unknown): boolean => /^class\b/.test(String(value));

/** Excludes errors, which are thrown rather than called, and SparseMatrix, which is made by `from`. */
const functions = Object.entries({ ...abkd, ...paper }).filter(
  ([name, value]) =>
    typeof value === "function" && !name.endsWith("Error") && name !== "SparseMatrix",
) as [string, Callable][];

const home = process.cwd();
after(() => process.chdir(home));

for (const [name, called] of functions) {
  test(`${name} rejects invalid arguments`, async (t) => {
    process.chdir(temporaryFolder(t));
    for (const [shown, value] of Object.entries(WRONG)) {
      if (MEANT[name]?.includes(shown)) continue;
      for (const args of [[value], [value, value], [value, value, value, value]]) {
        let error: unknown;
        try {
          const made: unknown = isClass(called) ? Reflect.construct(called, args) : called(...args);
          if (made instanceof Promise)
            await Promise.race([made, sleep(20_000, undefined, { ref: false })]);
        } catch (thrown) {
          error = thrown;
        }
        const call = `${name}(${args.map(() => shown)})`;
        assert.ok(error, `${call} throws nothing`);
        assert.ok(error instanceof UserError, `${call}: ${(error as Error)?.stack}`);
        assert.doesNotMatch(error.message, /not a function|reading '|is not iterable|destructure/);
        assert.ok(error.message.length > 20, `${call}: ${error.message}`);
      }
    }
    process.chdir(home);
  });
}

test("a missing argument is named, with where to get it", () => {
  const told: [() => unknown, string][] = [
    [
      () => abkd.runId(undefined as never),
      "runId: config is missing; expected: a run's configuration, as returned by teacherConfig()",
    ],
    [
      () => abkd.symmetricNormalised(null as never),
      "adjacency is null; expected: a matrix, as csrFromPairs() makes it",
    ],
    [
      () => abkd.resultsTable([{}] as never),
      "resultsTable: results[0] has no config; expected: an array of runs' results, as returned by runTrials()",
    ],
  ];
  for (const [call, message] of told) assert.throws(call, { message });
});
