// The downloader against servers that are slow, break off, lie, redirect or do not exist.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type DownloadOptions, download } from "../../src/datasets/download.ts";
import type { PublishedFile } from "../../src/datasets/manifest.ts";
import { DatasetError } from "../../src/formats/errors.ts";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";

const CONTENTS = Buffer.from(Array.from({ length: 200_000 }, (_, k) => (k * k) >> 3));
const SHA256 = createHash("sha256").update(CONTENTS).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

const folder = mkdtempSync(path.join(tmpdir(), "abkd-download-"));
const servers: Server[] = [];
let used = 0;

after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

/** Starts a server, and returns it with a target in a new folder and a list of the requests. */
async function site(handler: Handler): Promise<{
  source: PublishedFile;
  target: string;
  requests: IncomingMessage[];
  server: Server;
  get(options?: DownloadOptions): Promise<void>;
  leftovers(): string[];
}> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response, requests.length);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const target = path.join(folder, String(used++), "planetoid", "file");
  const source = { url: `http://127.0.0.1:${port}/file`, bytes: CONTENTS.length, sha256: SHA256 };
  return {
    source,
    target,
    requests,
    server,
    get: (options) => download(source, target, options),
    leftovers: () => readdirSync(path.dirname(target)).filter((name) => name !== "file"),
  };
}

/** Answers as an honest server that understands Range. */
function serve(request: IncomingMessage, response: ServerResponse, contents = CONTENTS): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const headers = { "content-length": contents.length - start };
  if (start > 0) {
    const range = `bytes ${start}-${contents.length - 1}/${contents.length}`;
    response.writeHead(206, { ...headers, "content-range": range });
  } else {
    response.writeHead(200, headers);
  }
  response.end(contents.subarray(start));
}

const honest: Handler = (request, response) => serve(request, response);

/** Announces the full length, sends the first `length` bytes, and hangs up. */
function cutAfter(response: ServerResponse, length: number): void {
  response.writeHead(200, { "content-length": CONTENTS.length });
  response.write(CONTENTS.subarray(0, length), () => setTimeout(() => response.destroy(), 20));
}

/** Returns the message of the DatasetError with which a download ends. */
async function failure(promise: Promise<void>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof DatasetError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail("the download did not fail");
}

