// Split names and random draws.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { labelledOnly, parseSplit, perClassSplit, randomSplit } from "../../src/datasets/splits.ts";
import { type Csr, csrFromPairs } from "../../src/graph/csr.ts";
import { UNLABELLED } from "../../src/graph/graph.ts";
import { randomStream } from "../../src/graph/random.ts";

/** Three classes of 600, 300 and 100 nodes, and 50 unlabelled nodes, shuffled. */
function labelled(): { labels: Int32Array; classes: number } {
  const random = randomStream(1);
  const labels = new Int32Array(1050);
  const left = [600, 300, 100, 50];
  for (let k = 0; k < labels.length; k++) {
    let label = random.below(4);
    while (left[label] === 0) label = (label + 1) % 4;
    left[label]!--;
    labels[k] = label === 3 ? UNLABELLED : label;
  }
  return { labels, classes: 3 };
}

/** Two rings, of 100 and 950 nodes. */
function twoRings(): Csr {
  const next = Array.from({ length: 1050 }, (_, v) => (v === 99 ? 0 : v === 1049 ? 100 : v + 1));
  const nodes = [...next.keys()];
  return csrFromPairs(1050, 1050, [...nodes, ...next], [...next, ...nodes]);
}

function draw(spec: string) {
  const parsed = parseSplit(spec);
  assert.equal(parsed.kind, "random");
  if (parsed.kind !== "random") throw new Error("unreachable");
  return randomSplit(labelled(), parsed);
}

function classCounts(nodes: Int32Array): number[] {
  const { labels } = labelled();
  const counts = [0, 0, 0];
  for (const node of nodes) counts[labels[node]!]!++;
  return counts;
}

describe("random splits", () => {
  test("percentages: exact sizes, each class in proportion, disjoint, sorted, labelled", () => {
    const { train, val, test: held } = draw("random:48/32/20:7");
    assert.deepEqual(classCounts(train), [288, 144, 48]);
    assert.deepEqual(classCounts(val), [192, 96, 32]);
    assert.deepEqual(classCounts(held), [120, 60, 20]);
    const all = [...train, ...val, ...held];
    assert.equal(new Set(all).size, 1000);
    for (const set of [train, val, held]) assert.deepEqual(set, set.toSorted());
  });

  test("percentages that leave nodes over", () => {
    const { train, val, test: held } = draw("random:10/10/30:7");
    assert.deepEqual([train.length, val.length, held.length], [100, 100, 300]);
  });

  test("counts, where the numbers sum to more than 100", () => {
    const { train, val, test: held } = draw("random:30/100/200:7");
    assert.deepEqual([train.length, val.length, held.length], [30, 100, 200]);
    assert.deepEqual(classCounts(train), [18, 9, 3]);
  });

  test("the draw depends on the seed", () => {
    assert.deepEqual(draw("random:60/20/20:3"), draw("random:60/20/20:3"));
    assert.notDeepEqual(draw("random:60/20/20:3"), draw("random:60/20/20:4"));
  });

  test("more nodes than are labelled", () => {
    assert.throws(() => draw("random:500/300/300:1"), OptionError);
  });
});

describe("as many of each class", () => {
  const drawn = (spec: string) => {
    const parsed = parseSplit(spec);
    if (parsed.kind !== "per-class") throw new Error("unreachable");
    return perClassSplit({ ...labelled(), adjacency: twoRings() }, parsed);
  };

  test("20 to train, 30 to validate, the rest to test", () => {
    const { train, val, test: rest } = drawn("per-class:20/30:4");
    assert.deepEqual(classCounts(train), [20, 20, 20]);
    assert.deepEqual(classCounts(val), [30, 30, 30]);
    assert.deepEqual(classCounts(rest), [550, 250, 50]);
    assert.equal(new Set([...train, ...val, ...rest]).size, 1000);
    for (const set of [train, val, rest]) assert.deepEqual(set, set.toSorted());
    assert.deepEqual(drawn("per-class:20/30:4").train, train);
    assert.notDeepEqual(drawn("per-class:20/30:5").train, train);
  });

  test("from the largest component only", () => {
    const { train, val, test: rest } = drawn("per-class-largest:20/30:4");
    const all = [...train, ...val, ...rest].toSorted((a, b) => a - b);
    const { labels } = labelled();
    const larger = Array.from(labels.keys()).filter((v) => v >= 100 && labels[v] !== UNLABELLED);
    assert.deepEqual(all, larger);
    assert.deepEqual(classCounts(train), [20, 20, 20]);
    assert.deepEqual(classCounts(val), [30, 30, 30]);
    assert.throws(
      () => drawn("per-class-largest:60/40:4"),
      /class 2 has \d\d nodes, fewer than 60 \+ 40/,
    );
  });

  test("a class that is too small is named", () => {
    assert.throws(() => drawn("per-class:60/50:1"), /class 2 has 100 nodes, fewer than 60 \+ 50/);
  });
});

test("malformed split names", () => {
  for (const name of [
    "",
    "geom-gcn",
    "geom-gcn:10",
    "geom-gcn:-1",
    "Public",
    "random:60/20/20",
    "random:60/20:1",
    "random:0/50/50:1",
    "random:60/20/20:-1",
    "random:60/20/20:5000000000",
    "random:60.5/20/20:1",
    "per-class:20/30",
    "per-class:0/30:1",
    "per-class:20/30/40:1",
    "per-class:20/30:5000000000",
  ]) {
    assert.throws(() => parseSplit(name), OptionError, name);
  }
});

test("unlabelled nodes are left out and counted", () => {
  const labels = Int32Array.from([0, UNLABELLED, 1, UNLABELLED, UNLABELLED]);
  const raw = {
    train: Int32Array.from([0, 1]),
    val: Int32Array.from([2]),
    test: Int32Array.from([3, 4]),
  };
  const split = labelledOnly("mine", raw, labels);
  assert.deepEqual([...split.train, ...split.val, ...split.test], [0, 2]);
  assert.deepEqual(split.unlabelled, { train: 1, val: 0, test: 2 });
});
