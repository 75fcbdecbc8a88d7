#!/usr/bin/env node
// The command `abkd`.
import module from "node:module";

// This comes before any other module: from the second start on, nothing is stripped or compiled again.
// Node.js 20 has no such cache. Workers do not share it unless the environment names it.
const { directory } = module.enableCompileCache?.() ?? {};
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= directory;

const { watchOutput } = await import("./cli/output.ts");
const { main } = await import("./cli/program.ts");

watchOutput();
void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