describe("downloads", { concurrency: true }, () => {
  test("a whole file arrives with progress reports, and nothing else is left behind", async () => {
    const { get, target, source, leftovers } = await site(honest);
    const seen: number[] = [];
    await get({
      onProgress: ({ url, received, total }) => {
        assert.equal(url, source.url);
        assert.equal(total, CONTENTS.length);
        seen.push(received);
      },
    });
    assert.deepEqual(readFileSync(target), CONTENTS);
    assert.deepEqual(leftovers(), []);
    assert.equal(seen.at(-1), CONTENTS.length);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
  });

  test("a slow server gets all the time it needs while it sends", async () => {
    const { get, target } = await site((_, response) => {
      response.writeHead(200, { "content-length": CONTENTS.length });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(CONTENTS.subarray(sent, sent + 20_000));
        sent += 20_000;
        if (sent < CONTENTS.length) return;
        clearInterval(timer);
        response.end();
      }, 60);
    });
    await get({ idleLimit: 500 });
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("a server that never answers is given up after one timeout", async () => {
    const { get, requests } = await site(() => {});
    assert.match(await failure(get({ idleLimit: 150 })), /no data for 0.15 s/);
    assert.equal(requests.length, 1);
  });

  test("a pause of this process is no silence of the server", async () => {
    const { get, target, requests } = await site((_, response) => {
      response.writeHead(200, { "content-length": CONTENTS.length });
      response.write(CONTENTS.subarray(0, 20_000));
      setTimeout(() => response.end(CONTENTS.subarray(20_000)), 100);
    });
    let paused = false;
    const onProgress = (): void => {
      if (paused) return;
      paused = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
    };
    await get({ idleLimit: 400, onProgress });
    assert.deepEqual(readFileSync(target), CONTENTS);
    assert.equal(requests.length, 1);
  });

  test("the time for a whole file is limited", async () => {
    const { get } = await site((_, response) => {
      response.writeHead(200, { "content-length": CONTENTS.length });
      const timer = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(timer));
    });
    assert.match(await failure(get({ totalLimit: 300 })), /it took too long/);
  });

  test("after a broken connection the rest is requested", async () => {
    const { get, target, requests, leftovers } = await site((request, response, count) => {
      if (count === 1) cutAfter(response, 70_000);
      else serve(request, response);
    });
    await get();
    assert.deepEqual(readFileSync(target), CONTENTS);
    assert.deepEqual(
      requests.map(({ headers }) => headers.range),
      [undefined, "bytes=70000-"],
    );
    assert.deepEqual(leftovers(), []);
  });

  test("what has arrived is kept for a later call", async () => {
    const stop = new AbortController();
    const { get, target, requests } = await site((request, response, count) => {
      if (count > 1) serve(request, response);
      else {
        response.writeHead(200, { "content-length": CONTENTS.length });
        response.write(CONTENTS.subarray(0, 50_000));
      }
    });
    const onProgress = ({ received }: { received: number }): void => {
      if (received === 50_000) stop.abort();
    };
    assert.match(await failure(get({ signal: stop.signal, onProgress })), /it was stopped/);
    assert.ok(!existsSync(target));
    await get();
    assert.equal(requests[1]!.headers.range, "bytes=50000-");
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("a server that ignores Range sends the file from the start", async () => {
    const { get, target } = await site((_, response, count) => {
      if (count === 1) cutAfter(response, 70_000);
      else response.end(CONTENTS);
    });
    await get();
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("a part of another file is discarded", async () => {
    const { get, target } = await site(honest);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(`${target}.part`, Buffer.alloc(1234, 7));
    await get();
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("wrong bytes are rejected, and nothing is left behind", async () => {
    const wrong = Buffer.from(CONTENTS);
    wrong[99_999]! ^= 1;
    const { get, target, leftovers } = await site((request, response) =>
      serve(request, response, wrong),
    );
    assert.match(await failure(get()), /its sha256 is [0-9a-f]{64}, not the published one/);
    assert.ok(!existsSync(target));
    assert.deepEqual(leftovers(), []);
  });

  test("a file that does not end is rejected early", async () => {
    const { get, target } = await site((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(CONTENTS), 5);
      response.on("close", () => clearInterval(timer));
    });
    assert.match(await failure(get()), /longer than its 200000 bytes/);
    assert.ok(!existsSync(target));
  });

  test("404: asked once, and the error says where to put the file by hand", async () => {
    const { get, target, requests } = await site((_, response) => {
      response.writeHead(404).end("<html>not here</html>");
    });
    const message = await failure(get());
    assert.match(message, /the server answered 404 Not Found/);
    assert.ok(message.includes(`put the file at ${target} (sha256 ${SHA256})`), message);
    assert.equal(requests.length, 1);
  });

  test("a busy server is retried", async () => {
    const { get, target, requests } = await site((request, response, count) => {
      if (count === 1) response.writeHead(503).end();
      else serve(request, response);
    });
    await get();
    assert.equal(requests.length, 2);
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("redirects are followed", async () => {
    const { get, target } = await site((request, response) => {
      if (request.url === "/file") response.writeHead(302, { location: "/moved" }).end();
      else serve(request, response);
    });
    await get();
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("no server at all", async () => {
    const { get, server } = await site(honest);
    await new Promise((resolve) => server.close(resolve));
    assert.match(await failure(get()), /ECONNREFUSED/);
  });

  test("two calls at once make one download", async () => {
    const { get, target, requests } = await site((request, response) =>
      setTimeout(() => serve(request, response), 100),
    );
    await Promise.all([get(), get()]);
    assert.equal(requests.length, 1);
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("the lock of a process that died is taken over", async () => {
    const { get, target } = await site(honest);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(`${target}.lock`, "999999999\n");
    await get();
    assert.deepEqual(readFileSync(target), CONTENTS);
  });

  test("a full disk", { skip: !existsSync("/dev/full") && "needs /dev/full" }, async () => {
    const { get, target } = await site(honest);
    mkdirSync(path.dirname(target), { recursive: true });
    symlinkSync("/dev/full", `${target}.part`);
    assert.match(await failure(get()), /ENOSPC: no space left on device/);
    assert.ok(!existsSync(target));
  });

  test("a folder that cannot be created", async () => {
    const { source, get } = await site(honest);
    const blocked = path.join(folder, "blocked");
    writeFileSync(blocked, "a file where the folder should be");
    assert.match(await failure(download(source, path.join(blocked, "planetoid", "x"))), /ENOTDIR/);
    await get();
  });

  test("a folder that may not be written", {
    skip: process.getuid?.() === 0 && "root may write anywhere",
  }, async () => {
    const { get, target } = await site(honest);
    mkdirSync(path.dirname(target), { recursive: true });
    chmodSync(path.dirname(target), 0o555);
    assert.match(await failure(get()), /EACCES/);
    chmodSync(path.dirname(target), 0o755);
  });
});

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
