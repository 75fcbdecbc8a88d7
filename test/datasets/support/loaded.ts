// Loads many folders in one child with a small heap, whose peak bounds that of each.
import { spawn } from "node:child_process";
import path from "node:path";
import type { Outcome, Request } from "./load-all.ts";

/** Returns the outcomes up to the child's end, in the requests' order. */
export function loadAll(requests: readonly Request[]): Promise<Outcome[]> {
  const script = path.join(import.meta.dirname, "load-all.ts");
  const child = spawn(process.execPath, ["--max-old-space-size=400", script], {
    stdio: ["pipe", "pipe", "inherit"],
    env: withoutData(),
  });
  child.stdin.end(JSON.stringify(requests));
  const chunks: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => chunks.push(chunk));
  return new Promise((resolve) => {
    child.on("close", () => {
      const lines = chunks.join("").split("\n").filter(Boolean);
      resolve(lines.map((line) => JSON.parse(line) as Outcome));
    });
  });
}

/** This process's environment without a folder of datasets. */
export function withoutData(): NodeJS.ProcessEnv {
  const { ABKD_DATA: _, ...rest } = process.env;
  return rest;
}
