// Where output goes: devices, pipes and links stay what they are, and a failing stdout is no crash.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { writeAtomic } from "../../src/base/files.ts";
import { skipWithoutData } from "../datasets/support/shared-data.ts";
import { contents, temporaryFolder } from "../training/small.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
const RUN = fileURLToPath(new URL("../../results/runs/01b92c1868d340bf", import.meta.url));
const MODEL = join(RUN, "model.safetensors");

/** Runs a shell pipeline in which `$ABKD` is the command. */
function shell(script: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(
    "bash",
    ["-c", script.replaceAll("$ABKD", `"${process.execPath}" "${CLI}"`)],
    {
      env: { ...process.env, NODE_OPTIONS: "" },
    },
  );
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (bytes: Buffer) => {
      said[name] += bytes.toString();
    });
  }
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...said })));
}

test("only regular files are replaced, also behind links, and keep their permissions", (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  // A link stands in for a device, so that the machine's own is not lost.
  symlinkSync("/dev/null", at("null"));
  writeAtomic(at("null"), "x");
  assert.ok(lstatSync(at("null")).isSymbolicLink());
  assert.ok(statSync("/dev/null").isCharacterDevice());

  mkdirSync(at("else"));
  writeFileSync(at("else/file"), "old", { mode: 0o600 });
  symlinkSync("else/file", at("link"));
  symlinkSync(at("link"), at("link to link"));
  writeAtomic(at("link to link"), "new");
  assert.equal(readFileSync(at("else/file"), "utf8"), "new");
  assert.equal(statSync(at("else/file")).mode & 0o777, 0o600);
  assert.ok(lstatSync(at("link")).isSymbolicLink());

  symlinkSync("else/not there yet", at("dangling"));
  writeAtomic(at("dangling"), "new");
  assert.equal(readFileSync(at("else/not there yet"), "utf8"), "new");
  assert.ok(lstatSync(at("dangling")).isSymbolicLink());

  symlinkSync("circle", at("circle"));
  assert.throws(() => writeAtomic(at("circle"), "x"), { message: /links form a loop/ });
  symlinkSync("/dev/full", at("full"));
  assert.throws(() => writeAtomic(at("full"), "x"), { message: /no space is left/ });
  assert.ok(lstatSync(at("full")).isSymbolicLink());
});

test("a named pipe and /dev/stdout are written to", { skip: skipWithoutData() }, async (t) => {
  const folder = temporaryFolder(t);
  const pipe = join(folder, "pipe.csv");
  execFileSync("mkfifo", [pipe]);
  const piped = await shell(
    `cat "${pipe}" & $ABKD predict "${MODEL}" --output "${pipe}" || kill $!; wait`,
  );
  assert.match(piped.stdout, /^node,label,predicted\n0,\d,\d\n/m);
  assert.ok(lstatSync(pipe).isFIFO());

  const csv = join(folder, "out.csv");
  for (const target of ["/dev/stdout", "/dev/fd/1"]) {
    const exported = await shell(
      `$ABKD export 01b92c18 --runs "${join(RUN, "..")}" --output ${target} > "${csv}"`,
    );
    assert.deepEqual([exported.code, exported.stderr], [0, ""], target);
    const bytes = readFileSync(csv);
    const model = readFileSync(MODEL);
    assert.deepEqual(bytes.subarray(0, model.length), model, target);
    assert.match(bytes.subarray(model.length).toString(), /^\/dev\/\w+(\/1)?: abkd on cora/);
  }
});

test("a full stdout gives one line and exit code 1, and what was computed is kept", {
  skip: skipWithoutData(),
}, async (t) => {
  const folder = temporaryFolder(t);
  const few = "--dataset synthetic --method student --epochs 3 --quiet";
  const commands = [
    "methods",
    "--help",
    "data list",
    `predict "${MODEL}"`,
    `export 01b92c18 --runs "${join(RUN, "..")}" --output "${join(folder, "m.npz")}" --format npz`,
    `distill ${few} --runs "${join(folder, "runs")}"`,
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await shell(`$ABKD ${command} > /dev/full`);
    assert.deepEqual([code, stdout], [1, ""], command);
    assert.equal(
      stderr,
      "abkd: cannot write to standard output: no space is left on the disk; free some\n",
      command,
    );
  }
  const files = [...contents(join(folder, "runs")).keys()];
  assert.equal(files.filter((file) => file.endsWith("run.json")).length, 1, "the run is kept");
  assert.ok(existsSync(join(folder, "m.npz")));
});

test("if the reader is gone, the work is still done, quietly, with the usual exit code", async (t) => {
  const folder = temporaryFolder(t);
  const run = join(folder, "runs");
  const few = `--dataset synthetic --method student --epochs 3 --quiet --json --runs "${run}"`;
  for (const [command, usual] of [
    ["methods", 0],
    [`distill ${few}`, 0],
    ["data verify synthetic nosuch", 2],
  ] as const) {
    const { stdout, stderr } = await shell(`{ $ABKD ${command}; echo "code $?" >&2; } | true`);
    assert.equal(stdout, "", command);
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines.at(-1), `code ${usual}`, command);
    for (const line of lines.slice(0, -1)) assert.match(line, /^abkd: /, command);
  }
  const files = [...contents(run).keys()];
  assert.equal(files.filter((file) => file.endsWith("run.json")).length, 1, "the run is kept");
  const { code, stdout } = await shell("$ABKD methods | head -1");
  assert.deepEqual([code, stdout.split("\n").length], [0, 2]);
});

test("a stderr that cannot be written changes neither result nor code", async () => {
  for (const [command, usual] of [
    ["data info synthetic", 0],
    ["distill --nosuch", 2],
  ] as const) {
    const { code } = await shell(`$ABKD ${command} 2> /dev/full`);
    assert.equal(code, usual, command);
  }
});
