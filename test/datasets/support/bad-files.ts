// 180 broken files: each must be rejected quickly and in one line, without running anything.
import { randomStream } from "../../../src/graph/random.ts";
import { brokenNpz, flippedArchives } from "./bad-archives.ts";
import { type Case, cora } from "./odd-files.ts";
import { type ArraySpec, PickleWriter, PLAIN } from "./pickle-writer.ts";
import {
  type Files,
  f4,
  i4,
  type PlanetoidParts,
  planetoidToy,
  range,
  TOY,
  TOY_TEST_NODES,
  toyCsr,
  toyOneHot,
} from "./toy.ts";

const PICKLES = ["x", "tx", "allx", "y", "ty", "ally", "graph"] as const;

/** @param marker a file that the pickles would create if they were run. */
export function badCases(marker: string): Case[] {
  const cases = [
    ...truncatedPickles(),
    ...hostilePickles(marker),
    ...brokenPickles(),
    ...contradictions(),
    ...costly(),
    ...brokenText(),
    ...brokenNpz(),
  ];
  return [...cases, ...flippedArchives(180 - cases.length)];
}

/** Returns the toy with one of its files replaced. */
function withFile(part: string, bytes: Buffer): Files {
  return planetoidToy().set(`planetoid/ind.cora.${part}`, bytes);
}

function changed(name: string, change: (parts: PlanetoidParts) => void): Case {
  return cora(name, planetoidToy(change));
}

function truncatedPickles(): Case[] {
  return PICKLES.flatMap((part) =>
    [0, 0.3, 0.95].map((share) => {
      const whole = planetoidToy().get(`planetoid/ind.cora.${part}`)!;
      const length = Math.floor(whole.length * share);
      return cora(`${part} cut to ${length} bytes`, withFile(part, whole.subarray(0, length)));
    }),
  );
}

function hostilePickles(marker: string): Case[] {
  const call = (module: string, name: string, argument: string): Buffer =>
    Buffer.from(`c${module}\n${name}\n(S'${argument}'\ntR.`, "latin1");
  const touch = `touch ${marker}`;
  const make = `require("fs").writeFileSync("${marker}", "")`;
  const texts: [string, Buffer][] = [
    ["os.system", call("os", "system", touch)],
    ["posix.system", call("posix", "system", touch)],
    ["nt.system", call("nt", "system", touch)],
    ["subprocess.Popen", call("subprocess", "Popen", touch)],
    ["eval", call("__builtin__", "eval", `__import__("os").system("${touch}")`)],
    ["exec", call("builtins", "exec", `import os; os.system("${touch}")`)],
    ["open", call("__builtin__", "open", marker)],
    ["JavaScript's constructor", call("constructor", "constructor", make)],
    ["__proto__", call("__proto__", "__proto__", make)],
    ["a name that spans the allowed list", call("numpy", "ndarray; os.system", touch)],
    ["INST", Buffer.from(`(S'${touch}'\nios\nsystem\n.`)],
    ["OBJ", Buffer.from(`(cos\nsystem\nS'${touch}'\no.`)],
    ["PERSID", Buffer.from(`P${touch}\n.`)],
    ["BINPERSID", Buffer.from(`S'${touch}'\nQ.`)],
    ["EXT1", Buffer.from([0x80, 2, 0x82, 1, 0x2e])],
    ["EXT4", Buffer.from([0x80, 2, 0x84, 1, 0, 0, 0, 0x2e])],
    [
      "reconstruct of another class",
      Buffer.from("cnumpy.core.multiarray\n_reconstruct\n(N(I0\ntS'b'\ntR."),
    ],
    [
      "_reconstructor of another class",
      Buffer.from("ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR."),
    ],
    [
      "defaultdict of another factory",
      Buffer.from("ccollections\ndefaultdict\n(c__builtin__\nobject\ntR."),
    ],
    ["a call of a number", Buffer.from("I1\n(tR.")],
    ["a state for a list", Buffer.from("(l(db.")],
  ];
  return texts.map(([name, bytes], k) => cora(name, withFile(PICKLES[k % PICKLES.length]!, bytes)));
}

