// Weights by PyTorch Geometric's names: the logits are PyG's (pyg.json); what makes no model is refused in a line.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { registerDataset } from "../../src/datasets/index.ts";
import { encodeNpz } from "../../src/formats/npz-writer.ts";
import { encodeSafetensors, type NamedArray } from "../../src/formats/safetensors.ts";
import { type GraphArrays, makeGraph } from "../../src/graph/make.ts";
import { distill } from "../../src/index.ts";
import { encodeModel } from "../../src/training/model-file.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { loadTeacher } from "../../src/training/teacher-weights.ts";
import { temporaryFolder } from "./small.ts";

type Numbers = number | readonly Numbers[];
type Named = Readonly<Record<string, Numbers>>;
interface Case {
  readonly name: string;
  readonly model: Readonly<Record<string, number | string | boolean>>;
  readonly parameters: Named;
  readonly buffers: Named;
  readonly logits: Numbers;
}

const oracle = JSON.parse(readFileSync(new URL("../models/pyg.json", import.meta.url), "utf8")) as {
  readonly graph: GraphArrays;
  readonly cases: readonly Case[];
};
const relational = JSON.parse(
  readFileSync(new URL("../models/rgcn.json", import.meta.url), "utf8"),
) as { readonly cases: readonly (Case & { readonly graph: GraphArrays })[] };
const graph = makeGraph(oracle.graph);
const split = { train: [0, 3, 5], val: [1, 2, 4], test: [6, 7, 8] };
registerDataset({ name: "nine", graph, split });
const folder = temporaryFolder({ after } as TestContext);

const flat = (numbers: Numbers): number[] =>
  typeof numbers === "number" ? [numbers] : numbers.flatMap(flat);

/** Our names as PyG's models GCN, GraphSAGE and MLP have them, and as its example of GCNII; T: outputs x inputs. */
const NAMES: readonly (readonly [kind: RegExp, ours: RegExp, theirs: string, turned?: "T"])[] = [
  [/^gcn$/, /^layer\.(\d)\.weight$/, "convs.$1.lin.weight", "T"],
  [/^gcn$/, /^layer\.(\d)\.bias$/, "convs.$1.bias"],
  [/sage/, /^layer\.(\d)\.weight$/, "convs.$1.lin_l.weight", "T"],
  [/sage/, /^layer\.(\d)\.bias$/, "convs.$1.lin_l.bias"],
  [/sage/, /^layer\.(\d)\.root$/, "convs.$1.lin_r.weight", "T"],
  [/gat/, /^layer\.(\d)\.weight$/, "convs.$1.lin.weight", "T"],
  [/gat/, /^layer\.(\d)\.source$/, "convs.$1.att_src"],
  [/gat/, /^layer\.(\d)\.target$/, "convs.$1.att_dst"],
  [/gat/, /^layer\.(\d)\.residual$/, "convs.$1.res.weight", "T"],
  [/gat/, /^layer\.(\d)\.bias$/, "convs.$1.bias"],
  [/rgcn/, /^layer\.(\d)\.(weight|root|bias)$/, "convs.$1.$2"],
  [/rgcn/, /^layer\.(\d)\.coefficients$/, "convs.$1.comp"],
  [/mlp/, /^layer\.(\d)\.weight$/, "lins.$1.weight", "T"],
  [/mlp/, /^layer\.(\d)\.bias$/, "lins.$1.bias"],
  [/./, /^norm\.(\d)\.gain$/, "norms.$1.module.weight"],
  [/./, /^norm\.(\d)\.shift$/, "norms.$1.module.bias"],
  [/./, /^norm\.(\d)\.mean$/, "norms.$1.module.running_mean"],
  [/./, /^norm\.(\d)\.variance$/, "norms.$1.module.running_var"],
  [/gcnii/, /^convolution\.(\d)\.weight$/, "convs.$1.weight1"],
  [/gcnii/, /^input\.weight$/, "lins.0.weight", "T"],
  [/gcnii/, /^input\.bias$/, "lins.0.bias"],
  [/gcnii/, /^output\.weight$/, "lins.1.weight", "T"],
  [/gcnii/, /^output\.bias$/, "lins.1.bias"],
];

