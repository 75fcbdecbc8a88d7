#!/usr/bin/env node
// The command `abkd`.
import { watchOutput } from "./cli/output.ts";
import { main } from "./cli/program.ts";

watchOutput();
void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
