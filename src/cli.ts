#!/usr/bin/env node
// The command `abkd`.
import module from "node:module";

// This comes before any other module, so that all calls compile the code once. Node 20 has no such cache.
if ("enableCompileCache" in module) module.enableCompileCache();
const { watchOutput } = await import("./cli/output.ts");
const { main } = await import("./cli/program.ts");

watchOutput();
void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
