// The digest that all our files use.
import { createHash } from "node:crypto";

/** Returns the sha256 as 64 hex digits. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
