// The Debug Adapter Protocol's messages (microsoft.github.io/debug-adapter-protocol), as far as the kernel uses them.

/** A request of a front end, checked. */
export interface DebugRequest {
  readonly seq: number;
  readonly command: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** The content of a debug_reply. */
export interface DebugReply {
  readonly type: "response";
  readonly seq: number;
  readonly request_seq: number;
  readonly command: string;
  readonly success: boolean;
  /** Why it failed. */
  readonly message?: string;
  readonly body?: unknown;
}

/** A variable, or a part of one. */
export interface Variable {
  readonly name: string;
  /** One line. There is no `type` beside it: JupyterLab's tree would show that instead of the value. */
  readonly value: string;
  /** What the request "variables" asks for its parts; 0 if it has none. */
  readonly variablesReference: number;
  /** The expression that gives it, if it is a variable. */
  readonly evaluateName?: string;
}

/** A request that cannot be served; the message is for the user. */
export class DebugError extends Error {
  override readonly name = "DebugError";
}

/** Returns the reply to a request that has succeeded. */
export function succeeded({ seq, command }: DebugRequest, body: unknown = {}): DebugReply {
  return { type: "response", seq, request_seq: seq, command, success: true, body };
}

/** Returns the reply to a request that has failed. */
export function failed({ seq, command }: DebugRequest, message: string): DebugReply {
  // JupyterLab reads some bodies without asking whether the request has succeeded.
  return { type: "response", seq, request_seq: seq, command, success: false, message, body: {} };
}

/** Reads a field of a request's arguments. @throws DebugError if it is not an integer */
export function numberIn(fields: Readonly<Record<string, unknown>>, field: string): number {
  const value = fields[field];
  if (!Number.isInteger(value)) throw new DebugError(`${field} is not an integer`);
  return value as number;
}

/** Reads a field of a request's arguments. @throws DebugError if it is not a string */
export function stringIn(fields: Readonly<Record<string, unknown>>, field: string): string {
  const value = fields[field];
  if (typeof value !== "string") throw new DebugError(`${field} is not a string`);
  return value;
}
