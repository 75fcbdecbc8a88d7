// Comms, the channels of widgets: tracks which are open, and passes messages between front ends and runner.
import type { CellId, Command, CommMessage } from "./channel.ts";
import { textOf } from "./contents.ts";
import type { Executions } from "./executions.ts";
import type { Request, Sockets } from "./sockets.ts";
import type { Streams } from "./streams.ts";
import type { Content } from "./wire.ts";

interface Parts {
  readonly sockets: Sockets;
  readonly streams: Streams;
  readonly executions: Executions;
  readonly send: (command: Command) => void;
}

export class Comms {
  readonly #parts: Parts;
  /** Target names of open comms, by comm id. */
  readonly #open = new Map<string, string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Passes a front end's message to the runner. */
  take(kind: CommMessage["kind"], { content, metadata, buffers }: Request): undefined {
    const { executions, send } = this.#parts;
    const commId = textOf(content, "comm_id");
    if (kind === "open") this.#open.set(commId, textOf(content, "target_name"));
    if (kind === "close") this.#open.delete(commId);
    const command: Command = {
      type: "comm",
      kind,
      commId,
      ...(kind === "open" && { target: textOf(content, "target_name") }),
      data: content["data"] ?? {},
      metadata,
      buffers: buffers.map((bytes) => Buffer.from(bytes).toString("base64")),
    };
    // A widget's message arrives while its cell runs, but not before the cells that were sent before it.
    executions.inOrder(() => send(command));
  }

  /** Publishes the runner's message to all front ends. */
  publish(id: CellId, comm: CommMessage): void {
    const { sockets, streams, executions } = this.#parts;
    const { kind, commId, target = "", data, metadata, buffers = [] } = comm;
    if (kind === "open") this.#open.set(commId, target);
    if (kind === "close") this.#open.delete(commId);
    streams.flush();
    const parent = executions.cell(id)?.sender.header ?? {};
    const content = { comm_id: commId, data, ...(kind === "open" && { target_name: target }) };
    sockets.publish(`comm_${kind}`, parent, content, {
      metadata: (metadata ?? {}) as Content,
      buffers: buffers.map((text) => Buffer.from(text, "base64")),
    });
  }

  /** Returns the answer to a comm_info_request. */
  info(content: Content): Content {
    const wanted = content["target_name"];
    const open = [...this.#open].filter(([, name]) => !wanted || name === wanted);
    const comms = Object.fromEntries(open.map(([id, target_name]) => [id, { target_name }]));
    return { status: "ok", comms };
  }
}