type Arrays = Map<string, NamedArray & { readonly values: Float32Array }>;

function sidesOf(numbers: Numbers): number[] {
  return typeof numbers === "number" ? [] : [numbers.length, ...sidesOf(numbers[0]!)];
}

function asPyg({ model, parameters, buffers }: Case): Arrays {
  return new Map(
    Object.entries({ ...parameters, ...buffers }).map(([ours, numbers]) => {
      const [, pattern, theirs, turned] = NAMES.find(
        ([kind, name]) => kind.test(String(model["kind"])) && name.test(ours),
      )!;
      const rows = numbers as readonly Numbers[];
      // Ours are of one type; PyG knows no types.
      const isOne = model["kind"] === "rgcn" && /root|bias/.test(ours);
      const found = isOne
        ? (rows[0] as readonly Numbers[])
        : turned
          ? (rows[0] as readonly Numbers[]).map((_, c) => rows.map((row) => (row as number[])[c]!))
          : rows;
      const shape = sidesOf(found);
      return [ours.replace(pattern, theirs), { shape, values: Float32Array.from(flat(found)) }];
    }),
  );
}

const noteOf = ({ model }: Case): object => {
  const { kind, alpha, lambda } = model;
  return kind === "gcnii" ? { kind, alpha, theta: lambda, activation: "relu" } : { kind };
};

function saved(name: string, arrays: Arrays, note?: object | string): string {
  const file = join(folder, `${name}.safetensors`);
  writeFileSync(file, encodeSafetensors({ tensors: arrays, metadata: {} }));
  if (note !== undefined) {
    writeFileSync(
      join(folder, `${name}.json`),
      typeof note === "string" ? note : JSON.stringify(note),
    );
  }
  return file;
}

// The Arxiv teacher is DGL's layer, for which PyG has no names.
for (const one of oracle.cases.filter(({ model }) => !model["symmetric"])) {
  test(`${one.name}: the logits of PyG's weights are PyG's`, async () => {
    const name = one.name.replaceAll(" ", "-");
    const file = saved(name, asPyg(one), noteOf(one));
    const { outputs, config } = await loadTeacher(file, "nine");
    const off = flat(one.logits).map((x, k) => Math.abs(x - outputs.logits!.values[k]!));
    assert.ok(Math.max(...off) < 1e-5, `off by ${Math.max(...off)}`);
    assert.equal(config.widths.length, one.model["layers"]);
    const { width, heads = 1 } = one.model as Readonly<Record<string, number>>;
    assert.equal(config.hidden, width! * heads);
    const npz = join(folder, `${name}.npz`);
    writeFileSync(npz, encodeNpz(asPyg(one)));
    const same = await loadTeacher(npz, "nine");
    assert.deepEqual(same.config, config);
  });
}

for (const one of relational.cases.filter(({ name }) => !name.includes("ogbn-mag"))) {
  test(`${one.name}: the logits of RGCNConv's weights are PyG's`, async (t) => {
    const name = one.name.replaceAll(/\W+/g, "-");
    t.after(registerDataset({ name, graph: makeGraph(one.graph), split }));
    const { outputs, config } = await loadTeacher(saved(name, asPyg(one), { kind: "rgcn" }), name);
    const off = flat(one.logits).map((x, k) => Math.abs(x - outputs.logits!.values[k]!));
    assert.ok(Math.max(...off) < 1e-5, `off by ${Math.max(...off)}`);
    assert.deepEqual([config.widths, config.hidden], [[4, 3], 4]);
    // Another graph has other relations.
    await assert.rejects(
      loadTeacher(join(folder, `${name}.safetensors`), "nine"),
      (error: UserError) =>
        /shape \(.*\), but this rgcn needs \(.*\): the graph has 6 features and 3 classes in 1 relation/.test(
          error.message,
        ),
    );
  });
}

const gcn = oracle.cases.find(({ name }) => name === "gcn with batch norm")!;
const gcnii = oracle.cases.find(({ name }) => name === "gcnii")!;

