// The protocol's parts without a kernel: wire, connection file, places, batches, descriptions of deaths.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { codePoints, utf16Offset } from "../../src/kernel/code-points.ts";
import { ConnectionError, parseConnection, readConnection } from "../../src/kernel/connection.ts";
import { deathFailure } from "../../src/kernel/death.ts";
import { Streams } from "../../src/kernel/streams.ts";
import {
  createHeader,
  decodeMessage,
  encodeMessage,
  type Message,
  Signer,
  WireError,
} from "../../src/kernel/wire.ts";

const signer = new Signer("a key");

function message(content: Record<string, unknown> = {}): Message {
  const header = createHeader("execute_request", randomUUID());
  const identities = [Buffer.from("one"), Buffer.from([0, 255])];
  return { identities, header, parent: {}, metadata: { a: 1 }, content, buffers: [] };
}

suite("wire", () => {
  test("a message is decoded as it was sent, including identities and buffers", () => {
    const sent = {
      ...message({ code: "\u{1d7d9} + ü", nested: [null, { "<IDS|MSG>": true }] }),
      buffers: [Buffer.from([1, 2, 3]), Buffer.alloc(0)],
    };
    const received = decodeMessage(signer, encodeMessage(signer, sent));
    assert.deepEqual(received, sent);
  });

  test("an empty key signs nothing, and accepts unsigned messages", () => {
    const open = new Signer("");
    const frames = encodeMessage(open, message());
    assert.equal(frames[3]?.length, 0);
    assert.equal(decodeMessage(open, frames).header.msg_type, "execute_request");
    assert.throws(() => decodeMessage(open, encodeMessage(signer, message())), WireError);
  });

  const spoil: Record<string, (frames: Uint8Array[]) => Uint8Array[]> = {
    "no frames": () => [],
    "no delimiter": (frames) => frames.filter((_, i) => i !== 2),
    "a part missing": (frames) => frames.slice(0, -1),
    "a stranger's signature": (frames) =>
      frames.with(3, Buffer.from(new Signer("other").sign(frames.slice(4, 8)))),
    "no signature": (frames) => frames.with(3, Buffer.alloc(0)),
    "content changed": (frames) => frames.with(7, Buffer.from('{"code":"evil"}')),
  };
  for (const [name, change] of Object.entries(spoil)) {
    test(`refused: ${name}`, () => {
      const frames = change(encodeMessage(signer, message({ code: "1" })));
      assert.throws(() => decodeMessage(signer, frames), WireError);
    });
  }

  for (const header of [
    "no JSON",
    "[]",
    "null",
    "{}",
    '{"msg_id":1,"msg_type":"x","session":"y"}',
  ]) {
    test(`refused though signed: a header ${header}`, () => {
      const parts = [header, "{}", "{}", "{}"].map((part) => Buffer.from(part));
      const frames = [Buffer.from("<IDS|MSG>"), Buffer.from(signer.sign(parts)), ...parts];
      assert.throws(() => decodeMessage(signer, frames), WireError);
    });
  }
});

