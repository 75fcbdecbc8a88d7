// Text made to deceive or to break things gives one short, printable line, never an internal error.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { canonicalJson } from "../../src/base/canonical.ts";
import { jsonText, sealed } from "../../src/base/sealed-json.ts";
import { distinctTrials } from "../../src/experiments/run-study.ts";
import { findStudy } from "../../src/experiments/studies/index.ts";
import { planStudy } from "../../src/experiments/study.ts";
import { recordOf, type TrialRecord } from "../../src/experiments/trial-record.ts";
import { runId } from "../../src/training/run-id.ts";
import { crafted, resealed, result } from "../training/own-files.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkdHere, type Outcome } from "./abkd.ts";

const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
const ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202eevil\u2028\r";

type Said = Omit<Outcome, "signal">;

function assertOneLine({ code, stdout, stderr }: Said, message: RegExp): void {
  assert.match(stderr, /^abkd: [\P{C}]{1,2000}\n$/u);
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /internal error/);
  assert.equal(stdout, "");
  assert.ok(code === 1 || code === 2);
}

test("arguments and environment variables", async (t) => {
  const cases: [string[], RegExp][] = [
    [[ESCAPES], /unknown command '\\x1b\[2J/],
    [[`--${ESCAPES}`], /unknown option/],
    [["predict", `/no/${ESCAPES}`], /^abkd: \/no\/\\x1b.* there is no such file or folder/],
    [
      ["predict", "x".repeat(2_000_000)],
      /^abkd: x+ \.\.\. \(\d+ characters\) \.\.\. x+: there is no such/,
    ],
    [["distill", "--dataset", ESCAPES], /no dataset "\\x1b/],
    [["distill", "--dataset", "d".repeat(1_000_000)], /no dataset "d+\.\.\."; known: cora/],
    [["distill", "--method", ESCAPES], /no method "\\x1b/],
    [["distill", "--seed", ESCAPES], /argument '\\x1b/],
    [["distill", "--split", ESCAPES], /split "\\x1b/],
    [["distill", "--data", `/no/${ESCAPES}`], /is not a folder/],
    [["study", "run", ESCAPES], /no study "\\x1b/],
    [["study", "status", "table3", "--datasets", ESCAPES], /\\x1b/],
    [["export", "x".repeat(2_000_000)], /no complete run/],
    [["export", ESCAPES], /no complete run "\\x1b/],
    [["data", "info", ESCAPES], /no dataset/],
    [["notebook", "run", `/no/${ESCAPES}.ipynb`], /cannot read \/no\/\\x1b/],
    [["notebook", "run", "x.ipynb", "--param", ESCAPES], /"\\x1b.*" is not a parameter/],
    [["notebook", "run", "x.ipynb", "--param", `a=${DEEP}`], /parameter a is JSON nested deeper/],
    [["notebook", "run", "x.ipynb", "--param", "a=1e999"], /parameter a holds the number 1e999/],
    [["notebook", "run", "x.ipynb", "--kernel", ESCAPES], /./],
    [["kernel", "install", "--name", ESCAPES], /cannot name a kernel/],
  ];
  for (const [args, message] of cases) assertOneLine(await abkdHere(...args), message);
  process.env["ABKD_DATA"] = `/no/${ESCAPES}`;
  t.after(() => delete process.env["ABKD_DATA"]);
  assertOneLine(await abkdHere("data", "list"), /\$ABKD_DATA/);
});

test("models, runs, notebooks and kernelspecs", async (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const { config } = result;
  const bare = (texts: object): Buffer => crafted({ __metadata__: texts }, new Uint8Array(0));
  const own = (texts: object): Buffer => resealed(bare({ digest: "0".repeat(64), ...texts }));
  const shape = '{"features":1,"classes":2}';
  const named = { ...config, dataset: ESCAPES };
  const models: [Buffer, RegExp][] = [
    [crafted({ ["k".repeat(1_000_000)]: 1 }), /entry "k+\.\.\." is not an object/],
    [crafted({ [ESCAPES]: 1 }), /entry "\\x1b/],
    [crafted(`{"a":${DEEP}}`), /nested deeper/],
    [bare({ config: DEEP, shape }), /nested deeper/],
    [bare({ config: '{"seed":1e999}', shape }), /number 1e999/],
    [bare({ config: "[]", shape }), /metadata is not what it should be/],
    [
      own({ format: "abkd-model/1", run: runId(named), config: canonicalJson(named), shape }),
      /claims|no float array|gap|end at byte/,
    ],
  ];
  for (const [k, [bytes, message]] of models.entries()) {
    const name = file(`${k}.safetensors`, bytes);
    assertOneLine(await abkdHere("predict", name), message);
  }
  const id = result.id;
  const runs = join(folder, "runs");
  mkdirSync(join(runs, "teachers", id), { recursive: true });
  writeFileSync(join(runs, "teachers", id, "run.json"), DEEP);
  assertOneLine(
    await abkdHere("export", id, "--runs", runs),
    /run\.json is cut off .*nested deeper/,
  );

  const notebook = (cells: string, metadata = "{}"): string =>
    `{"nbformat":4,"nbformat_minor":5,"metadata":${metadata},"cells":${cells}}`;
  const notebooks: [string, RegExp][] = [
    [DEEP, /not a notebook: it is JSON nested deeper than 500/],
    [notebook("[]", `{"a":${DEEP}}`), /nested deeper/],
    [notebook("[]", '{"a":1e999}'), /number 1e999/],
    [notebook(`[{"cell_type":${JSON.stringify(ESCAPES)}}]`), /cell_type "\\u001b/],
    [notebook(`[{"cell_type":"${"c".repeat(2_000_000)}"}]`), /cell_type "c+\.\.\. instead/],
    [`{"nbformat":"${"9".repeat(2_000_000)}"}`, /nbformat "9+\.\.\. instead of 4/],
  ];
  for (const [k, [text, message]] of notebooks.entries()) {
    assertOneLine(await abkdHere("notebook", "run", file(`${k}.ipynb`, text)), message);
  }

  const prefix = join(folder, "jupyter");
  for (const [name, text] of [
    ["deep", DEEP],
    [
      "escapes",
      JSON.stringify({ argv: ["node"], display_name: ESCAPES.repeat(999), language: "x" }),
    ],
    ["number", '{"argv":["node"],"display_name":1e999}'],
  ] as const) {
    mkdirSync(join(prefix, "kernels", name), { recursive: true });
    writeFileSync(join(prefix, "kernels", name, "kernel.json"), text);
  }
  process.env["JUPYTER_PATH"] = prefix;
  t.after(() => delete process.env["JUPYTER_PATH"]);
  const { code, stdout, stderr } = await abkdHere("kernel", "list");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /deep +\(unreadable: .*nested deeper/);
  assert.match(stdout, /^[\P{C}\n]+$/u);
  for (const line of stdout.split("\n")) assert.ok(line.length < 2100);
});

test("a bad record stops neither status nor report, and is reported in one line", async (t) => {
  const folder = temporaryFolder(t);
  const plan = planStudy(findStudy("table3"), { profile: "quick", datasets: ["cora"] });
  const trials = [...distinctTrials(plan)].filter(([, { method }]) => method);
  const record = (k: number, change: (sound: TrialRecord) => object): string => {
    const [id, config] = trials[k]!;
    const { digest: _, ...sound } = change({ ...recordOf(result), id, config }) as TrialRecord;
    return jsonText(sealed(sound));
  };
  const same = (sound: TrialRecord): object => sound;
  const bad: ((k: number) => string | Buffer)[] = [
    () => DEEP,
    () => '{"format":"abkd-result/1","accuracy":1e999}',
    () => `{"format":${JSON.stringify(ESCAPES.repeat(100_000))}}`,
    (k) => record(k, (sound) => ({ ...sound, accuracy: null })),
    (k) => record(k, (sound) => ({ ...sound, accuracy: { train: 1, val: 1, test: 7 } })),
    (k) => record(k, (sound) => ({ ...sound, warnings: [{ length: 3 }] })),
    (k) => record(k, (sound) => ({ ...sound, scalars: { [ESCAPES]: "1" } })),
    (k) => record(k, (sound) => ({ ...sound, timing: undefined })),
    (k) => record(k, (sound) => ({ ...sound, id: ESCAPES })),
    (k) => record(k, same).replace('"test": 0.8169', '"test": 0.9169'),
    (k) => record(k, same).replace('"epochs"', '"epochs": 1, "epochs"'),
    (k) => Buffer.concat([Buffer.from(record(k, same)), Buffer.from([0xff, 0xfe])]),
    () => Buffer.alloc(17 * 2 ** 20, "9"),
  ];
  for (const [k, make] of bad.entries()) {
    writeFileSync(join(folder, `${trials[k]![0]}.json`), make(k));
  }
  // A folder in place of a record, and a sound record whose warnings are escape sequences.
  mkdirSync(join(folder, `${trials[bad.length]![0]}.json`));
  const [sound] = trials[bad.length + 1]!;
  const warned = record(bad.length + 1, (one) => ({ ...one, warnings: [ESCAPES.repeat(1000)] }));
  writeFileSync(join(folder, `${sound}.json`), warned);

  const common = ["table3", "--datasets", "cora", "--results", folder];
  const status = await abkdHere("study", "status", ...common);
  assert.deepEqual([status.code, status.stderr], [0, ""]);
  const said = status.stdout
    .split("\n")
    .filter((line) => line.includes("the next run repeats its trial"));
  assert.equal(said.length, bad.length + 1, status.stdout);
  assert.match(status.stdout, /^1 of \d+ different trials are done$/m);

  const report = await abkdHere("study", "report", ...common);
  assert.deepEqual([report.code, report.stderr], [0, ""]);
  for (const { stdout } of [status, report]) {
    assert.match(stdout, /^[\P{C}\n]+$/u);
    for (const line of stdout.split("\n")) assert.ok(line.length < 2500, line.slice(0, 80));
  }
});
