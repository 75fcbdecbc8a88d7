// This package's own version.
import { readFileSync } from "node:fs";

const file = new URL("../../package.json", import.meta.url);

/**
 * From package.json, which stands above both src/ and dist/. It is read when this code is loaded: the
 * package may be replaced while a program runs.
 */
export const VERSION = (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
