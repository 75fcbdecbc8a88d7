// Downloads one published file: resumed if interrupted, checked by sha256, moved into place in one step.
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolders } from "../base/folders.ts";
import { DatasetError } from "../formats/errors.ts";
import { withLock } from "./lock.ts";
import type { PublishedFile } from "./manifest.ts";

/** How far a download has come, in bytes. */
export interface DownloadProgress {
  readonly url: string;
  readonly received: number;
  readonly total: number;
}

export interface DownloadOptions {
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Longest silence of the server, in milliseconds; 20 s by default. */
  readonly idleLimit?: number;
  /** Longest time per file, in milliseconds; 15 minutes by default. */
  readonly totalLimit?: number;
}

/** After this many attempts in a row without a byte the download gives up. */
const FRUITLESS_ATTEMPTS = 4;
const FIRST_PAUSE = 250;

/** A failure that another attempt may fix: a broken connection, a busy server, a silence. */
class Interrupted extends Error {
  /** Whether the server had answered at all. */
  readonly answered: boolean;

  constructor(message: string, answered: boolean) {
    super(message);
    this.answered = answered;
  }
}

/**
 * Downloads a file to `target`. What has arrived is kept in `target`.part, where a later call
 * resumes; `target` itself appears only when it is whole and has the right sha256.
 *
 * @throws DatasetError whose one-line message says what failed and where to put the file by hand.
 */
export async function download(
  source: PublishedFile,
  target: string,
  options: DownloadOptions = {},
): Promise<void> {
  const total = AbortSignal.timeout(options.totalLimit ?? 15 * 60_000);
  const signal = options.signal ? AbortSignal.any([options.signal, total]) : total;
  try {
    makeFolders(path.dirname(target));
    await withLock(`${target}.lock`, signal, async () => {
      if (!existsSync(target)) await fetchWhole(source, target, signal, options);
    });
  } catch (error) {
    const reason = total.aborted ? "it took too long" : reasonOf(error);
    throw new DatasetError(
      `${source.url} could not be downloaded: ${reason}; to work offline, put the file ` +
        `at ${target} (sha256 ${source.sha256})`,
      { cause: error },
    );
  }
}

async function fetchWhole(
  source: PublishedFile,
  target: string,
  signal: AbortSignal,
  options: DownloadOptions,
): Promise<void> {
  const part = `${target}.part`;
  const resumed = (await sizeOf(part)) > 0;
  await fetchPart(source, part, signal, options);
  let found = await sha256Of(part);
  if (found !== source.sha256 && resumed) {
    // The part may belong to another file: start over once.
    await rm(part);
    await fetchPart(source, part, signal, options);
    found = await sha256Of(part);
  }
  if (found !== source.sha256) {
    await rm(part);
    throw new Error(`its sha256 is ${found}, not the published one`);
  }
  await rename(part, target);
}

/**
 * Makes attempts until the part has its full length; each resumes where the last one broke off. A server
 * that has never answered is not asked again: there is no network, and a person is waiting.
 */
async function fetchPart(
  source: PublishedFile,
  part: string,
  signal: AbortSignal,
  options: DownloadOptions,
): Promise<void> {
  let fruitless = 0;
  let answered = false;
  for (;;) {
    const before = await sizeOf(part);
    if (before === source.bytes) return;
    if (before > source.bytes) await rm(part);
    try {
      await fetchRest(source, part, signal, options);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      answered ||= error.answered;
      if (!answered) throw error;
      fruitless = (await sizeOf(part)) > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_ATTEMPTS) throw error;
      await sleep(FIRST_PAUSE * 2 ** fruitless, undefined, { signal });
    }
  }
}

/** A silence is counted in this many parts. */
const SILENT_PARTS = 10;

/**
 * Calls back after a silence of `limit` milliseconds. A pause of this process, or of the machine, counts as one
 * part of it: what arrived meanwhile has not been read yet.
 */
function onSilence(limit: number, call: () => void): { heard(): void; stop(): void } {
  let parts = 0;
  const timer = setInterval(() => {
    if (++parts === SILENT_PARTS) call();
  }, limit / SILENT_PARTS);
  return {
    heard: () => {
      parts = 0;
    },
    stop: () => clearInterval(timer),
  };
}

/** Requests what is missing and appends it to the part. */
async function fetchRest(
  source: PublishedFile,
  part: string,
  signal: AbortSignal,
  options: DownloadOptions,
): Promise<void> {
  const idle = new AbortController();
  const limit = options.idleLimit ?? 20_000;
  const silence = onSilence(limit, () => idle.abort());
  const start = await sizeOf(part);
  let handle: FileHandle | undefined;
  let answered = false;
  try {
    const response = await fetch(source.url, {
      // Ask for "identity": a compressed transfer would break the byte ranges.
      headers: { "accept-encoding": "identity", ...(start && { range: `bytes=${start}-` }) },
      signal: AbortSignal.any([signal, idle.signal]),
    });
    answered = true;
    const resumes = acceptsRange(response, start);
    handle = await open(part, resumes ? "a" : "w");
    let received = resumes ? start : 0;
    if (!response.body) throw new Interrupted("the server sent nothing", true);
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      silence.heard();
      received += next.value.length;
      if (received > source.bytes) throw new Error(`longer than its ${source.bytes} bytes`);
      await handle.write(next.value);
      options.onProgress?.({ url: source.url, received, total: source.bytes });
    }
    await handle.sync();
    if (received < source.bytes) {
      throw new Interrupted(`it was cut after ${received} of ${source.bytes} bytes`, true);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (idle.signal.aborted) throw new Interrupted(`no data for ${limit / 1000} s`, answered);
    // fetch reports a broken or failed connection as a TypeError.
    if (error instanceof TypeError) throw new Interrupted(reasonOf(error), answered);
    throw error;
  } finally {
    silence.stop();
    // Releases a body that was not read to its end.
    idle.abort();
    await handle?.close();
  }
}

/** Whether the response continues at `start`; otherwise it starts from the beginning. */
function acceptsRange(response: Response, start: number): boolean {
  const { status } = response;
  if (status === 200) return false;
  if (status === 206) {
    const from = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
    if (Number(from) === start) return true;
    throw new Error(`the server sent a different range from the one requested`);
  }
  const message = `the server answered ${status} ${response.statusText}`.trim();
  throw status === 408 || status === 429 || status >= 500
    ? new Interrupted(message, true)
    : new Error(message);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

/** The sha256 of a file of any size, as 64 hex digits. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Gives the innermost cause in a few words, on one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error.name === "AbortError") return "it was stopped";
  const code = (error as NodeJS.ErrnoException).code;
  return (error.message || code || error.name).replace(/\s+/g, " ");
}