function brokenPickles(): Case[] {
  const random = randomStream(7);
  const noise = (): Buffer => Buffer.from(range(200).map(() => random.below(256)));
  const aliased = Buffer.concat([
    Buffer.from([0x80, 2, 0x5d, 0x71, 0, 0x28]),
    Buffer.alloc(4000, Buffer.from([0x4b, 1])),
    Buffer.from([0x65, 0x30, 0x7d, 0x28]),
    ...range(3000).map((k) => Buffer.from([0x4d, k & 255, k >> 8, 0x68, 0])),
    Buffer.from([0x75, 0x2e]),
  ]);
  const graphs: [string, Buffer][] = [
    ["no opcode at all", Buffer.from([0xff])],
    ["protocol 6", Buffer.from([0x80, 6, 0x7d, 0x2e])],
    ["a frame that is cut short", Buffer.from([0x80, 5, 0x95, 1, 0, 0])],
    ["a memo never written", Buffer.from([0x80, 2, 0x68, 9, 0x2e])],
    ["a memo far away", Buffer.from([0x80, 2, 0x6a, 255, 255, 255, 255, 0x2e])],
    ["an empty stack", Buffer.from([0x80, 2, 0x30, 0x2e])],
    ["a tuple without a mark", Buffer.from([0x80, 2, 0x74, 0x2e])],
    [
      "a string of 4 GB in 12 bytes",
      Buffer.from([0x80, 2, 0x54, 255, 255, 255, 255, 65, 65, 0x2e]),
    ],
    ["text of 2 GB in 12 bytes", Buffer.from([0x80, 2, 0x58, 255, 255, 255, 127, 65, 65, 0x2e])],
    ["text that is not UTF-8", Buffer.from([0x80, 2, 0x58, 2, 0, 0, 0, 0xc3, 0x28, 0x2e])],
    [
      "an integer of 255 bytes",
      Buffer.concat([Buffer.from([0x80, 2, 0x8a, 255]), Buffer.alloc(255, 1), Buffer.from(".")]),
    ],
    ["an integer beyond 2^53", Buffer.from("L99999999999999999L\n.")],
    ["an invalid number", Buffer.from("Ifour\n.")],
    ["a string without quotes", Buffer.from("Sabc\n.")],
    ["a dict with a key that is a list", Buffer.from([0x80, 2, 0x7d, 0x5d, 0x4b, 1, 0x73, 0x2e])],
    ["a dict with half a pair", Buffer.from([0x80, 2, 0x7d, 0x28, 0x4b, 1, 0x75, 0x2e])],
    [
      "a list within itself",
      Buffer.from([0x80, 2, 0x7d, 0x4b, 0, 0x5d, 0x71, 0, 0x68, 0, 0x61, 0x73, 0x2e]),
    ],
    ["a dict within itself", Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x4b, 0, 0x68, 0, 0x73, 0x2e])],
    ["one list shared by three thousand nodes, six million arcs", aliased],
    [
      "five million values",
      Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(5_000_000, 0x5d), Buffer.from(".")]),
    ],
    ["five million marks", Buffer.alloc(5_000_000, 0x28)],
    ["text", Buffer.from("<!DOCTYPE html><html>404: Not Found</html>")],
    [
      "a Git LFS pointer",
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
    ],
    ["zeros", Buffer.alloc(300)],
    ["noise", noise()],
    ["more noise", noise()],
  ];
  const array = new PickleWriter(PLAIN).array(i4([1, 2, 3])).finish();
  return [
    ...graphs.map(([name, bytes]) => cora(name, withFile("graph", bytes))),
    cora("a graph that is an array", withFile("graph", array)),
    cora("features that are an array", withFile("allx", array)),
    cora("labels that are a vector", withFile("ally", array)),
    cora(
      "labels that are a matrix of words",
      withFile("y", new PickleWriter(PLAIN).csr(toyCsr([0])).finish()),
    ),
  ];
}

