// What happens beside the cells: interrupts from outside, and type warnings that appear by themselves.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { KernelClient, Message } from "../../src/notebook/client.ts";
import { next, resultOf, start } from "./protocol-kernel.ts";
import { SLOW } from "./types-kit.ts";

suite("interrupt", () => {
  test("by message and by signal: what follows is aborted, and the state is kept", async () => {
    await using kernel = await start();
    await kernel.execute("let state = 'kept'");
    const byMessage = (): Promise<unknown> => kernel.interrupt();
    const bySignal = async (): Promise<unknown> =>
      process.kill(kernel.process.pid as number, "SIGINT");
    for (const interrupt of [byMessage, bySignal]) {
      const loop = kernel.execute("while (true);");
      const queued = kernel.execute("state = 'lost'");
      await next(kernel, ({ header }) => header.msg_type === "execute_input");
      await delay(50);
      await interrupt();
      assert.equal((await loop).reply.content["ename"], "KeyboardInterrupt");
      assert.equal((await queued).reply.content["ename"], "Aborted");
      assert.equal(resultOf(await kernel.execute("state")), "'kept'");
    }
  });

  test("a child process that a cell waits for", async () => {
    await using kernel = await start();
    const begun = next(kernel, ({ content }) => content["text"] === "begun\n");
    const waiting = kernel.execute(
      "import { spawnSync } from 'node:child_process'; let a = 1;\n" +
        "console.log('begun'); spawnSync('sleep', ['60']); while (true);",
    );
    await begun;
    await kernel.interrupt();
    assert.equal((await waiting).reply.content["ename"], "KeyboardInterrupt");
    assert.equal(resultOf(await kernel.execute("a")), "1");
  });
});

test("Tab in a fresh kernel that is busy offers the runtime's own names, without waiting for types", async () => {
  await using kernel = await start();
  const loop = kernel.execute("for (;;);");
  await next(kernel, ({ header }) => header.msg_type === "execute_input");
  const { reply } = await kernel.request("shell", "complete_request", {
    code: "conso",
    cursor_pos: 5,
  });
  assert.deepEqual(reply.content["matches"], ["console"]);
  // The answer of the types, which take seconds to start, would name a type for each match.
  assert.deepEqual(reply.content["metadata"], {});
  await kernel.interrupt();
  await loop;
});

suite("type warnings", () => {
  const wrong = (name: string): string => `let ${name}: number = 'text'; ${name}`;

  /** A warning is neither on standard error, which is red, nor a cell's result. */
  const isWarning = ({ header }: Message): boolean => header.msg_type === "display_data";

  test("come under the cell in interactive use, and not in headless runs", async () => {
    await using kernel = await start();
    const warned = next(kernel, isWarning, 30_000);
    const headless = await kernel.execute(wrong("a"));
    assert.equal(resultOf(headless), "'text'");
    const attended = await kernel.execute(wrong("b"), { allowStdin: true });
    assert.equal(resultOf(attended), "'text'");
    // The warning comes by itself, after two idle seconds; one of the first cell would come first.
    const { content, parent } = await warned;
    const { "text/plain": text, "text/html": html } = content["data"] as Record<string, string>;
    assert.match(text ?? "", /^Cell \[2\]:1:5 - .*TS2322.*'string'.*\.$/);
    assert.match(html ?? "", /^<pre style="[^"]*">Cell \[2\]:1:5 - .*&#39;string&#39;.*<\/pre>$/);
    assert.equal(parent.msg_id, attended.request.msg_id);
  });

  /** Runs a wrong cell, and returns the warnings that have come once the service has answered later questions. */
  async function warningsOf(kernel: KernelClient, allowStdin: boolean): Promise<Message[]> {
    const warnings: Message[] = [];
    const stop = kernel.onMessage((_channel, message) => {
      if (isWarning(message)) warnings.push(message);
    });
    await kernel.request("shell", "is_complete_request", { code: "1" }, { timeout: 60_000 });
    const first = allowStdin ? undefined : next(kernel, isWarning, 30_000);
    await kernel.execute(wrong("n"), { allowStdin });
    await first;
    // Ask twice: questions come before diagnostics in the service's queue.
    for (let i = 0; i < 2; i++) {
      await kernel.request("shell", "is_complete_request", { code: "1" });
      await delay(100);
    }
    stop();
    return warnings;
  }

  test("switched off", async () => {
    await using kernel = await start({ env: { ABKD_KERNEL_DIAGNOSTICS: "off" } });
    assert.equal((await warningsOf(kernel, true)).length, 0);
  });

  test("switched on; names of the session are offered while types are not available", async () => {
    await using kernel = await start({ env: { ABKD_KERNEL_DIAGNOSTICS: "on" } });
    assert.equal((await warningsOf(kernel, false)).length, 1);
    await kernel.execute("let found = { treasure: 1, trap: [{ door: 2 }] }");
    // The service runs, and is busy with the next cell until its limit of 20 s.
    await kernel.execute(SLOW);
    const matches = async (code: string): Promise<unknown> => {
      const content = { code, cursor_pos: code.length };
      const options = { timeout: 12_000 };
      const { reply } = await kernel.request("shell", "complete_request", content, options);
      return reply.content["matches"];
    };
    // Types give names in the order of the alphabet, the session in that of the object. Until the service
    // is busy, types answer.
    let found: unknown;
    for (
      let attempt = 0;
      attempt < 30 && !isDeepStrictEqual(found, ["treasure", "trap"]);
      attempt++
    ) {
      if (attempt > 0) await delay(100);
      found = await matches("found.tr");
    }
    assert.deepEqual(found, ["treasure", "trap"]);
    assert.deepEqual(await matches("fou"), ["found"]);
    assert.deepEqual(await matches("found?.trap[0].d"), ["door"]);
  });
});
