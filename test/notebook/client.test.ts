// The Jupyter client: all channels with the project's own kernel; deaths and hangs with a fake one.
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { ownKernelspec } from "../../src/kernel/kernelspec.ts";
import {
  type KernelClient,
  KernelDeadError,
  KernelTimeoutError,
  startKernel,
} from "../../src/notebook/client.ts";
import { next } from "../kernel/protocol-kernel.ts";
import { fakeKernel, temporaryFolder } from "./files.ts";

describe("a client of the project's kernel", () => {
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel(ownKernelspec(), { env: { ABKD_KERNEL_DIAGNOSTICS: "off" } });
  });
  after(() => kernel.kill());

  it("knows what the kernel says about itself once it is ready", () => {
    assert.equal(kernel.info["status"], "ok");
    assert.equal((kernel.info["language_info"] as { name: string }).name, "typescript");
  });

  it("gets the reply and published messages of a request, in order from busy to idle", async () => {
    const early: string[] = [];
    const { reply, iopub, request } = await kernel.execute("console.log('a'); 40 + 2", {
      onIopub: ({ header }) => early.push(header.msg_type),
    });
    assert.equal(reply.content["status"], "ok");
    const types = iopub.map(({ header }) => header.msg_type);
    assert.deepEqual(types, ["status", "execute_input", "stream", "execute_result", "status"]);
    assert.deepEqual(early, types);
    for (const { parent } of iopub) assert.equal(parent.msg_id, request.msg_id);
    assert.deepEqual(kernel.rejected, []);
  });

  it("keeps apart requests that are sent at once", async () => {
    const codes = [1, 2, 3, 4, 5].map((n) => `console.log(${n})`);
    const exchanges = await Promise.all(codes.map((code) => kernel.execute(code)));
    const texts = exchanges.map(({ iopub }) =>
      iopub.map(({ content }) => content["text"] ?? "").join(""),
    );
    assert.deepEqual(texts, ["1\n", "2\n", "3\n", "4\n", "5\n"]);
  });

  it("can ask on control while shell is busy, and interrupt", async () => {
    // The execute_input message would be too early: the cell may not have begun.
    const begun = next(kernel, ({ content }) => content["text"] === "begun\n");
    const loop = kernel.execute("let kept = 7; console.log('begun'); while (true) {}");
    await begun;
    const { reply } = await kernel.request("control", "kernel_info_request");
    assert.equal(reply.content["status"], "ok");
    await kernel.interrupt();
    assert.equal((await loop).reply.content["ename"], "KeyboardInterrupt");
    const { iopub } = await kernel.execute("kept");
    assert.match(JSON.stringify(iopub.map(({ content }) => content)), /"text\/plain":"7"/);
  });

  it("answers input requests", async () => {
    const stop = kernel.onMessage((channel, { header, content }) => {
      if (header.msg_type !== "input_request") return;
      assert.equal(channel, "stdin");
      kernel.answerInput(header, `${content["prompt"]}ada`);
    });
    const { iopub } = await kernel.execute("prompt('who? ')", { allowStdin: true });
    stop();
    assert.match(JSON.stringify(iopub.map(({ content }) => content)), /who\? ada/);
  });

  it("receives late output through onMessage", async () => {
    const late = new Promise<string>((resolve) => {
      kernel.onMessage((_, { header, content, parent }) => {
        if (content["text"] === "late\n") resolve(`${header.msg_type} of ${parent.msg_id}`);
      });
    });
    const { request } = await kernel.execute("setTimeout(() => console.log('late'), 200); 0");
    assert.equal(await late, `stream of ${request.msg_id}`);
  });

  it("gets the heartbeat, and sends raw frames that the kernel survives", async () => {
    kernel.sendRaw("shell", ["<IDS|MSG>", "no signature", "{}", "{}", "{}", "{}"]);
    await kernel.heartbeat();
    assert.equal((await kernel.execute("1")).reply.content["status"], "ok");
  });

  it("reports what did not come in time, and works afterwards", async () => {
    const slow = kernel.execute("await new Promise((r) => setTimeout(r, 600))", { timeout: 100 });
    await assert.rejects(slow, (error) => {
      assert.ok(error instanceof KernelTimeoutError);
      assert.equal(error.message, "no execute_reply within 0.1 s");
      return true;
    });
    assert.equal((await kernel.execute("1")).reply.content["status"], "ok");
  });

  it("restarts on the same ports without state", async () => {
    await kernel.execute("let gone = 1");
    const { pid } = kernel.process;
    await kernel.restart();
    assert.notEqual(kernel.process.pid, pid);
    const { reply } = await kernel.execute("typeof gone");
    assert.equal(reply.content["execution_count"], 1);
  });

  it("keeps the key in this user's file, in this user's folder, and removes both", async () => {
    const { connectionFile } = kernel.process;
    const folder = path.dirname(connectionFile);
    assert.equal(statSync(connectionFile).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const { code, signal } = await kernel.shutdown();
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
    assert.ok(!existsSync(folder));
    await assert.rejects(kernel.execute("1"), KernelDeadError);
  });
});

describe("a client of a bad kernel", () => {
  it("reports how it died at the start, with its last lines", async () => {
    await assert.rejects(startKernel(fakeKernel("die")), (error) => {
      assert.ok(error instanceof KernelDeadError);
      assert.match(error.message, /ended with exit code 3 before its kernel_info_reply/);
      assert.match(error.message, /no such library: libfake\.so$/);
      return true;
    });
  });

  it("reports that it never answered, and kills it", async () => {
    const started = startKernel(fakeKernel("silent"), { startTimeout: 700 });
    await assert.rejects(started, /^KernelTimeoutError: no kernel_info_reply within 0\.7 s$/);
  });

  it("restarts it on other ports if it found one taken and lives on without it", async () => {
    using folder = temporaryFolder();
    const env = { FAKE_KERNEL_MARKER: path.join(folder.path, "tried") };
    await using kernel = await startKernel(fakeKernel("port taken"), { env });
    const { reply } = await kernel.execute("say hello");
    assert.equal(reply.content["status"], "ok");
  });

  it("reports that the program does not exist", async () => {
    const started = startKernel([path.join(import.meta.dirname, "no-such-program")]);
    await assert.rejects(started, /could not be started .*ENOENT/s);
  });

  it("rejects everything that waits when it dies, after its last messages", async () => {
    await using kernel = await startKernel(fakeKernel("serve"));
    const texts: unknown[] = [];
    kernel.onMessage((_, { content }) => {
      if (content["text"] !== undefined) texts.push(content["text"]);
    });
    const said = kernel.execute("say bye");
    const died = kernel.execute("die");
    const queued = kernel.execute("say never");
    await said;
    await assert.rejects(died, /was ended by SIGKILL before its execute_reply.*heap is gone/s);
    await assert.rejects(queued, KernelDeadError);
    assert.deepEqual(texts, ["bye"]);
  });

  it("starts in the given folder and with the given variables", async () => {
    using folder = temporaryFolder();
    const spec = { ...ownKernelspec(), env: { FROM_SPEC: "$" + "{GIVEN}/x", BOTH: "spec" } };
    process.env["GIVEN"] = "given";
    await using kernel = await startKernel(spec, { cwd: folder.path, env: { BOTH: "option" } });
    const { iopub } = await kernel.execute(
      "[process.cwd(), process.env.FROM_SPEC, process.env.BOTH].join(';')",
    );
    const result = JSON.stringify(iopub.map(({ content }) => content));
    assert.ok(result.includes(`${folder.path};given/x;option`), result);
  });
});
