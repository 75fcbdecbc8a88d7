// A kernel that misbehaves on demand: cells say `die`, `hang`, `abort once <text>` or `say <text>`.
import { existsSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Publisher, Reply, Router } from "zeromq";
import {
  type Content,
  createHeader,
  decodeMessage,
  encodeMessage,
  type Message,
  Signer,
} from "../../src/kernel/wire.ts";

const [mode, file] = process.argv.slice(2) as [string, string];
if (mode === "die") {
  writeSync(2, "first line\nno such library: libfake.so\n");
  process.exit(3);
}
if (mode === "silent" || (mode === "port taken" && !triedBefore())) setInterval(() => {}, 1000);
else await serve();

/** Behaves as tslab does: reports a taken port, and lives on without it. */
function triedBefore(): boolean {
  const marker = process.env["FAKE_KERNEL_MARKER"]!;
  if (existsSync(marker)) return true;
  writeFileSync(marker, "");
  writeSync(2, "UnhandledPromiseRejection: [Error: Address already in use]\n");
  return false;
}

async function serve(): Promise<void> {
  const connection = JSON.parse(readFileSync(file, "utf8")) as Record<string, string | number>;
  const signer = new Signer(String(connection["key"]));
  const at = (channel: string): string => `tcp://127.0.0.1:${connection[`${channel}_port`]}`;
  const [shell, control, iopub, hb] = [new Router(), new Router(), new Publisher(), new Reply()];
  await Promise.all([
    shell.bind(at("shell")),
    control.bind(at("control")),
    iopub.bind(at("iopub")),
    hb.bind(at("hb")),
  ]);
  const make = (type: string, parent: Message["parent"], content: Content): Message => ({
    identities: [],
    header: createHeader(type, "fake"),
    parent,
    metadata: {},
    content,
    buffers: [],
  });
  const publish = (type: string, parent: Message["parent"], content: Content): Promise<void> =>
    iopub.send([type, ...encodeMessage(signer, make(type, parent, content))]);
  let aborted = false;
  const serveChannel = async (socket: Router): Promise<void> => {
    for await (const frames of socket) {
      const { identities, header, content } = decodeMessage(signer, frames);
      await publish("status", header, { execution_state: "busy" });
      const code = String(content["code"] ?? "");
      if (code === "hang") continue;
      if (code === "die") {
        // Earlier messages are still on their way to the client, in another thread.
        await sleep(300);
        writeSync(2, "fatal: the heap is gone\n");
        process.kill(process.pid, "SIGKILL");
      }
      const aborts: boolean = code.startsWith("abort once ") && !aborted;
      aborted ||= aborts;
      const said = /^(?:say|abort once) (.*)$/s.exec(code)?.[1];
      if (said !== undefined && !aborts) {
        await publish("stream", header, { name: "stdout", text: said });
      }
      const reply = make(header.msg_type.replace("_request", "_reply"), header, {
        status: aborts ? "aborted" : "ok",
        execution_count: 1,
      });
      await socket.send([...identities, ...encodeMessage(signer, reply)]);
      await publish("status", header, { execution_state: "idle" });
      if (header.msg_type === "shutdown_request") process.exit(0);
    }
  };
  void serveChannel(shell);
  void serveChannel(control);
}
