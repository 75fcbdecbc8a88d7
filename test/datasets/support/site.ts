// Local servers that answer downloads as a test says.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { type DownloadOptions, download } from "../../../src/datasets/download.ts";
import type { PublishedFile } from "../../../src/datasets/manifest.ts";

export const CONTENTS = Buffer.from(Array.from({ length: 200_000 }, (_, k) => (k * k) >> 3));
export const SHA256 = createHash("sha256").update(CONTENTS).digest("hex");

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Removed when the file's tests have ended. */
export const folder = mkdtempSync(path.join(tmpdir(), "abkd-download-"));
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
export async function site(handler: Handler): Promise<{
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
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  contents = CONTENTS,
): void {
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

export const honest: Handler = (request, response) => serve(request, response);
