// The digest of all files of ours.
import { createHash } from "node:crypto";

/** 64 hex digits. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
