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
  syntheticMag: ["undefined", "{}"],
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

const graph = abkd.makeGraph({
  name: "six",
  edges: { from: [0, 1, 2, 3, 4, 5], to: [1, 2, 3, 4, 5, 0] },
  features: [0, 0, 0, 1, 1, 1].map((kind) => [kind, 1 - kind]),
  labels: [0, 0, 0, 1, 1, 1],
});
const sets = { train: [0, 3], val: [1, 4], test: [2, 5] };
const subject = { dataset: "synthetic", seed: 1 };
const tiny = { model: { kind: "gcn", layers: 2, width: 2 }, training: { epochs: 1 } } as const;
const taught = abkd.teacherConfig(subject, tiny);

/** Values that no option takes, beside those of one. */
const NEVER = [null, 3.5, {}, [], true, "", "no such thing", () => 0];

/** Calls by the options that they take, with the values of NEVER that are legal: all others are refused. */
const OPTIONS: readonly (readonly [
  name: string,
  call: (options: Record<string, unknown>) => unknown,
  legal: Readonly<Record<string, readonly unknown[]>>,
])[] = [
  [
    "distill",
    (changes) => abkd.distill({ dataset: graph, split: sets, ...changes } as never),
    {
      ...{ dataset: [], split: [], order: [], teacher: [{}], student: [{}], method: [] },
      ...{ options: [{}], preset: [], seed: [], teacherSeed: [], runsDir: ["no such thing"] },
      ...{ resume: [true], checkpointSeconds: [3.5], observer: [NEVER.at(-1)], engine: [] },
      ...{ threads: [], modules: [[]], executor: [], signal: [], dataDir: ["no such thing"] },
      ...{ download: [true], mirror: [], onWarning: [NEVER.at(-1)], onProgress: [NEVER.at(-1)] },
      ...{ idleLimit: [3.5], totalLimit: [3.5] },
    },
  ],
  ...(["teacher", "student"] as const).flatMap((role) =>
    ["model", "training", "recipe"].map(
      (part) =>
        [
          `distill: ${role}`,
          (changes: object) =>
            abkd.distill({ dataset: graph, split: sets, [role]: { ...tiny, ...changes } } as never),
          { [part]: part === "recipe" ? [null, "no such thing"] : [{}] },
        ] as const,
    ),
  ),
  [
    "evaluate",
    (changes) => abkd.evaluate("no such file", changes as never),
    { split: [{}, "no such thing"], dataset: [{}, "no such thing"], dataDir: ["no such thing"] },
  ],
  [
    "loadDataset",
    (changes) => abkd.loadDataset("synthetic", changes as never),
    {
      ...{ signal: [], dataDir: ["no such thing"], download: [true], mirror: [] },
      ...{ onWarning: [NEVER.at(-1)], onProgress: [NEVER.at(-1)] },
      ...{ idleLimit: [3.5], totalLimit: [3.5] },
    },
  ],
  [
    "studentConfig",
    (changes) => abkd.studentConfig(subject, "abkd", taught, changes as never),
    { model: [{}], training: [{}], options: [{}], preset: [], recipe: [null, "no such thing"] },
  ],
  [
    "teacherConfig: subject",
    (changes) => abkd.teacherConfig({ ...subject, ...changes } as never),
    { dataset: [], split: [], seed: [], order: [] },
  ],
  [
    "teacherConfig: model",
    (model) => abkd.teacherConfig(subject, { model } as never),
    { kind: [], layers: [], width: [], dropout: [] },
  ],
];

for (const [name, call, options] of OPTIONS) {
  for (const [option, legal] of Object.entries(options)) {
    test(`${name} refuses wrong values of ${option}`, async () => {
      for (const value of NEVER) {
        if (legal.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
        const shown = `${name}: ${option} of ${JSON.stringify(value) ?? "a function"}`;
        await assert.rejects(
          async () => call({ [option]: value }),
          (error: Error) => {
            assert.ok(error instanceof UserError, `${shown}: ${error.stack}`);
            assert.doesNotMatch(
              error.message,
              /is not a function|reading '|is not iterable|there is no such file/,
            );
            assert.match(error.message, /^[^\n]{20,400}$/);
            return true;
          },
          shown,
        );
      }
    });
  }
}
