// `abkd data fetch` in a checkout without data, against a mirror of the files.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";

import { folder, serve, site } from "./support/site.ts";

describe("a checkout without data, and a mirror", { skip: skipWithoutData() }, () => {
  const checkout = path.join(folder, "elsewhere", "abkd");
  const requests: string[] = [];
  let mirror: string;

  before(async () => {
    const root = path.join(import.meta.dirname, "..", "..");
    mkdirSync(checkout, { recursive: true });
    for (const part of ["src", "package.json"]) {
      cpSync(path.join(root, part), path.join(checkout, part), { recursive: true });
    }
    symlinkSync(path.join(root, "node_modules"), path.join(checkout, "node_modules"));
    const { source } = await site((request, response) => {
      requests.push(request.url!);
      serve(request, response, readFileSync(path.join(SHARED_DATA, request.url!)));
    });
    mirror = new URL(source.url).origin;
  });

  /** Runs the copy's `abkd`. */
  function abkd(
    ...args: string[]
  ): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const { ABKD_DATA: _, ...env } = process.env;
    const child = spawn(process.execPath, [path.join(checkout, "src", "cli.ts"), ...args], { env });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output.stderr += chunk));
    return new Promise((resolve) => child.on("close", (status) => resolve({ status, ...output })));
  }

  test("missing files give one line and exit code 2, and no request is made", async () => {
    const { status, stdout, stderr } = await abkd("data", "info", "cora");
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^abkd: planetoid\/ind\.cora\.x is not in [^\n]+"abkd data fetch"[^\n]+\n$/,
    );
    assert.deepEqual(requests, []);
  });

  test("fetch downloads the graph and its splits into data/, once", async () => {
    const first = await abkd("data", "fetch", "cora", "--mirror", mirror);
    assert.equal(first.status, 0, first.stderr);
    assert.equal(requests.length, 18);
    assert.ok(existsSync(path.join(checkout, "data", "planetoid", "ind.cora.x")));
    const again = await abkd("data", "fetch", "cora", "--mirror", mirror);
    assert.equal(again.stdout.match(/^already here: /gm)?.length, 18);
    assert.equal(requests.length, 18);
    const verified = await abkd("data", "verify", "cora");
    assert.equal(verified.status, 0, verified.stderr);
    assert.match(verified.stdout, /^cora +as published$/m);
  });

  test("only what no folder has is downloaded, into the requested folder", async () => {
    requests.length = 0;
    const other = path.join(folder, "other");
    mkdirSync(path.join(other, "planetoid"), { recursive: true });
    for (const part of ["x", "y", "tx", "ty", "allx", "ally", "graph"]) {
      const file = path.join("planetoid", `ind.citeseer.${part}`);
      cpSync(path.join(SHARED_DATA, file), path.join(other, file));
    }
    const { status, stderr } = await abkd(
      ...["data", "fetch", "citeseer", "--data", other, "--mirror", mirror],
    );
    assert.equal(status, 0, stderr);
    assert.equal(requests.length, 11);
    assert.ok(existsSync(path.join(other, "planetoid", "ind.citeseer.test.index")));
  });

  test("an unknown dataset or option gives one line and exit code 2", async () => {
    for (const args of [
      ["info", "corra"],
      ["verify", "corra"],
      ["info", "cora", "--jsn"],
      ["info"],
      ["info", "cora", "--data", "/no/such/folder"],
    ]) {
      const { status, stdout, stderr } = await abkd("data", ...args);
      assert.equal(status, 2, args.join(" "));
      assert.equal(stdout, "");
      assert.match(stderr, /^abkd: [^\n]+\n$/);
    }
  });
});