/** Well-formed files that would take a long time or much memory if they were trusted. */
function costly(): Case[] {
  const repeated = (count: number, ...unit: number[]): Buffer =>
    Buffer.alloc(count * unit.length, Buffer.from(unit));
  const graphs: [string, Buffer][] = [
    [
      "ten million memo entries",
      Buffer.concat([
        Buffer.from([0x80, 2, 0x4b, 1]),
        ...range(100).map((k) => {
          const puts = repeated(100_000, 0x72, 0, 0, 0, 0);
          for (let j = 0; j < 100_000; j++) puts.writeUInt32LE(100_000 * k + j, 5 * j + 1);
          return puts;
        }),
        Buffer.from("."),
      ]),
    ],
    ["thirty million protocols", Buffer.concat([repeated(30_000_000, 0x80, 2), Buffer.from("}.")])],
    ["two million dicts", Buffer.concat([repeated(2_000_000, 0x7d), Buffer.from(".")])],
    ["a text of ten million escapes", Buffer.from(`V${"\\u0041".repeat(10_000_000)}\n.`)],
    ["a string of fifteen million escapes", Buffer.from(`S'${"\\x41".repeat(15_000_000)}'\n.`)],
    ["an integer of sixty million digits", Buffer.from(`I${"1".repeat(60_000_000)}\n.`)],
    ["a name of sixty million letters", Buffer.from(`c${"é".repeat(30_000_000)}\nb\n.`)],
  ];
  const bytes = (count: number, ...shape: number[]): ArraySpec => ({
    dtype: "|u1",
    shape,
    bytes: new Uint8Array(count),
  });
  const labels = (name: string, array: ArraySpec): Case =>
    cora(name, withFile("y", new PickleWriter(PLAIN).array(array).finish()));
  return [
    ...graphs.map(([name, file]) => cora(name, withFile("graph", file))),
    labels("labels of 200,000 classes", bytes(800_000, 4, 200_000)),
    labels("labels of 60 million classes", bytes(60_000_000, 1, 60_000_000)),
    labels("labels of 60 million rows", bytes(60_000_000, 30_000_000, 2)),
    changed("row starts of 60 million", (p) => {
      p.allx = { ...toyCsr(range(TOY.stacked)), indptr: bytes(60_000_000, 60_000_000) };
    }),
    changed("an index file of five million lines", (p) => {
      p.testIndex = range(5_000_000).join("\n");
    }),
    changed("an index file of sixty million blanks", (p) => {
      p.testIndex = `12${" \n".repeat(30_000_000)}`;
    }),
  ];
}

