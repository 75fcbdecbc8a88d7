// Who can reach a kernel: over files only their owner, with CURVE only those who have the keys.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, suite, test } from "node:test";
import { curveKeyPair, Dealer, Request, Subscriber } from "zeromq";
import { ConnectionError, parseConnection } from "../../src/kernel/connection.ts";
import { createHeader, encodeMessage, Signer } from "../../src/kernel/wire.ts";
import type { KernelClient } from "../../src/notebook/client.ts";
import { resultOf, start } from "./protocol-kernel.ts";

const folder = mkdtempSync(path.join(tmpdir(), "abkd-transports-"));
after(() => rmSync(folder, { recursive: true }));

/** Checks that a transport works: runs a cell, restarts, and runs another. */
async function works(kernel: KernelClient): Promise<void> {
  assert.equal(resultOf(await kernel.execute("6 * 7")), "42");
  await kernel.heartbeat();
  await kernel.restart();
  assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
}

suite("ipc", () => {
  test("sockets in a folder that only the user may open, removed with the kernel", async () => {
    await using kernel = await start({ connection: { transport: "ipc" } });
    const { ip, shell_port, iopub_port } = kernel.process.connection;
    await works(kernel);
    assert.equal(statSync(path.dirname(ip)).mode & 0o077, 0);
    for (const port of [shell_port, iopub_port]) {
      const { mode } = statSync(`${ip}-${port}`);
      assert.equal(mode & 0o077, 0);
    }
    await kernel.shutdown();
    assert.throws(() => statSync(path.dirname(ip)), /ENOENT/);
  });

  test("also if the path of the temporary folder is too long for a socket", async () => {
    const long = path.join(folder, "x".repeat(100));
    mkdirSync(long);
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = long;
    try {
      await using kernel = await start({ connection: { transport: "ipc" } });
      assert.ok(kernel.process.connection.ip.length < 100);
      assert.equal(resultOf(await kernel.execute("1")), "1");
    } finally {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    }
  });
});

suite("CURVE", () => {
  const { publicKey, secretKey } = curveKeyPair();
  const keys = { curve_publickey: publicKey, curve_secretkey: secretKey };

  for (const transport of ["tcp", "ipc"] as const) {
    test(`over ${transport}: whoever has the keys is served`, async () => {
      await using kernel = await start({ connection: { transport, ...keys } });
      await works(kernel);
    });
  }

  test("a stranger hears nothing, and gets neither an answer nor a heartbeat", async () => {
    await using kernel = await start({ connection: keys });
    const { ip, iopub_port, shell_port, hb_port, key } = kernel.process.connection;
    const wrong = curveKeyPair();
    const stranger = { curveServerKey: wrong.publicKey, ...ownKeys(wrong) };
    for (const security of [{}, stranger]) {
      const options = { linger: 0, receiveTimeout: 700, ...security };
      const sockets = [new Subscriber(options), new Dealer(options), new Request(options)] as const;
      const [iopub, shell, heartbeat] = sockets;
      iopub.subscribe();
      for (const [i, port] of [iopub_port, shell_port, hb_port].entries()) {
        sockets[i]?.connect(`tcp://${ip}:${port}`);
      }
      // This stranger even has the key of the signatures.
      const header = createHeader("kernel_info_request", "stranger");
      const message = {
        identities: [],
        header,
        parent: {},
        metadata: {},
        content: {},
        buffers: [],
      };
      void shell.send(encodeMessage(new Signer(key), message));
      void heartbeat.send("ping");
      // Settled from the start: the cell may take longer than they wait.
      const heard = Promise.allSettled(sockets.map((socket) => socket.receive()));
      await kernel.execute("console.log('secret')");
      for (const one of await heard) {
        assert.equal(one.status, "rejected", "nothing within the time");
      }
      for (const socket of sockets) socket.close();
    }
    assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
  });

  test("half of the keys, or none: refused in one line", () => {
    const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
    const good = { transport: "tcp", ip: "127.0.0.1", key: "k", ...ports };
    assert.equal(parseConnection(good).curve, undefined);
    assert.equal(
      parseConnection({ ...good, curve_publickey: null, curve_secretkey: null }).curve,
      undefined,
    );
    assert.deepEqual(parseConnection({ ...good, ...keys }).curve, { publicKey, secretKey });
    for (const wrong of [
      { curve_publickey: publicKey },
      { curve_secretkey: secretKey },
      { ...keys, curve_publickey: "x" },
      { ...keys, curve_secretkey: 7 },
      { ...keys, curve_secretkey: `${secretKey.slice(0, 39)}"` },
    ]) {
      assert.throws(
        () => parseConnection({ ...good, ...wrong }),
        (error) =>
          error instanceof ConnectionError && /curve_(public|secret)key/.test(error.message),
      );
    }
  });
});

function ownKeys({ publicKey, secretKey }: { publicKey: string; secretKey: string }) {
  return { curvePublicKey: publicKey, curveSecretKey: secretKey };
}
