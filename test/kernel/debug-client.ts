// A debugger's front end for tests: sends DAP requests on the control channel, and waits for events.
import assert from "node:assert/strict";
import type { Content, KernelClient, Message } from "../../src/notebook/client.ts";
import { until } from "./runner-harness.ts";

export interface Shown {
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
}

export interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly source: { readonly path: string; readonly name: string };
}

/** A debug_event's content. */
export interface DapEvent {
  readonly event: string;
  readonly body: Content;
}

export class DebugClient {
  readonly kernel: KernelClient;
  readonly events: DapEvent[] = [];
  /** The types of all published messages, with those of their parents. */
  readonly published: string[] = [];
  #seq = 0;
  #seen = 0;

  constructor(kernel: KernelClient) {
    this.kernel = kernel;
    kernel.onMessage((channel, { header, parent, content }: Message) => {
      if (channel !== "iopub") return;
      this.published.push(`${header.msg_type} of ${"msg_type" in parent ? parent.msg_type : ""}`);
      if (header.msg_type === "debug_event") this.events.push(content as unknown as DapEvent);
    });
  }

  /** Returns the reply's content, whether or not it has succeeded. */
  async send(command: string, fields: Content = {}): Promise<Content> {
    const seq = ++this.#seq;
    const content = { type: "request", seq, command, arguments: fields };
    const { reply } = await this.kernel.request("control", "debug_request", content);
    assert.equal(reply.header.msg_type, "debug_reply");
    assert.equal(reply.content["type"], "response");
    assert.equal(reply.content["request_seq"], seq);
    assert.equal(reply.content["command"], command);
    return reply.content;
  }

  /** Returns the body of a reply that has succeeded. */
  async ask<Body = Content>(command: string, fields: Content = {}): Promise<Body> {
    const reply = await this.send(command, fields);
    assert.ok(reply["success"], `${command}: ${String(reply["message"])}`);
    return reply["body"] as Body;
  }

  /** Returns why a request has failed. */
  async refusal(command: string, fields: Content = {}): Promise<string> {
    const reply = await this.send(command, fields);
    assert.equal(reply["success"], false, command);
    return String(reply["message"]);
  }

  /** As JupyterLab starts it: initialize, attach, nothing else. */
  async start(): Promise<Content> {
    const capabilities = await this.ask("initialize", { clientID: "jupyterlab" });
    await this.ask("attach");
    return capabilities;
  }

  async breakpoints(code: string, ...lines: number[]): Promise<string> {
    const { sourcePath } = await this.ask<{ sourcePath: string }>("dumpCell", { code });
    const breakpoints = lines.map((line) => ({ line }));
    await this.ask("setBreakpoints", { source: { path: sourcePath }, breakpoints });
    return sourcePath;
  }

  /** Returns the next event of a kind. */
  async event(kind: string): Promise<Content> {
    let at = -1;
    await until(
      () => {
        at = this.events.findIndex(({ event }, i) => i >= this.#seen && event === kind);
        return at >= 0;
      },
      `the event ${kind} after ${JSON.stringify(this.events.slice(this.#seen))}`,
    );
    this.#seen = at + 1;
    return this.events[at]!.body;
  }

  /** Forgets the events that nobody has waited for. */
  skip(): void {
    this.#seen = this.events.length;
  }

  async frames(): Promise<Frame[]> {
    return (await this.ask<{ stackFrames: Frame[] }>("stackTrace", { threadId: 1 })).stackFrames;
  }

  /** Returns where the next stop is: its reason and the first frame's name, line and column. */
  async stop(): Promise<string> {
    const { reason } = await this.event("stopped");
    const [frame] = await this.frames();
    return `${reason} ${frame?.name}:${frame?.line}:${frame?.column}`;
  }

  /** Returns where the next stop is; undefined if the cell ends without one. */
  async stopBefore(end: Promise<unknown>): Promise<string | undefined> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    end.then(over, over);
    const isThere = () => this.events.slice(this.#seen).some(({ event }) => event === "stopped");
    await until(() => isOver || isThere(), "a stop or the cell's end");
    return isThere() ? await this.stop() : undefined;
  }

  async variables(variablesReference: number): Promise<Shown[]> {
    return (await this.ask<{ variables: Shown[] }>("variables", { variablesReference })).variables;
  }

  /** Returns the variables of a frame's scopes, as texts. */
  async scopes(frameId: number): Promise<Record<string, Record<string, string>>> {
    const { scopes } = await this.ask<{ scopes: Shown[] }>("scopes", { frameId });
    const shown: Record<string, Record<string, string>> = {};
    for (const { name, variablesReference } of scopes) {
      shown[name] = textsOf(await this.variables(variablesReference));
    }
    return shown;
  }
}

export const textsOf = (variables: readonly Shown[]): Record<string, string> =>
  Object.fromEntries(variables.map(({ name, value }) => [name, value]));