function contradictions(): Case[] {
  const allx = () => toyCsr(range(TOY.stacked));
  const count = allx().indices.shape[0]!;
  const numbers = (array: ArraySpec): number[] => [...new Int32Array(array.bytes.slice().buffer)];
  const withIndices = (edit: (values: number[]) => void) => (parts: PlanetoidParts) => {
    const values = numbers(allx().indices);
    edit(values);
    parts.allx = { ...allx(), indices: i4(values) };
  };
  const withStarts = (edit: (values: number[]) => void) => (parts: PlanetoidParts) => {
    const values = numbers(allx().indptr);
    edit(values);
    parts.allx = { ...allx(), indptr: i4(values) };
  };
  const withValue = (value: number) => (parts: PlanetoidParts) => {
    parts.allx = { ...allx(), data: f4(range(count).map((k) => (k === 5 ? value : 1))) };
  };
  const neighbour = (value: number) => (parts: PlanetoidParts) =>
    void parts.graph.set(1, [0, value]);
  return [
    changed("more rows than row starts", (p) => (p.allx = { ...allx(), shape: [13, 10] })),
    changed("fewer rows than row starts", (p) => (p.allx = { ...allx(), shape: [11, 10] })),
    changed("fewer columns than indices", (p) => (p.allx = { ...allx(), shape: [12, 9] })),
    changed("2^40 rows", (p) => (p.allx = { ...allx(), shape: [2 ** 40, 10] })),
    changed("2^31 columns", (p) => (p.allx = { ...allx(), shape: [12, 2 ** 31] })),
    changed("a negative shape", (p) => (p.allx = { ...allx(), shape: [12, -10] })),
    changed(
      "a column beyond the last",
      withIndices((v) => (v[3] = TOY.features)),
    ),
    changed(
      "a negative column",
      withIndices((v) => (v[3] = -1)),
    ),
    changed(
      "one index too many",
      withIndices((v) => v.push(0)),
    ),
    changed(
      "row starts that fall",
      withStarts((v) => (v[4] = 1)),
    ),
    changed(
      "row starts that begin at 1",
      withStarts((v) => (v[0] = 1)),
    ),
    changed(
      "row starts beyond the indices",
      withStarts((v) => (v[12] = 1000)),
    ),
    changed("a value that is not a number", withValue(Number.NaN)),
    changed("an infinite value", withValue(Number.POSITIVE_INFINITY)),
    changed("an index as a fraction", (p) => (p.allx = { ...allx(), indices: f4(range(count)) })),
    changed(
      "objects instead of values",
      (p) => (p.allx = { ...allx(), data: { ...allx().data, dtype: "|O4" } }),
    ),
    changed(
      "text instead of values",
      (p) => (p.allx = { ...allx(), data: { ...allx().data, dtype: "<U1" } }),
    ),
    changed("an array shorter than its shape", (p) => (p.ally = { ...p.ally, shape: [13, 3] })),
    changed("an array of 2^60 entries", (p) => (p.ally = { ...p.ally, shape: [2 ** 30, 2 ** 30] })),
    changed("a label of 2", (p) => (p.ty = i4([2, ...Array<number>(14).fill(0)], [5, 3]))),
    changed("two labels at once", (p) => (p.ty = i4(Array<number>(15).fill(1), [5, 3]))),
    changed("one label row too few", (p) => (p.ty = toyOneHot(TOY_TEST_NODES.slice(1)))),
    changed(
      "another number of classes",
      (p) =>
        (p.ty = i4(
          range(5).flatMap(() => [1, 0]),
          [5, 2],
        )),
    ),
    changed("another number of features", (p) => (p.tx = { ...p.tx, shape: [5, 11] })),
    changed("x that is not the beginning of allx", (p) => (p.x = toyCsr([1, 0, 2, 3]))),
    changed("y that is not the beginning of ally", (p) => (p.y = toyOneHot([1, 0, 2, 3]))),
    changed("a neighbour beyond the last", neighbour(TOY.nodes)),
    changed("a negative neighbour", neighbour(-1)),
    changed("a neighbour far away", neighbour(2 ** 31 - 1)),
    changed("a node beyond the last", (p) => void p.graph.set(99, [0])),
  ];
}

function brokenText(): Case[] {
  const index = (name: string, testIndex: string): Case =>
    changed(name, (parts) => {
      parts.testIndex = testIndex;
    });
  return [
    index("no test nodes", "\n"),
    index("one test node too few", "14\n12\n16\n13\n"),
    index("a test node twice", "14\n12\n16\n13\n13\n"),
    index("a negative test node", "14\n12\n16\n13\n-15\n"),
    index("a test node in words", "14\n12\n16\n13\nfifteen\n"),
    index("a test node of two billion", "14\n12\n13\n15\n2000000000\n"),
    index("test nodes that begin too late", "15\n13\n17\n14\n16\n"),
    index("a pickle instead of a list", "(lp0\nI14\na."),
  ];
}
