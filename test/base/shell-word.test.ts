// Texts as words of a shell's command line: a shell reads them as they were.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { commandLine } from "../../src/base/shell-word.ts";

test("a shell reads the words of a printed command as they were", () => {
  const words = ["data", "my graph", "it's", "$HOME", "a;b", "", "~/x", "*.csv", "--data=x"];
  const line = commandLine(words, { data: "/tmp/a b", runs: undefined });
  const shell = `abkd() { printf '%s\\n' "$@"; }; ${line}`;
  const read = execFileSync("bash", ["-c", shell], { encoding: "utf8" }).split("\n");
  assert.deepEqual(read.slice(0, -1), [...words, "--data", "/tmp/a b"]);
});
