// The connection file: where a kernel listens and with which key messages are signed.

import { readFileSync } from "node:fs";
import { parseJson } from "../base/json.ts";

const ALLOW_EMPTY_KEY = "--allow-empty-key";
const PORTS = ["shell", "iopub", "stdin", "control", "hb"] as const;

/** https://rfc.zeromq.org/spec/32 */
const Z85_KEY = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

/** The sockets of a kernel, by the names that the connection file gives their ports. */
export type SocketName = (typeof PORTS)[number];

export interface Connection {
  /** An address as ZeroMQ takes it. */
  readonly address: Readonly<Record<SocketName, string>>;
  /** Empty: messages are neither signed nor checked. */
  readonly key: string;
  /** With which everything is encrypted, where the front end gave them; 40 characters of Z85 each. */
  readonly curve?: { readonly publicKey: string; readonly secretKey: string };
}

export interface ConnectionOptions {
  /** Accept an empty key over TCP, where whoever reaches the ports may run code. */
  readonly allowEmptyKey?: boolean;
}

/** A connection file that cannot be used; the message is one line. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/**
 * The connection that a kernel's command line asks for.
 *
 * @throws ConnectionError where the command line or the file is wrong
 */
export function openConnection(argv: readonly string[]): Connection {
  const [file, ...rest] = argv.filter((argument) => argument !== ALLOW_EMPTY_KEY);
  if (file === undefined || file.startsWith("-") || rest.length > 0) {
    throw new ConnectionError(`usage: node main.ts CONNECTION_FILE [${ALLOW_EMPTY_KEY}]`);
  }
  return readConnection(file, { allowEmptyKey: argv.includes(ALLOW_EMPTY_KEY) });
}

/** @throws ConnectionError that names the file, the field and what it should be */
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
    throw new ConnectionError("no JSON object");
  }
  const fields = content as Readonly<Record<string, unknown>>;
  const transport = fields["transport"] ?? "tcp";
  if (transport !== "tcp" && transport !== "ipc") {
    throw new ConnectionError(`transport is ${JSON.stringify(transport)}; tcp and ipc are known`);
  }
  const ip = fields["ip"] === "localhost" ? "127.0.0.1" : fields["ip"];
  if (typeof ip !== "string" || ip === "") throw new ConnectionError("ip is missing");
  const scheme = fields["signature_scheme"] ?? "hmac-sha256";
  if (scheme !== "hmac-sha256") {
    throw new ConnectionError(
      `signature_scheme is ${JSON.stringify(scheme)}; only hmac-sha256 is known`,
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

/** jupyter_client's keys for CurveZMQ, since 8.10; half of them would leave the rest in the open. */
function parseCurve(fields: Readonly<Record<string, unknown>>): Connection["curve"] {
  const [publicKey, secretKey] = [fields["curve_publickey"], fields["curve_secretkey"]];
  if ((publicKey ?? null) === null && (secretKey ?? null) === null) return undefined;
  for (const [name, key] of Object.entries({ publicKey, secretKey })) {
    if (typeof key === "string" && Z85_KEY.test(key)) continue;
    throw new ConnectionError(`curve_${name.toLowerCase()} is not a key of 40 characters in Z85`);
  }
  return { publicKey: String(publicKey), secretKey: String(secretKey) };
}
