// Jupyter's own client and server with the kernel, over files and with CURVE's encryption.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { Lab } from "./jupyterlab.ts";
import {
  assertParts,
  installKernel,
  jupyterEnvironment,
  python,
  root,
  skipWithout,
  succeed,
} from "./parts.ts";

const limits = { skip: skipWithout("python"), timeout: 240_000 };

/** Starts the kernel, runs a cell, restarts, runs another; meanwhile listens as a stranger would. */
const CLIENT = `
import json, sys, time, zmq
from jupyter_client.manager import KernelManager
transport, encryption = sys.argv[1:]
manager = KernelManager(kernel_name="abkd", transport=transport, transport_encryption=encryption)
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
info = manager.get_connection_info()
stranger = zmq.Context.instance().socket(zmq.SUB)
stranger.linger = 0
stranger.subscribe(b"")
separator = ":" if transport == "tcp" else "-"
stranger.connect(f"{transport}://{info['ip']}{separator}{info['iopub_port']}")
time.sleep(1)
first = client.execute("6 * 7", reply=True, timeout=60)["content"]["status"]
for attempt in range(100):
    if client.hb_channel.is_beating(): break
    time.sleep(0.1)
beats = client.hb_channel.is_beating()
hears = bool(stranger.poll(1000))
manager.restart_kernel(now=True)
client.wait_for_ready(timeout=60)
second = client.execute("1 + 1", reply=True, timeout=60)["content"]["status"]
client.stop_channels()
manager.shutdown_kernel(now=True)
stranger.close()
print(json.dumps({"curve": "curve_publickey" in info, "beats": beats, "hears": hears, "cells": [first, second]}))
`;

describe("transports with Jupyter's own parts", limits, () => {
  let folder: string;

  before(async () => {
    assertParts("python");
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-t-"));
    await installKernel(folder);
  });
  after(async () => {
    // A test has ended it already, unless one failed.
    (await starting)?.starter.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  /** A lab over files, started by a process that a test can kill. */
  let starting: Promise<{ lab: Pick<Lab, "url" | "token">; starter: ChildProcess }> | undefined;
  const started = () => {
    starting ??= start(folder);
    return starting;
  };

  it("the kernelspec offers CURVE as jupyter_client 8.10 requires", async () => {
    const file = path.join(folder, "share/jupyter/kernels/abkd/kernel.json");
    const { metadata } = JSON.parse(await readFile(file, "utf8"));
    assert.equal(metadata.supported_encryption, "curve");
  });

  // They mostly wait, so they run at once.
  describe("jupyter_client", { concurrency: true }, () => {
    for (const [transport, encryption, curve] of [
      ["tcp", "disabled", false],
      ["tcp", "required", true],
      ["ipc", "required", true],
    ] as const) {
      it(`over ${transport}, encryption ${encryption}`, async () => {
        const options = { cwd: folder, env: jupyterEnvironment(folder) };
        const output = await succeed(python, ["-c", CLIENT, transport, encryption], options);
        assert.deepEqual(JSON.parse(output.trim().split("\n").at(-1) ?? ""), {
          curve,
          beats: true,
          hears: !curve, // any local user hears plain TCP
          cells: ["ok", "ok"],
        });
      });
    }
  });

  it("npm run lab --transport ipc: its kernels listen on files that only the user may open", async () => {
    const { lab } = await started();
    const headers = { Authorization: `token ${lab.token}` };
    const kernels = `${lab.url}/api/kernels`;
    const created = await fetch(kernels, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "abkd" }),
    });
    assert.equal(created.status, 201);
    const { id } = (await created.json()) as { id: string };
    const runtime = await runtimeFolder(id);
    assert.equal((await stat(runtime)).mode & 0o077, 0);
    const file = path.join(runtime, `kernel-${id}.json`);
    const { transport, ip, shell_port } = JSON.parse(await readFile(file, "utf8"));
    assert.equal(transport, "ipc");
    // Connect as every client does: the server then asks the kernel, whose first message it may have missed.
    const client = new WebSocket(
      `${kernels.replace("http", "ws")}/${id}/channels?token=${lab.token}`,
    );
    let state = "";
    for (let i = 0; i < 300 && state !== "idle"; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const answer = await fetch(`${kernels}/${id}`, { headers });
      state = ((await answer.json()) as { execution_state: string }).execution_state;
    }
    assert.equal(state, "idle", "the server hears it");
    const socket = await stat(`${ip}-${shell_port}`);
    assert.ok(socket.isSocket());
    assert.equal(socket.mode & 0o077, 0);
    client.close();
    await fetch(`${kernels}/${id}`, { method: "DELETE", headers });
  });

  it("a lab ends with the test that started it, however that was ended", async () => {
    const { lab, starter } = await started();
    const answers = () => fetch(`${lab.url}/api`).then(Boolean, () => false);
    const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
    // It prints where it listens before it can answer.
    while (!(await answers())) await pause();
    starter.kill("SIGKILL");
    while (await answers()) await pause();
  });

  it("npm run lab --transport: anything but tcp or ipc is refused", async () => {
    const args = [path.join(root, "scripts/lab.ts"), "--transport", "pgm"];
    await assert.rejects(
      succeed(process.execPath, args, { cwd: root, env: jupyterEnvironment(folder) }),
      /abkd: --transport takes tcp or ipc, not "pgm"/,
    );
  });
});

/** Starts a process that starts a lab over files. */
async function start(folder: string) {
  const module = new URL("./jupyterlab.ts", import.meta.url).href;
  const program = `
    const { startLab } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(await startLab(${JSON.stringify(folder)}, "--transport", "ipc")));
  `;
  const starter = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = (await once(starter.stdout, "data")) as [Buffer];
  return { lab: JSON.parse(text.toString()) as Pick<Lab, "url" | "token">, starter };
}

/** Returns the short folder that the lab made for its sockets. */
async function runtimeFolder(kernel: string): Promise<string> {
  const all = await readdir(os.tmpdir());
  for (const name of all.filter((one) => one.startsWith("abkd-"))) {
    const folder = path.join(os.tmpdir(), name);
    const files: string[] = await readdir(folder).catch(() => []);
    if (files.includes(`kernel-${kernel}.json`)) return folder;
  }
  throw new Error("no runtime folder holds the kernel's connection file");
}
