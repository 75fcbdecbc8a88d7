// How large and how deep a message may be: enough for honest ones, too little to bring a service down.

/** The limit of a whole message. A Jupyter server's websocket takes 10 MB, so what comes through one fits. */
export const MESSAGE_BYTES = 16 * 2 ** 20;
/** The bytes that each frame counts for besides its content, because each costs memory of its own. */
export const FRAME_COST = 64;
/** The limit of one frame: ZeroMQ closes a connection that announces more, before it arrives. ZeroMQ does
 *  not limit a message's frames together; they are all in memory before anyone sees them. */
export const FRAME_BYTES = 64 * 2 ** 20;
/** The limit of a header, which every answer repeats. */
export const HEADER_BYTES = 2 ** 16;
/** The limit of a heartbeat, and of a topic that is subscribed to. */
export const SHORT_BYTES = 2 ** 10;
/** How deep arrays and objects may nest. Python's json takes 1,000, V8's JSON.stringify some 4,000. */
export const DEPTH = 500;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whether JSON nests deeper than `most`. Checked before it is parsed. */
export function isDeeper(json: Uint8Array, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
    if (depth > most) return true;
  }
  return false;
}

/** Returns the position of the closing quote of the string that starts here. */
function endOfString(json: Uint8Array, start: number): number {
  for (let at = json.indexOf(QUOTE, start + 1); at >= 0; at = json.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return json.length;
}
