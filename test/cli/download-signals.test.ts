// SIGTERM and Ctrl-C during a download: the process ends in time, and no partial file counts as complete.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "../training/small.ts";
import { start } from "./abkd.ts";

/** The longest that ending may take, in milliseconds. */
const LIMIT = 2_000;

/** A server that sends a few bytes of any requested file, and then nothing more. */
async function slowServer(t: TestContext): Promise<{ address: string; asked: Promise<unknown> }> {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    response.writeHead(200).write("half");
    resolve();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Simulates a machine without data, where this server replaces all others. */
const preloadOf = (address: string, folder: string): string => `
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  const { fetch } = globalThis;
  globalThis.fetch = (url, options) =>
    fetch(new URL(new URL(url).pathname, ${JSON.stringify(address)}), options);
  const { existsSync } = fs;
  fs.existsSync = (path) =>
    existsSync(path) && (String(path).startsWith(${JSON.stringify(folder)}) || !/ind\\.cora/.test(path));
  syncBuiltinESMExports();
`;

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "data fetch": ["data", "fetch", "cora"],
  train: ["train", "--dataset", "cora", "--runs", "RUNS"],
  quickstart: ["quickstart", "--runs", "RUNS"],
  "study run": ["study", "run", "table3", "--datasets", "cora", "--results", "R", "--runs", "RUNS"],
};
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

for (const [name, args] of Object.entries(COMMANDS)) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} during the download of ${name}`, { timeout: 120_000 }, async (t) => {
      const folder = temporaryFolder(t);
      const { address, asked } = await slowServer(t);
      const preload = join(folder, "preload.mjs");
      const data = join(folder, "data");
      mkdirSync(data);
      writeFileSync(preload, preloadOf(address, folder));
      const places = args.map((arg) => (/^[A-Z]+$/.test(arg) ? join(folder, arg) : arg));
      const running = start([...places, "--data", data], {
        NODE_OPTIONS: `--import=${pathToFileURL(preload)}`,
      });
      t.after(() => running.process.kill("SIGKILL"));
      await asked;
      const sent = performance.now();
      running.process.kill(signal);
      const { code, signal: by, stderr } = await running.outcome;
      const took = performance.now() - sent;
      assert.ok(took < LIMIT, `it took ${took} ms`);
      assert.equal(by === signal ? CODES[signal] : code, CODES[signal], stderr);
      assert.doesNotMatch(stderr, /internal error|\n\s+at /);
      assert.doesNotMatch(stderr, /continues|after this step|could not be (downloaded|fetched)/);
      const files = readdirSync(data, { recursive: true, encoding: "utf8", withFileTypes: true });
      const whole = files.filter((f) => f.isFile() && !/\.(part|lock)$/.test(f.name));
      assert.deepEqual(whole, []);
    });
  }
}
