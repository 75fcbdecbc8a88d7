// ijavascript's `$$`: what a cell shows instead of its value, at once or later.
// The semantics are those of NEL, lib/server/context.js: the first output that does not stay alive is the last.
import { isThenable } from "../display/hook.ts";
import { type Run, runOf } from "../runner/run.ts";

type Data = Readonly<Record<string, unknown>>;
type Host = (
  value: unknown,
  options?: { raw?: boolean; id?: string; update?: boolean },
) => Promise<void>;
/** Shows something, or what a promise of it resolves to; with `keepAlive`, the cell waits for more. */
type Send<T> = (value: T | PromiseLike<T>, keepAlive?: boolean) => void;
type Inputs = (message?: string, options?: { readonly password?: boolean }) => Promise<string>;

/** A place below the cell, which each call fills anew if it has a name. */
interface Place {
  mime(data: Data): void;
  text(text: string): void;
  html(html: string): void;
  svg(svg: string): void;
  /** base64 */
  png(png: string): void;
  /** base64 */
  jpeg(jpeg: string): void;
  json(json: unknown): void;
  close(): void;
}

interface Context {
  /** Makes the cell wait for what it sends; returns whether it does. */
  async(value?: boolean): boolean;
  /** Ends the cell, with a value to show. */
  done(result?: unknown): void;
  readonly sendResult: Send<unknown>;
  /** Fails the cell; with `keepAlive`, prints the error. */
  readonly sendError: Send<unknown>;
  readonly mime: Send<Data>;
  readonly text: Send<string>;
  readonly html: Send<string>;
  readonly svg: Send<string>;
  /** base64 */
  readonly png: Send<string>;
  /** base64 */
  readonly jpeg: Send<string>;
  readonly json: Send<unknown>;
  /** Asks for a line of text. */
  input(
    options?: { readonly prompt?: string; readonly password?: boolean },
    callback?: (error: unknown, reply?: string) => void,
  ): Promise<string>;
  /** Returns a place below the cell. */
  display(id?: string): Place;
}

const host: Host = (...given) =>
  (Reflect.get(globalThis, Symbol.for("Jupyter.display")) as Host)(...given);

const contexts = new WeakMap<Run, Context>();

/** Returns the executing cell's context. */
function current(): Context {
  const run = runOf();
  if (!run) throw new Error("$$: no cell is running");
  const known = contexts.get(run);
  if (known) return known;
  const made = contextOf(run);
  contexts.set(run, made);
  return made;
}

function contextOf(run: Run): Context {
  const ended = Promise.withResolvers<void>();
  let isDone = false;

  const wait = (value = true): boolean => {
    if (isDone) return false;
    run.answer = value ? { settled: ended.promise } : undefined;
    return value;
  };
  const end = (failure?: { readonly error: unknown }): void => {
    isDone = true;
    run.answer = { settled: ended.promise, ...(failure && { failure }) };
    ended.resolve();
  };
  /** Sends a value, unless the cell has ended: what came first counts. */
  const sending =
    <T>(send: (value: T, isLast: boolean) => void): Send<T> =>
    (value, keepAlive = false) => {
      if (isThenable(value)) {
        wait();
        value.then((found) => sending(send)(found as T, keepAlive), fail);
        return;
      }
      if (isDone) return;
      if (keepAlive) wait();
      send(value as T, !keepAlive);
      if (!keepAlive && !isDone) end();
    };
  const fail = (error: unknown): void => {
    if (!isDone) end({ error });
  };
  const of = <T>(type: string): Send<T> =>
    sending<T>((value) => void host({ [type]: value }, { raw: true }));

  return {
    async: wait,
    done: (...results) => {
      if (isDone) return;
      if (results.length > 0) void host(results[0]);
      end();
    },
    sendResult: sending((value) => void (value === undefined ? undefined : host(value))),
    sendError: sending((error, isLast) => (isLast ? fail(error) : console.error(error))),
    mime: sending((data) => void host(data, { raw: true })),
    text: of("text/plain"),
    html: of("text/html"),
    svg: of("image/svg+xml"),
    png: of("image/png"),
    jpeg: of("image/jpeg"),
    json: of("application/json"),
    input: async ({ prompt = "", password = false } = {}, callback) => {
      wait();
      const ask = Reflect.get(globalThis, "input") as Inputs;
      const answer = ask(prompt, { password });
      if (callback) answer.then((reply) => callback(null, reply), callback);
      return await answer;
    },
    display: placeOf,
  };
}

function placeOf(id?: string): Place {
  let isShown = false;
  const mime = (data: Data): void => {
    void host(data, { raw: true, ...(id === undefined ? {} : { id, update: isShown }) });
    isShown = true;
  };
  return {
    mime,
    text: (text) => mime({ "text/plain": text }),
    html: (html) => mime({ "text/html": html }),
    svg: (svg) => mime({ "image/svg+xml": svg }),
    png: (png) => mime({ "image/png": png }),
    jpeg: (jpeg) => mime({ "image/jpeg": jpeg }),
    json: (json) => mime({ "application/json": json }),
    close: () => {},
  };
}

/** What a cell that uses them gets; those with $$ at both ends are of ijavascript's first versions. */
export const names = {
  get $$(): Context {
    return current();
  },
  get $$async$$(): boolean {
    return runOf()?.answer !== undefined;
  },
  set $$async$$(value: boolean) {
    current().async(Boolean(value));
  },
  get $$done$$(): Context["done"] {
    return current().done;
  },
  set $$mime$$(data: Data) {
    current().mime(data);
  },
  set $$html$$(html: string) {
    current().html(html);
  },
  set $$svg$$(svg: string) {
    current().svg(svg);
  },
  set $$png$$(png: string) {
    current().png(png);
  },
  set $$jpeg$$(jpeg: string) {
    current().jpeg(jpeg);
  },
};
