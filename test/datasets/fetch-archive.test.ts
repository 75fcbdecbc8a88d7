// Fetching a dataset that is published as one archive, from a server on this machine.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ARCHIVES, archiveOf, type PublishedArchive } from "../../src/datasets/archives.ts";
import { archiveSize, fetchArchive } from "../../src/datasets/fetch-archive.ts";
import { DatasetError, loadDataset, MissingFileError } from "../../src/datasets/index.ts";
import { abkd } from "../cli/abkd.ts";
import { writeZip } from "./support/npz-writer.ts";
import { type Layout, plainLayout, typedLayout } from "./support/ogb-layout.ts";

/** Packs a layout as OGB does: a folder, with files beside those that are needed, and one that leads out of it. */
function zipped(inside: string, layout: Layout, deflate: boolean): Buffer {
  const members = new Map<string, Uint8Array>([
    [`${inside}/RELEASE_v1.txt`, Buffer.from("")],
    [`${inside}/../../outside.csv.gz`, Buffer.from("never written")],
  ]);
  for (const [file, text] of Object.entries(layout))
    members.set(`${inside}/${file}`, gzipSync(text));
  return writeZip(members, { deflate });
}

interface Site {
  readonly mirror: string;
  readonly requests: string[];
}

async function site(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Site> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-archive-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function serve(bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const headers = { "content-length": bytes.length - start };
  if (start > 0) {
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(206, { ...headers, "content-range": range });
  } else response.writeHead(200, headers);
  response.end(request.method === "HEAD" ? undefined : bytes.subarray(start));
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

for (const [name, layout, deflate] of [
  ["ogbn_arxiv", plainLayout(), false],
  ["ogbn_mag", typedLayout(), true],
] as const) {
  test(`${name}: cut off, resumed, checked and unpacked; the graph can be read`, async (t) => {
    const published = archiveOf(name)!;
    const bytes = zipped(published.inside, layout, deflate);
    const { mirror, requests } = await site(t, (request, response, count) => {
      if (request.method === "HEAD" || count > 2) serve(bytes, request, response);
      else {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 100), () => setTimeout(() => response.destroy(), 20));
      }
    });
    const { bytes: _, ...rest } = published;
    const archive: PublishedArchive = { ...rest, sha256: sha256(bytes) };
    const data = folderFor(t);
    const size = await archiveSize(archive, mirror);
    assert.deepEqual(size, { download: bytes.length, disk: 2 * bytes.length + archive.cache });
    await fetchArchive(archive, size, data, { mirror });
    const file = `/${archive.file}`;
    assert.deepEqual(requests, [`HEAD ${file}`, `GET ${file}`, `GET ${file} bytes=100-`]);
    for (const each of archive.files) assert.ok(existsSync(path.join(data, each)), each);
    assert.deepEqual(readdirSync(path.join(data, "ogb")), [], "the archive is not kept");
    assert.deepEqual(readdirSync(data).sort(), ["ogb", name]);
    const graph = await loadDataset(name.replace("_", "-"), { dataDir: data });
    assert.equal(graph.labels.length, name === "ogbn_mag" ? 3 : 6);
  });
}

test("another archive, a lack of files or of space, a server that is silent about the length", async (t) => {
  const published = archiveOf("ogbn_arxiv")!;
  const data = folderFor(t);
  const { "raw/edge.csv.gz": __, ...without } = plainLayout();
  const bytes = zipped("arxiv", without, false);
  const { mirror } = await site(t, (request, response) => {
    if (request.url?.startsWith("/silent")) response.writeHead(200).end();
    else serve(bytes, request, response);
  });
  const size = { download: bytes.length, disk: bytes.length };
  const fails = (archive: PublishedArchive, message: RegExp, disk = size.disk): Promise<void> =>
    assert.rejects(fetchArchive(archive, { ...size, disk }, data, { mirror }), (error: Error) => {
      assert.ok(error instanceof DatasetError, String(error));
      assert.match(error.message, message);
      return true;
    });
  await fails(published, /its sha256 is [0-9a-f]{64}, not the published one/);
  assert.deepEqual(readdirSync(path.join(data, "ogb")), []);
  const own = { ...published, sha256: sha256(bytes) };
  await fails(own, /has no ogbn_arxiv\/raw\/edge\.csv\.gz; it is another archive/);
  await fails(own, /takes 1,000,000,000,000 MB in .* MB are free; free some space/, 1e18);
  const { bytes: _, ...unknown } = own;
  await assert.rejects(
    archiveSize({ ...unknown, file: "silent" }, mirror),
    /does not say how long it is \(it answered 200\)/,
  );
});

test("abkd data fetch shows the size, and asks before more than 1 GB", async (t) => {
  const data = folderFor(t);
  const { mirror, requests } = await site(t, (request, response) => {
    const head = request.method === "HEAD";
    response.writeHead(head ? 200 : 404, { "content-length": head ? 415_000_000 : 0 }).end();
  });
  const fetched = ["data", "fetch", "ogbn-mag", "--data", data, "--mirror", mirror];
  const refused = await abkd(...fetched);
  assert.equal(refused.code, 2);
  assert.match(refused.stdout, /^ogbn-mag: 415 MB to download, 1,470 MB in /);
  assert.match(refused.stderr, /^abkd: ogbn-mag takes 415 MB to download, .*: say --yes[^\n]*\n$/);
  assert.ok(requests.every((request) => request.startsWith("HEAD ")));
  // A program that may download does not download this on the way to something else.
  await assert.rejects(
    loadDataset("ogbn-mag", { dataDir: data, download: true, mirror }),
    MissingFileError,
  );
  assert.ok(requests.every((request) => request.startsWith("HEAD ")));
  const agreed = await abkd(...fetched, "--yes");
  assert.equal(agreed.code, 1);
  assert.match(
    agreed.stderr,
    /ogb\/mag\.zip could not be downloaded: the server answered 404.*put the file at .*sha256/,
  );
  assert.ok(requests.some((request) => request.startsWith("GET /ogb/mag.zip")));
});

test("every archive is of a dataset, has a digest, and is below the layout of a data folder", () => {
  for (const { url, sha256: digest, files, folder } of ARCHIVES) {
    assert.match(url, /^http:\/\/snap\.stanford\.edu\/ogb\/data\/nodeproppred\/\w+\.zip$/);
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.ok(files.length > 5 && files.every((file) => file.startsWith(`${folder}/`)));
  }
});
