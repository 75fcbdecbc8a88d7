// This package's own version.
import { readFileSync } from "node:fs";

/** Reads it from package.json, which is one level above both src/ and dist/. */
export function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
