#!/usr/bin/env node
// The command `abkd`.
import { main } from "./cli/program.ts";

// Whoever reads us may stop reading, as `abkd methods | head -1` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
