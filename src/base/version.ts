// This package's own version.
import { readFileSync } from "node:fs";

/** From package.json, which stands above both src/ and dist/. */
export function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
