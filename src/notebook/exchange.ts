// A request to a kernel: what it waits for, and how the waiting can fail.
import type { Content, Header, Message } from "../kernel/wire.ts";
import type { Exit } from "./launch.ts";

/** A request and everything that came in answer. */
export interface Exchange {
  readonly request: Header;
  readonly reply: Message;
  /** The messages published for this request, in order, from busy to idle. */
  readonly iopub: readonly Message[];
}

export interface RequestOptions {
  /** The time until both the reply and idle have arrived, in milliseconds; Infinity waits for ever. */
  readonly timeout?: number;
  /** Called with each published message of this request as it arrives. */
  readonly onIopub?: (message: Message) => void;
  /** Called with the request's header as it is sent, so that late messages can be assigned to it. */
  readonly onRequest?: (request: Header) => void;
  readonly metadata?: Content;
  readonly buffers?: readonly Uint8Array[];
}

export interface ExecuteOptions extends RequestOptions {
  readonly silent?: boolean;
  readonly storeHistory?: boolean;
  readonly userExpressions?: Readonly<Record<string, string>>;
  readonly allowStdin?: boolean;
  readonly stopOnError?: boolean;
}

/** The kernel's process ended while something was expected of it. */
export class KernelDeadError extends Error {
  override readonly name = "KernelDeadError";
  readonly exit: Exit;

  constructor(awaited: string, exit: Exit) {
    const said =
      exit.stderr === "" ? "; it wrote nothing to stderr" : `; it wrote:\n${exit.stderr}`;
    let how = `ended with exit code ${exit.code}`;
    if (exit.signal) how = `was ended by ${exit.signal}`;
    else if (exit.code === null) how = "could not be started";
    super(`the kernel ${how} before ${awaited}${said}`);
    this.exit = exit;
  }
}

/** Something expected of the kernel did not come in time. */
export class KernelTimeoutError extends Error {
  override readonly name = "KernelTimeoutError";
}

/** A request that is not answered yet. */
export interface Pending {
  readonly request: Header;
  readonly iopub: Message[];
  readonly onIopub: ((message: Message) => void) | undefined;
  reply: Message | null;
  idle: boolean;
  resolve(exchange: Exchange): void;
  reject(error: Error): void;
}

/** Describes what a request waits for. */
export function awaitedOf({ request, reply }: Pending): string {
  const name = request.msg_type.replace(/_request$/, "_reply");
  return reply ? `idle status after the ${name}` : name;
}

export function deadError(pending: Pending, exit: Exit): KernelDeadError {
  return new KernelDeadError(`its ${awaitedOf(pending)}`, exit);
}

/** Prints a time in seconds. */
export function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}

/** Returns the content of an execute_request. */
export function executeContent(code: string, options: ExecuteOptions, silent: boolean): Content {
  return {
    code,
    silent,
    store_history: options.storeHistory ?? !silent,
    user_expressions: options.userExpressions ?? {},
    allow_stdin: options.allowStdin ?? false,
    stop_on_error: options.stopOnError ?? true,
  };
}
