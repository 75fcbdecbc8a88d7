// The table of WebAssembly kernels: its names match the sources, and its counts a product's counted by hand.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { KERNELS } from "../../src/tensor/engine/kernels.ts";

const root = path.join(import.meta.dirname, "../..");

test("the table has each exported kernel and no other, with the arguments in the source's order", () => {
  const found = new Map<string, string[]>();
  for (const file of globSync("src/tensor/assembly/*.ts", { cwd: root })) {
    const source = readFileSync(path.join(root, file), "utf8");
    for (const [, name, list] of source.matchAll(/^export function (\w+)\(([^)]*)\)/gm)) {
      const [begin, end, ...rest] = list!.split(",").flatMap((one) => {
        // A parameter that the kernel widens first ends with "_" in its source.
        const argument = one.trim().split(":")[0]!.replace(/_$/, "");
        return argument === "" ? [] : [argument];
      });
      if (begin === "begin" && end === "end") found.set(name!, rest);
    }
  }
  const index = readFileSync(path.join(root, "src/tensor/assembly/index.ts"), "utf8");
  const exported = [...index.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names]) =>
    names!.split(",").map((name) => name.trim()),
  );
  assert.deepEqual(Object.keys(KERNELS).sort(), exported.filter((name) => found.has(name)).sort());
  for (const [name, { names }] of Object.entries(KERNELS)) {
    assert.deepEqual(names, found.get(name), name);
  }
});

test("a product of 10 x 20 and 20 x 30 numbers moves its three matrices once", () => {
  const [A, B, C] = [0, 1024, 4096];
  const { bytes, operations } = KERNELS.product.traffic(
    [A, B, C, 20, 30, 1, 0, 0, 0, 0, 0],
    10,
    () => 0,
  );
  assert.equal(bytes, 4 * (10 * 20 + 20 * 30 + 10 * 30));
  assert.equal(operations, 2 * 10 * 20 * 30);
});
