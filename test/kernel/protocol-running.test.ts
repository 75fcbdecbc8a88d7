// What goes beside the cells: interrupts from outside, and type warnings that come by themselves.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Message } from "../../src/notebook/client.ts";
import { next, resultOf, start, typesOf } from "./protocol-kernel.ts";

suite("interrupt", () => {
  test("by message and by signal; what follows is aborted, and the state is kept", async () => {
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
});

suite("type warnings", () => {
  const wrong = "let n: number = 'text'; n";

  test("come under the cell, with its header, where a person sits", async () => {
    await using kernel = await start();
    const warned = next(kernel, ({ content }) => content["name"] === "stderr", 20_000);
    const exchange = await kernel.execute(wrong, { allowStdin: true });
    assert.equal(resultOf(exchange), "'text'");
    const { content, parent } = await warned;
    assert.match(content["text"] as string, /^Cell \[1\]:1:5 - .*TS2322/);
    assert.equal(parent.msg_id, exchange.request.msg_id);
  });

  test("not in headless runs, unless asked for; never where they are switched off", async () => {
    const count = async (setting: string | undefined, allowStdin: boolean): Promise<number> => {
      await using kernel = await start({ env: { ABKD_KERNEL_DIAGNOSTICS: setting } });
      const streams: Message[] = [];
      kernel.onMessage((_channel, message) => {
        if (message.header.msg_type === "stream") streams.push(message);
      });
      await kernel.request("shell", "complete_request", { code: "consol", cursor_pos: 6 });
      const { iopub } = await kernel.execute(wrong, { allowStdin });
      assert.equal(typesOf(iopub).includes("execute_result"), true);
      // Behind the diagnosis in the service's queue.
      await kernel.request("shell", "inspect_request", { code: "n", cursor_pos: 0 });
      await delay(300);
      return streams.length;
    };
    assert.equal(await count(undefined, false), 0);
    assert.equal(await count("off", true), 0);
    assert.equal(await count("on", false), 1);
  });
});
