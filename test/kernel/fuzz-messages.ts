// Messages that nobody should send: strangers' frames, signed nonsense, a wrong field in every request.
import { randomUUID } from "node:crypto";
import { createHeader, Signer } from "../../src/kernel/wire.ts";

export type Frames = (Uint8Array | string)[];

/** Returns a number below `most`; the same seed gives the same series. */
export type Random = (most: number) => number;

export function randomOf(seed: number): Random {
  let state = (seed % 2_147_483_646) + 1;
  return (most) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % most;
  };
}

const nested = (depth: number, open = "[", close = "]"): string =>
  open.repeat(depth) + close.repeat(depth);

/** JSON texts, some of which JSON.stringify would never write. */
const VALUES: readonly string[] = [
  ...["null", "true", "0", "-1", "0.5", "1e308", "-1e308", "1e999", "9007199254740993"],
  ...['""', '"x"', '"__proto__"', '"\\ud800\\u0000"', '"\u2028\u2029\u0085"', '"\\u001b[2J"'],
  ...["[]", "{}", "[null]", '{"__proto__":{"x":1}}', '{"a":1,"a":2,"constructor":{"name":3}}'],
  JSON.stringify("*".repeat(30_000)),
  JSON.stringify(`${"*a".repeat(400)}b`),
  JSON.stringify("a".repeat(100_000)),
  JSON.stringify("(".repeat(20_000)),
  ...[nested(400), nested(5_000), nested(100_000), `{"a":${nested(5_000)}}`],
  nested(5_000, '{"a":', "}").replace(":}", ":0}"),
  `[${"0,".repeat(20_000)}0]`,
  ...["NaN", "undefined", "{", '"'], // not JSON at all
];

/** The content of each request; the fuzz changes one of its fields. */
const REQUESTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  execute_request: {
    code: "0",
    silent: false,
    store_history: false,
    user_expressions: { a: "1" },
    allow_stdin: false,
    stop_on_error: false,
  },
  complete_request: { code: "Math.a", cursor_pos: 6 },
  inspect_request: { code: "Math.abs", cursor_pos: 6, detail_level: 0 },
  is_complete_request: { code: "1 +" },
  history_request: {
    ...{ hist_access_type: "search", output: true, raw: true, session: 0, start: 0, stop: 9 },
    ...{ n: 9, pattern: "*", unique: true },
  },
  comm_info_request: { target_name: "fuzz" },
  comm_open: { comm_id: "fuzz", target_name: "fuzz", data: {} },
  comm_msg: { comm_id: "fuzz", data: {} },
  comm_close: { comm_id: "fuzz", data: {} },
  kernel_info_request: {},
  usage_request: {},
  interrupt_request: {},
  input_reply: { value: "x" },
  debug_request: { seq: 1, command: "x" },
  create_subshell_request: {},
  __proto__request: {},
  "": {},
};

/** Messages that are signed with the key, or seem to be. */
export class MessageFuzz {
  readonly #random: Random;
  readonly #signer: Signer;
  readonly #session = randomUUID();

  constructor(key: string, random: Random) {
    this.#signer = new Signer(key);
    this.#random = random;
  }

  /** Returns the next message for shell, control or stdin. */
  next(): Frames {
    const frames = this.#signed();
    switch (this.#random(8)) {
      case 0:
        return strangeFrames(this.#random);
      case 1: {
        const at = this.#random(frames.length);
        return frames.toSpliced(at, 1, flipped(frames[at] ?? "", this.#random));
      }
      case 2:
        return frames.slice(this.#random(frames.length));
      default:
        return frames;
    }
  }

  #signed(): Frames {
    const random = this.#random;
    const type = pick(Object.keys(REQUESTS), random);
    const header = objectText(createHeader(type, this.#session));
    const parts = [header, objectText({}), objectText({}), objectText(REQUESTS[type] ?? {})];
    // Mostly change the content: a message that is wrong elsewhere is dropped before anyone reads it.
    const at = random(4) > 0 ? 3 : random(4);
    const changed = parts.map((part, i) => {
      if (i !== at) return part({});
      return random(20) === 0 ? pick(VALUES, random) : part({ random });
    });
    const bytes = changed.map((text) => Buffer.from(text));
    const buffers = Array.from({ length: random(10) === 0 ? random(1_000) : 0 }, () => "b");
    return ["<IDS|MSG>", this.#signer.sign(bytes), ...bytes, ...buffers];
  }
}

/** Writes an object's JSON, with one field changed if `random` is given. */
function objectText(fields: object): (change: { random?: Random }) => string {
  const entries = Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)]);
  return ({ random }) => {
    const changed = random ? entries.map(([name, text]) => [name ?? "", text ?? ""]) : entries;
    if (random) {
      const at = random(changed.length + 1);
      const value = pick(VALUES, random);
      if (at === changed.length) changed.push(["more", value]);
      else changed[at] = [changed[at]?.[0] ?? "", value];
    }
    return `{${changed.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
  };
}

/** Returns any number of frames, of which at most the last means anything. */
export function strangeFrames(random: Random): Frames {
  const count = pick([0, 1, 1, 2, 3, 7, 1_000], random) || 1;
  return Array.from({ length: count }, () => {
    const bytes = Buffer.alloc(pick([0, 0, 1, 2, 5, 64, 300], random), random(256));
    return random(9) === 0 ? "<IDS|MSG>" : bytes;
  });
}

function flipped(frame: Uint8Array | string, random: Random): Uint8Array {
  const bytes = Buffer.from(frame);
  if (bytes.length > 0) bytes.writeUInt8(random(256), random(bytes.length));
  return bytes;
}

export function pick<T>(all: readonly T[], random: Random): T {
  return all[random(all.length)] as T;
}