test("layers are ordered by number, whatever they are called; BatchNorm's count is left out", async () => {
  const other = (name: string): string =>
    name
      .replace(/^convs\.(\d)/, (_, l) => `conv${Number(l) + 9}`)
      .replace(/^norms\.(\d)\.module/, "bn$1");
  const renamed = [...asPyg(gcn)].map(([name, array]) => [other(name), array] as const);
  // As torch writes it, with an array of whole numbers.
  const bytes = Buffer.from(encodeSafetensors({ tensors: new Map(renamed), metadata: {} }));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  delete header["__metadata__"];
  const end = bytes.length - 8 - length;
  header["bn0.num_batches_tracked"] = { dtype: "I64", shape: [], data_offsets: [end, end + 8] };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const file = join(folder, "torch.safetensors");
  writeFileSync(file, Buffer.concat([size, text, bytes.subarray(8 + length), Buffer.alloc(8)]));
  writeFileSync(join(folder, "torch.json"), '{ "kind": "gcn", "norm": "batch_norm" }');
  const found = await loadTeacher(file, "nine");
  const plain = await loadTeacher(saved("plain", asPyg(gcn), noteOf(gcn)), "nine");
  assert.deepEqual(found.config, plain.config);
});

test("GCNII's linear layers are told apart by their shapes", async () => {
  const swapped = new Map(
    [...asPyg(gcnii)].map(([name, array]) => [
      name.replace("lins.0", "z.encoder").replace("lins.1", "decoder"),
      array,
    ]),
  );
  const plain = await loadTeacher(saved("gcnii", asPyg(gcnii), noteOf(gcnii)), "nine");
  const found = await loadTeacher(saved("swapped", swapped, noteOf(gcnii)), "nine");
  assert.deepEqual(found.config, plain.config);
});