suite("connection file", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-connection-"));
  after(() => rmSync(folder, { recursive: true }));
  const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 65535 };
  const good = { transport: "tcp", ip: "127.0.0.1", key: "k", ...ports };

  test("addresses over TCP and over files", () => {
    const tcp = parseConnection({ ...good, ip: "localhost" });
    assert.equal(tcp.address.shell, "tcp://127.0.0.1:1");
    assert.equal(tcp.address.hb, "tcp://127.0.0.1:65535");
    assert.equal(parseConnection({ ...good, ip: "::1" }).address.iopub, "tcp://[::1]:2");
    const ipc = parseConnection({ ...good, transport: "ipc", ip: "/run/k", key: "" });
    assert.deepEqual([ipc.address.control, ipc.key], ["ipc:///run/k-4", ""]);
  });

  test("an empty key over TCP only if it was asked for", () => {
    for (const key of ["", undefined]) {
      assert.throws(() => parseConnection({ ...good, key }), /key is empty.*--allow-empty-key/);
      assert.equal(parseConnection({ ...good, key }, { allowEmptyKey: true }).key, "");
    }
  });

  const wrong: [object | null, RegExp][] = [
    [null, /not a JSON object/],
    [{ ...good, transport: "pgm" }, /transport is "pgm"/],
    [{ ...good, ip: undefined }, /ip is missing/],
    [{ ...good, key: 1 }, /key is not a string/],
    [{ ...good, signature_scheme: "hmac-md5" }, /only hmac-sha256/],
    [{ ...good, stdin_port: undefined }, /stdin_port is undefined/],
    [{ ...good, hb_port: 65536 }, /hb_port is 65536/],
    [{ ...good, iopub_port: "5000" }, /iopub_port is "5000"/],
  ];
  for (const [content, expected] of wrong) {
    test(`refused: ${expected.source}`, () => {
      assert.throws(() => parseConnection(content), expected);
    });
  }

  test("an error in a file names the file, in one line", () => {
    const file = path.join(folder, "kernel.json");
    for (const text of ["{", "[]", JSON.stringify({ ...good, key: "" })]) {
      writeFileSync(file, text);
      assert.throws(
        () => readConnection(file),
        (error) =>
          error instanceof ConnectionError &&
          error.message.includes(file) &&
          !error.message.includes("\n"),
      );
    }
    assert.throws(() => readConnection(path.join(folder, "none")), /ENOENT/);
  });
});

test("places in code are counted in code points", () => {
  const text = "a\u{1f600}b\u{1d7d9}";
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((points) => utf16Offset(text, points)),
    [0, 1, 3, 4, 6, 6],
  );
  assert.deepEqual(
    [0, 1, 3, 4, 6].map((offset) => codePoints(text, offset)),
    [0, 1, 2, 3, 4],
  );
  assert.equal(codePoints("ab", 99), 2);
});

suite("streams", () => {
  test("many writes become one message; another cell or stream begins the next", async () => {
    const published: unknown[] = [];
    const streams = new Streams((...message) => published.push(message));
    for (const text of ["a", "b"]) streams.add(1, "stdout", text);
    streams.add(1, "stderr", "c");
    streams.add(2, "stderr", "d");
    streams.add(1, "stdout", "e");
    assert.deepEqual(published, []);
    await delay(100);
    const expected = [
      [1, "stdout", "ab"],
      [1, "stderr", "c"],
      [2, "stderr", "d"],
      [1, "stdout", "e"],
    ];
    assert.deepEqual(published, expected);
  });

  test("flush publishes at once, and only once; a lot of text does not wait for it", async () => {
    const published: string[] = [];
    const streams = new Streams((_cell, _name, text) => published.push(text));
    streams.add(1, "stdout", "x");
    streams.flush();
    assert.deepEqual(published, ["x"]);
    streams.add(1, "stdout", "y".repeat(2 ** 21));
    assert.equal(published[1]?.length, 2 ** 21);
    await delay(60);
    assert.equal(published.length, 2);
  });
});

suite("death", () => {
  const evalue = (code: number | null, signal: NodeJS.Signals | null, stderr = ""): string =>
    deathFailure({ ready: true, code, signal, stderr }).evalue;

  test("is described by its cause", () => {
    const heap =
      "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
    assert.match(evalue(null, "SIGABRT", `text\n${heap}\n`), /out of memory: .* limit of \d+ MB/);
    assert.match(evalue(null, "SIGSEGV"), /SIGSEGV: native code crashed/);
    assert.match(evalue(null, "SIGKILL"), /SIGKILL.*ran out of memory/);
    assert.match(evalue(3, null), /ended with code 3, which no cell asked for/);
    const exit = { call: "process.exit(3)", place: "Cell [2]:1:1", code: 3 };
    const asked = deathFailure({ ready: true, code: 3, signal: null, stderr: "", exit });
    assert.match(asked.evalue, /ended by process\.exit\(3\) at Cell \[2\]:1:1\./);
    const unborn = deathFailure({ ready: false, code: 9, signal: null, stderr: "" });
    assert.match(unborn.evalue, /did not start: it ended with code 9/);
  });

  test("a program that merely prints about memory is not said to have run out of it", () => {
    assert.match(evalue(null, "SIGSEGV", "heap out of memory\n"), /SIGSEGV/);
  });
});
