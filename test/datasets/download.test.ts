// The downloader against servers that are slow, break off, lie, redirect or do not exist.
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import path from "node:path";
import { describe, test } from "node:test";
import { download } from "../../src/datasets/download.ts";
import { DatasetError } from "../../src/formats/errors.ts";
import { CONTENTS, folder, honest, SHA256, serve, site } from "./support/site.ts";

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