test("what makes no model is refused in one line that says what to do", async () => {
  const arrays = asPyg(gcn);
  const without = (name: string): Arrays =>
    new Map([...arrays].filter(([other]) => other !== name));
  const changed = (name: string, shape: number[]): Arrays => {
    const values = new Float32Array(shape.reduce((size, side) => size * side, 1));
    return new Map([...arrays, [name, { shape, values }]]);
  };
  const nan = { shape: [4], values: Float32Array.of(1, 2, Number.NaN, 4) };
  const cases: [Arrays, object | string | undefined, RegExp][] = [
    [
      arrays,
      undefined,
      /0\.json must be beside it, such as \{ "kind": "gcn" \}; kinds: gcn, sage, gat, rgcn, mlp, gcnii$/,
    ],
    [arrays, "{", /1\.json: is not valid JSON/],
    [arrays, "[]", /2\.json: it is no object/],
    [arrays, { kind: "gin" }, /"kind" is "gin"; legal: gcn, sage, gat, rgcn, mlp, gcnii$/],
    [
      arrays,
      { kind: "gcn", activation: "elu" },
      /"activation" is "elu"; legal: "relu", or give the teacher's out/,
    ],
    [
      arrays,
      { kind: "gcn", heads: 8 },
      /unknown key "heads"; legal: kind, activation, norm, alpha, theta$/,
    ],
    [arrays, { kind: "gcnii", theta: 0.5 }, /"alpha" is missing; legal: from 0 to 1$/],
    [
      arrays,
      { kind: "sage" },
      /"convs\.0" has bias, lin\.weight: no SAGEConv or BatchNorm; remove it, or give/,
    ],
    [
      without("convs.1.bias"),
      { kind: "gcn" },
      /"convs\.1" has lin\.weight: no GCNConv or BatchNorm/,
    ],
    [changed("lin.weight", [3, 4]), { kind: "gcn" }, /"" has lin\.weight: no GCNConv/],
    [
      changed("convs.1.lin.weight", [5, 4]),
      { kind: "gcn" },
      /convs\.1\.lin\.weight: shape \(5, 4\), but this gcn needs \(4, 4\)/,
    ],
    [
      changed("convs.0.lin.weight", [4, 7]),
      { kind: "gcn" },
      /shape \(4, 7\), but .* the graph has 6 features and 3 classes/,
    ],
    [
      changed("convs.2.lin.weight", [4, 4]),
      { kind: "gcn" },
      /convs\.2\.lin\.weight: shape \(4, 4\), but .*\(3, 4\)/,
    ],
    [
      new Map([...arrays].filter(([name]) => !name.startsWith("norms.1"))),
      { kind: "gcn" },
      /1 BatchNorm for 3 layers/,
    ],
    [
      new Map([...arrays, ["convs.0.bias", nan]]),
      { kind: "gcn" },
      /convs\.0\.bias: entry 2 is not a finite number$/,
    ],
    [new Map(), { kind: "gcn" }, /it has no GCNConv \(lin\.weight, bias\)$/],
  ];
  for (const [k, [tensors, note, message]] of cases.entries()) {
    await assert.rejects(loadTeacher(saved(`${k}`, tensors, note), "nine"), (error: Error) => {
      assert.ok(error instanceof UserError, error.stack ?? "");
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  }
  const outputs = new Map([["logits", { shape: [9, 3], values: new Float32Array(27) }]]);
  await assert.rejects(
    loadTeacher(saved("outputs", outputs), "nine"),
    /these are a teacher's outputs: name them/,
  );
  await assert.rejects(loadTeacher(join(folder, "none.npz"), "nine"), /no such file/);
});

test("distill() takes PyG's file, and a file of abkd as the run that it names, or as its weights", async (t) => {
  const runsDir = temporaryFolder(t);
  const file = saved("teacher", asPyg(gcn), noteOf(gcn));
  const student = { model: { kind: "gcn", width: 3 }, training: { epochs: 3 } } as const;
  const request = { dataset: "nine", method: "abkd", student, runsDir } as const;
  const found = await distill({ ...request, teacher: file });
  assert.equal(found.config.teacher, undefined);
  assert.deepEqual(found.config.teacherOutputs!.widths, [4, 4, 3]);
  assert.equal(found.config.teacherOutputs!.endsInLogits, true);

  const teacher = teacherConfig(
    { dataset: "nine", seed: 1 },
    { model: { kind: "gcn" }, training: { epochs: 2 } },
  );
  const trained = await distill({ ...request, teacher });
  const own = join(runsDir, "own.safetensors");
  writeFileSync(own, encodeModel(readModel(runFiles(runsDir, teacher).model)));
  const again = await distill({ ...request, teacher: own });
  assert.deepEqual(again.config, trained.config);
  // Its weights alone teach the same.
  const outputs = await loadTeacher(own, "nine");
  const byWeights = await distill({ ...request, teacher: { outputs } });
  assert.deepEqual([...byWeights.parameters], [...trained.parameters]);
  await assert.rejects(
    distill({ ...request, teacher: { outputs }, split: "random:34/33/33:1" }),
    /a student of nine random:34\/33\/33:1 has a teacher of nine public, which may have been trained/,
  );
});

test("a bias before batch normalisation moves its mean; residual layers beside others are refused", async () => {
  const one = oracle.cases.find(({ name }) => name === "gat with residual and batch norm")!;
  const arrays = asPyg(one);
  const mean = arrays.get("norms.0.module.running_mean")!;
  const bias = mean.values.map((_, k) => k - 3);
  const moved = { ...mean, values: mean.values.map((x, k) => x + bias[k]!) };
  const biased = new Map([
    ...arrays,
    ["convs.0.bias", { shape: mean.shape, values: bias }],
    ["norms.0.module.running_mean", moved],
  ]);
  const { outputs } = await loadTeacher(saved("biased", biased, { kind: "gat" }), "nine");
  const off = flat(one.logits).map((x, k) => Math.abs(x - outputs.logits!.values[k]!));
  assert.ok(Math.max(...off) < 1e-5, `off by ${Math.max(...off)}`);
  const partly = new Map([...arrays].filter(([name]) => name !== "convs.1.res.weight"));
  await assert.rejects(
    loadTeacher(saved("partly", partly, { kind: "gat" }), "nine"),
    /some layers are residual and others are not/,
  );
});
