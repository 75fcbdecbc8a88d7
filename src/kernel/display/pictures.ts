// Shows the bytes of a picture file, and what is drawn on a canvas, as a picture.
import { types } from "node:util";
import type { Bundle } from "../channel.ts";
import { normaliseBundle } from "./hook.ts";
import { count } from "./numbers.ts";
import { callMethod, hasMethods } from "./property.ts";

/** The first bytes of each file type; null stands for any byte. */
const SIGNATURES: Readonly<Record<string, readonly (number | null)[]>> = {
  "image/png": [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  "image/jpeg": [0xff, 0xd8, 0xff],
  "image/gif": [0x47, 0x49, 0x46, 0x38, null, 0x61],
  "image/webp": [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50],
};
/** No picture file is shorter than this, and front ends choke on longer ones. */
const SHORTEST = 24;
const LONGEST = 32 * 2 ** 20;

/** Returns the picture in a value, given as bytes or as a canvas; undefined for anything else. */
export function pictureBundle(value: unknown): Bundle | undefined {
  const bytes = types.isAnyArrayBuffer(value)
    ? new Uint8Array(value)
    : (canvasBytes(value) ?? value);
  if (!types.isUint8Array(bytes)) return undefined;
  if (bytes.length < SHORTEST || bytes.length > LONGEST) return undefined;
  for (const [type, signature] of Object.entries(SIGNATURES)) {
    if (!signature.every((byte, at) => byte === null || byte === bytes[at])) continue;
    const [, name = ""] = type.split("/");
    const text = `${name.toUpperCase()} picture, ${count(bytes.length)} bytes`;
    return { ...normaliseBundle({ [type]: bytes }), "text/plain": text };
  }
  return undefined;
}

/** Returns what is drawn on a canvas of node-canvas and similar libraries. */
function canvasBytes(value: unknown): Uint8Array | undefined {
  if (!hasMethods(value, ["getContext", "toDataURL"])) return undefined;
  const url = callMethod(value, "toDataURL");
  const data = typeof url === "string" && /^data:image\/\w+;base64,(.*)$/s.exec(url)?.[1];
  return data ? Buffer.from(data, "base64") : undefined;
}
