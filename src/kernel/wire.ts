// Jupyter's wire protocol: messages as signed ZeroMQ frames, whatever they mean.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { userInfo } from "node:os";
import { DEPTH, FRAME_COST, HEADER_BYTES, isDeeper, MESSAGE_BYTES } from "./limits.ts";

/** The version of the messaging protocol that this kernel and this client speak. */
export const PROTOCOL_VERSION = "5.5";

const DELIMITER = Buffer.from("<IDS|MSG>");

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
  readonly subshell_id?: string | null;
}

export type Content = Readonly<Record<string, unknown>>;

export interface Message {
  /** ZeroMQ routing identities in front of the delimiter; the topic on iopub. */
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  /** The header of the request that this message answers; empty if there is none. */
  readonly parent: Header | Record<string, never>;
  readonly metadata: Content;
  readonly content: Content;
  readonly buffers: readonly Uint8Array[];
}

/** A message that must not be acted on: malformed, unsigned, or signed by a stranger. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** A signed message that is larger or deeper than a kernel accepts. Its sender can be told. */
export class LimitError extends WireError {
  readonly identities: Message["identities"];
  readonly header: Header;

  constructor(message: string, { identities, header }: Pick<Message, "identities" | "header">) {
    super(message);
    this.identities = identities;
    this.header = header;
  }
}

/** Signs and checks frames with a connection file's key. An empty key signs nothing. */
export class Signer {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  sign(parts: readonly Uint8Array[]): string {
    if (this.#key === "") return "";
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  verify(signature: Uint8Array, parts: readonly Uint8Array[]): boolean {
    const expected = Buffer.from(this.sign(parts));
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
}

/** Creates the header of a new message of one session. */
export function createHeader(msg_type: string, session: string): Header {
  const date = new Date().toISOString();
  return { msg_id: randomUUID(), msg_type, session, username, date, version: PROTOCOL_VERSION };
}

const username = (() => {
  try {
    return userInfo().username;
  } catch {
    return "abkd"; // a container's user may have no entry in passwd
  }
})();

export function encodeMessage(signer: Signer, message: Message): Uint8Array[] {
  const { header, parent, metadata, content } = message;
  const parts = [header, parent, metadata, content].map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
  const signature = Buffer.from(signer.sign(parts));
  return [...message.identities, DELIMITER, signature, ...parts, ...message.buffers];
}

/**
 * @param isLimited whether the message must stay within a kernel's limits
 * @throws WireError if the frames are not a message, or are not signed with the key
 */
export function decodeMessage(
  signer: Signer,
  frames: readonly Uint8Array[],
  isLimited = false,
): Message {
  const at = frames.findIndex((frame) => DELIMITER.equals(frame));
  if (at < 0) throw new WireError("no <IDS|MSG> delimiter");
  const signature = frames[at + 1];
  const parts = frames.slice(at + 2, at + 6);
  const [first, ...others] = parts;
  if (!signature || !first || others.length < 3)
    throw new WireError(`only ${frames.length} frames`);
  if (!signer.verify(signature, parts)) throw new WireError("bad signature");
  if (isLimited && (first.length > HEADER_BYTES || isDeeper(first, DEPTH))) {
    throw new WireError("its header is too large or nests too deep");
  }
  const header = parseHeader(first);
  const identities = frames.slice(0, at);
  const excess = isLimited ? excessOf(frames, others) : undefined;
  if (excess) throw new LimitError(excess, { identities, header });
  const [parent, metadata, content] = others.map(parseObject) as [Content, Content, Content];
  return {
    identities,
    header,
    parent: parent as Message["parent"],
    metadata,
    content,
    buffers: frames.slice(at + 6),
  };
}

/** Describes the limit that the message exceeds; undefined if it exceeds none. */
function excessOf(frames: readonly Uint8Array[], parts: readonly Uint8Array[]): string | undefined {
  const bytes = frames.reduce((sum, { length }) => sum + length + FRAME_COST, 0);
  if (bytes > MESSAGE_BYTES) {
    const [size, most] = [bytes, MESSAGE_BYTES].map((n) => Math.ceil(n / 2 ** 20));
    return `the message has ${size} MiB; the limit is ${most}`;
  }
  if (!parts.some((part) => isDeeper(part, DEPTH))) return undefined;
  return `the message nests deeper than the limit of ${DEPTH} arrays or objects`;
}

function parseHeader(part: Uint8Array): Header {
  const header = parseObject(part);
  for (const field of ["msg_id", "msg_type", "session"] as const) {
    if (typeof header[field] !== "string") throw new WireError(`the header has no ${field}`);
  }
  return header as unknown as Header;
}

function parseObject(part: Uint8Array): Content {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part.buffer, part.byteOffset, part.length).toString());
  } catch (error) {
    throw new WireError(`a part is not valid JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WireError("a part is not a JSON object");
  }
  return value as Content;
}
