// Fetching NELL: the file of all labels is requested but not required.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { abkd } from "../cli/abkd.ts";
import { skipWithoutData } from "./support/shared-data.ts";

test("a server without ally, or with another file under its name", {
  skip: skipWithoutData("nell"),
}, async (t) => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    const status = request.url?.endsWith("0.001.ally") ? 404 : 200;
    response.writeHead(status).end("not what was published");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-nell-fetch-"));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [name, file, reason] of [
    ["nell", "nell/ind.nell.0.001.ally", "answered 404"],
    ["nell-0.1", "nell/ind.nell.0.1.ally", "cut after 22 of 7596255 bytes"],
  ] as const) {
    requests.length = 0;
    const { code, stdout, stderr } = await abkd(
      ...["data", "fetch", name, "--data", folder, "--mirror", mirror],
    );
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/^already here: /gm)?.length, 15);
    assert.match(
      stdout,
      new RegExp(`^${name} works without ${file}, which adds labels: .*${reason}`, "m"),
    );
    assert.deepEqual([...new Set(requests)], [`/${file}`]);
    assert.deepEqual(
      readdirSync(folder, { recursive: true }).filter((entry) => String(entry).endsWith("ally")),
      [],
    );
  }
});
