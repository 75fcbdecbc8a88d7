#!/usr/bin/env node
import { NAME, VERSION } from "./base/own-package.ts";
// The command of the kernel's own package, which scripts/pack-kernel.mjs makes.
import { kernelCommand } from "./cli/kernel.ts";
import { notebookCommand } from "./cli/notebook.ts";
import { watchOutput } from "./cli/output.ts";
import { runProgram } from "./cli/shell.ts";

watchOutput();
void runProgram(async () => ({
  program: kernelCommand(NAME)
    .description(
      "A TypeScript kernel for Jupyter: where Jupyter finds it, and notebooks run by it.",
    )
    .version(VERSION)
    .addCommand(notebookCommand()),
  argv: process.argv.slice(2),
})).then((exitCode) => {
  process.exitCode = exitCode;
});
