// Frames of the runner: everything is decoded in order, wherever the bytes are cut.
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Decoded, FrameDecoder, FrameWriter, newToken } from "../../src/kernel/frames.ts";

const folder = mkdtempSync(join(tmpdir(), "frames-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** Returns the bytes that `write` produces. */
function written(token: string, write: (frames: FrameWriter, fd: number) => void): Buffer {
  const file = join(folder, "bytes");
  const fd = openSync(file, "w");
  write(new FrameWriter(fd, token), fd);
  closeSync(fd);
  return readFileSync(file);
}

/** Joins neighbours of the same kind, so that results do not depend on the cuts. */
function joined(decoded: readonly Decoded[]): Decoded[] {
  const result: Decoded[] = [];
  for (const one of decoded) {
    const last = result.at(-1);
    if (one.type === "raw" && last?.type === "raw") {
      result[result.length - 1] = { type: "raw", text: last.text + one.text };
    } else if (one.type === "stream" && last?.type === "stream" && last.name === one.name) {
      result[result.length - 1] = { ...last, text: last.text + one.text };
    } else result.push(one);
  }
  return result;
}

test("events, streams and raw bytes keep their order, wherever the bytes are cut", () => {
  const token = newToken();
  const long = "größer 🐈 ".repeat(2000);
  const bytes = written(token, (frames, fd) => {
    writeSync(fd, "raw ü one \u001e");
    frames.event({ type: "ready", names: ["é"] });
    frames.stream(7, "stdout", "line 🐈\n");
    frames.stream(7, "stderr", long);
    writeSync(fd, "🐈 two");
    frames.event({ type: "members", request: 1, names: [long] });
    frames.event({ type: "mark", cell: 7 });
    writeSync(fd, "\u001e");
  });
  const expected: Decoded[] = [
    { type: "raw", text: "raw ü one \u001e" },
    { type: "ready", names: ["é"] },
    { type: "stream", cell: 7, name: "stdout", text: "line 🐈\n" },
    { type: "stream", cell: 7, name: "stderr", text: long },
    { type: "raw", text: "🐈 two" },
    { type: "members", request: 1, names: [long] },
    { type: "mark", cell: 7 },
    { type: "raw", text: "\u001e" },
  ];
  for (const step of [1, 2, 3, 17, 4095, 4097, bytes.length]) {
    const decoder = new FrameDecoder(token);
    const decoded: Decoded[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      decoded.push(...decoder.push(bytes.subarray(at, at + step)));
    }
    decoded.push(...decoder.end());
    assert.deepEqual(joined(decoded), expected, `in steps of ${step}`);
  }
});

test("a frame of another session is raw text", () => {
  const bytes = written(newToken(), (frames) => frames.stream(1, "stdout", "forged"));
  const decoded = joined(new FrameDecoder(newToken()).push(bytes));
  assert.deepEqual(new Set(decoded.map((one) => one.type)), new Set(["raw"]));
});
