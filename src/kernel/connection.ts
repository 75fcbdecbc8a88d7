// The connection file: where a kernel listens, and the key that signs its messages.

import { readFileSync } from "node:fs";
import { parseJson } from "../base/json.ts";

const ALLOW_EMPTY_KEY = "--allow-empty-key";
const PORTS = ["shell", "iopub", "stdin", "control", "hb"] as const;

/** https://rfc.zeromq.org/spec/32 */
const Z85_KEY = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

/** The kernel's sockets, named as the connection file names their ports. */
export type SocketName = (typeof PORTS)[number];

export interface Connection {
  /** Addresses in ZeroMQ's syntax. */
  readonly address: Readonly<Record<SocketName, string>>;
  /** Empty: messages are neither signed nor checked. */
  readonly key: string;
  /** The keys that encrypt everything, if the front end gave them; 40 characters of Z85 each. */
  readonly curve?: { readonly publicKey: string; readonly secretKey: string };
}

export interface ConnectionOptions {
  /** Accept an empty key over TCP, where anyone who reaches the ports can run code. */
  readonly allowEmptyKey?: boolean;
}

/** A connection file that cannot be used. The message is one line. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/**
 * Reads the connection that the kernel's command line names.
 *
 * @throws ConnectionError if the command line or the file is wrong
 */
export function openConnection(argv: readonly string[]): Connection {
  const [file, ...rest] = argv.filter((argument) => argument !== ALLOW_EMPTY_KEY);
  if (file === undefined || file.startsWith("-") || rest.length > 0) {
    throw new ConnectionError(`usage: node main.ts CONNECTION_FILE [${ALLOW_EMPTY_KEY}]`);
  }
  return readConnection(file, { allowEmptyKey: argv.includes(ALLOW_EMPTY_KEY) });
}

/** @throws ConnectionError that names the file, the field and what the field should be */
export function readConnection(file: string, options: ConnectionOptions = {}): Connection {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConnectionError(`connection file: ${(error as Error).message}`);
  }
  let content: unknown;
  try {
    content = parseJson(text);
  } catch (error) {
    throw new ConnectionError(`${file}: ${(error as Error).message}`);
  }
  try {
    return parseConnection(content, options);
  } catch (error) {
    if (error instanceof ConnectionError) error.message = `${file}: ${error.message}`;
    throw error;
  }
}

/** @throws ConnectionError */
export function parseConnection(content: unknown, options: ConnectionOptions = {}): Connection {
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new ConnectionError("not a JSON object");
  }
  const fields = content as Readonly<Record<string, unknown>>;
  const transport = fields["transport"] ?? "tcp";
  if (transport !== "tcp" && transport !== "ipc") {
    throw new ConnectionError(
      `transport is ${JSON.stringify(transport)}; only tcp and ipc are supported`,
    );
  }
  const ip = fields["ip"] === "localhost" ? "127.0.0.1" : fields["ip"];
  if (typeof ip !== "string" || ip === "") throw new ConnectionError("ip is missing");
  const scheme = fields["signature_scheme"] ?? "hmac-sha256";
  if (scheme !== "hmac-sha256") {
    throw new ConnectionError(
      `signature_scheme is ${JSON.stringify(scheme)}; only hmac-sha256 is supported`,
    );
  }
  const key = fields["key"] ?? "";
  if (typeof key !== "string") throw new ConnectionError("key is not a string");
  if (key === "" && transport !== "ipc" && !options.allowEmptyKey) {
    throw new ConnectionError(
      `key is empty: anyone who reaches the ports could run code; ${ALLOW_EMPTY_KEY} accepts that`,
    );
  }
  const addresses = PORTS.map((name) => {
    const port = fields[`${name}_port`];
    const most = transport === "tcp" ? 65_535 : Number.MAX_SAFE_INTEGER;
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > most) {
      throw new ConnectionError(`${name}_port is ${JSON.stringify(port)}, not a port`);
    }
    if (transport === "ipc") return [name, `ipc://${ip}-${port}`];
    return [name, `tcp://${ip.includes(":") ? `[${ip}]` : ip}:${port}`];
  });
  const curve = parseCurve(fields);
  const address = Object.fromEntries(addresses) as Connection["address"];
  return { address, key, ...(curve && { curve }) };
}

/** Reads jupyter_client's CurveZMQ keys (since 8.10). Half a pair is an error: it would encrypt nothing. */
function parseCurve(fields: Readonly<Record<string, unknown>>): Connection["curve"] {
  const [publicKey, secretKey] = [fields["curve_publickey"], fields["curve_secretkey"]];
  if ((publicKey ?? null) === null && (secretKey ?? null) === null) return undefined;
  for (const [name, key] of Object.entries({ publicKey, secretKey })) {
    if (typeof key === "string" && Z85_KEY.test(key)) continue;
    throw new ConnectionError(`curve_${name.toLowerCase()} is not a key of 40 characters in Z85`);
  }
  return { publicKey: String(publicKey), secretKey: String(secretKey) };
}
