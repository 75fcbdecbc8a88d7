// abkd notebook run: outputs, errors, parameters, limits and interrupts, with the real kernel.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { readNotebook, serialiseNotebook } from "../../src/notebook/nbformat.ts";
import { chooseKernel, runNotebook } from "../../src/notebook/run.ts";
import { abkd, start } from "../cli/abkd.ts";
import {
  codeCells,
  fakeKernel,
  install,
  notebookOf,
  shown,
  temporaryFolder,
  writeNotebook,
} from "./files.ts";

describe("running a notebook", () => {
  it("keeps all outputs of cells, including late and updated ones", async () => {
    const notebook = notebookOf(
      "setTimeout(() => console.log('late'), 50)\nconsole.log('early'); undefined",
      "for (let i = 0; i <= 100; i++) process.stdout.write('\\r' + i + ' %')",
      "await display({ 'text/plain': 'before' }, { raw: true, id: 'd' })",
      "await display({ 'text/plain': 'after' }, { raw: true, id: 'd', update: true })",
      "let sum = 40",
      "",
      "sum + 2",
      "await new Promise((resolve) => setTimeout(resolve, 200))",
    );
    const counted: string[] = [];
    const { failure, errors } = await runNotebook(notebook, {
      kernel: chooseKernel(),
      cwd: import.meta.dirname,
      onCell: (number, total) => counted.push(`${number}/${total}`),
    });
    assert.equal(failure, null);
    assert.equal(errors.size, 0);
    const cells = codeCells(notebook);
    assert.deepEqual(cells.map(shown), ["early\nlate\n", "100 %", "after", "", "", "", "42", ""]);
    assert.deepEqual(
      cells.map((cell) => cell.execution_count),
      [1, 2, 3, 4, 5, null, 6, 7],
    );
    assert.deepEqual(counted, ["1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7"]);
    const { kernelspec, language_info } = notebook.metadata;
    assert.deepEqual(kernelspec, {
      display_name: "TypeScript (abkd)",
      language: "typescript",
      name: "abkd",
    });
    assert.equal((language_info as { name: string }).name, "typescript");
  });

  it("runs in the notebook's folder, headless: no input, no type warnings, no time stamps", async () => {
    using folder = temporaryFolder();
    mkdirSync(path.join(folder.path, "data"));
    const file = writeNotebook(
      folder.path,
      "(await import('node:fs')).readdirSync('.').join()",
      "let wrong: number = 'text'; wrong",
      ["prompt('name')", "raises-exception"],
    );
    const notebook = readNotebook(file);
    notebook.cells[0]!.metadata["execution"] = { "iopub.status.busy": "2020-01-01" };
    writeFileSync(file, serialiseNotebook(notebook));
    const { code, stderr, stdout } = await abkd("notebook", "run", "--inplace", file);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /test\.ipynb: ran in [\d.]+ s, 1 with errors, written to /);
    assert.match(stderr, /test\.ipynb: cell 1 of 3\n.*cell 2 of 3\n.*cell 3 of 3\n$/);
    const [first, second, third] = codeCells(file);
    assert.equal(shown(first), "'data,test.ipynb'");
    assert.deepEqual(first?.metadata, {});
    assert.equal(shown(second), "'text'");
    assert.equal(third?.outputs[0]?.output_type, "error");
    assert.doesNotMatch(readFileSync(file, "utf8"), /"iopub|20\d\d-\d\d-\d\dT/);
  });

  it("gives the same file when it runs again", async () => {
    using folder = temporaryFolder();
    const file = writeNotebook(folder.path, "console.log(1); [1, 2]", ["nope", "raises-exception"]);
    assert.equal((await abkd("notebook", "run", "--inplace", file)).code, 0);
    const once = readFileSync(file, "utf8");
    assert.equal((await abkd("notebook", "run", "--inplace", file)).code, 0);
    assert.equal(readFileSync(file, "utf8"), once);
  });
});

describe("a notebook with an error", () => {
  it("stops there, reports the cell and the message, and keeps the outputs so far", async () => {
    using folder = temporaryFolder();
    const file = writeNotebook(folder.path, "1", "throw new RangeError('too far')", "3");
    const before = readFileSync(file, "utf8");
    const output = path.join(folder.path, "out.ipynb");
    const { code, stderr } = await abkd("notebook", "run", file, "--output", output);
    assert.equal(code, 1);
    assert.ok(
      stderr.endsWith(
        `abkd: ${file}: cell 2 of 3: RangeError: too far; the outputs so far are in ${output}\n`,
      ),
      stderr,
    );
    const cells = codeCells(output);
    assert.deepEqual(cells.map(shown), ["1", "RangeError: too far", ""]);
    assert.equal(cells[2]?.execution_count, null);
    assert.equal(readFileSync(file, "utf8"), before);
  });

  it("continues with --allow-errors", async () => {
    using folder = temporaryFolder();
    const file = writeNotebook(folder.path, "1", "throw new RangeError('too far')", "3");
    const { code } = await abkd("notebook", "run", file, "--inplace", "--allow-errors");
    assert.equal(code, 0);
    assert.deepEqual(codeCells(file).map(shown), ["1", "RangeError: too far", "3"]);
  });

  it("reports that its kernel died, and of what", async () => {
    using folder = temporaryFolder();
    const env = install(folder.path, "fake", fakeKernel("serve"));
    const file = writeNotebook(folder.path, "say hello", "die", "say never");
    const args = ["notebook", "run", file, "--kernel", "fake", "--inplace"];
    const { code, stderr } = await start(args, env).outcome;
    assert.equal(code, 1);
    assert.match(stderr, /cell 2 of 3: the kernel was ended by SIGKILL.*the heap is gone/);
    assert.deepEqual(codeCells(file).map(shown), ["hello", "", ""]);
  });

  it("sends a cell again if the kernel aborted it without running it, as tslab does", async () => {
    const notebook = notebookOf("say first", "abort once second");
    const kernel = { name: "fake", spec: fakeKernel("serve") };
    const { failure } = await runNotebook(notebook, { kernel, cwd: import.meta.dirname });
    assert.equal(failure, null);
    assert.deepEqual(codeCells(notebook).map(shown), ["first", "second"]);
  });

  it("reports when a cell ends the real kernel's process", async () => {
    using folder = temporaryFolder();
    const file = writeNotebook(folder.path, "1", "process.kill(process.pid, 'SIGKILL')", "3");
    const { code, stderr } = await abkd("notebook", "run", file, "--inplace");
    assert.equal(code, 1);
    assert.match(stderr, /cell 2 of 3: /);
    assert.equal(shown(codeCells(file)[0]), "1");
  });
});

describe("a cell that does not end", () => {
  it("is interrupted after --timeout, and this is reported", async () => {
    using folder = temporaryFolder();
    const stuck = "console.log('in'); await new Promise(() => {})";
    const file = writeNotebook(folder.path, "1", stuck, "3");
    // The first cell must not take that long on a very busy machine.
    const { code, stderr } = await abkd("notebook", "run", file, "--inplace", "--timeout", "4.5");
    assert.equal(code, 1);
    assert.match(stderr, /cell 2 of 3: it took longer than 4\.5 s and was interrupted; /);
    const [one, two, three] = codeCells(file);
    assert.equal(shown(one), "1");
    assert.match(shown(two), /^in\n\|KeyboardInterrupt/);
    assert.equal(three?.execution_count, null);
  });

  it("ends with its kernel if it ignores the interrupt", async () => {
    const notebook = notebookOf("say hello", "hang");
    const kernel = { name: "fake", spec: fakeKernel("serve") };
    const { failure } = await runNotebook(notebook, {
      kernel,
      cwd: import.meta.dirname,
      timeout: 2_500,
      grace: 300,
    });
    assert.equal(failure?.kind, "timeout");
    assert.match(
      failure?.message ?? "",
      /longer than 2\.5 s.* did not stop, so its kernel was killed/,
    );
    assert.equal(shown(codeCells(notebook)[0]), "hello");
  });

  for (const [signal, expected] of [
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`is interrupted by ${signal}; the outputs so far are written, and checks end too`, async () => {
      using folder = temporaryFolder();
      const file = writeNotebook(folder.path, "1", "await new Promise(() => {})", "3");
      const running = start(["notebook", "run", file, "--inplace"]);
      await running.seen("cell 2 of 3");
      running.process.kill(signal);
      const { code, stderr } = await running.outcome;
      assert.equal(code, expected);
      // On a very busy machine, SIGTERM's second and a half may be over before.
      if (signal === "SIGTERM" && !/interrupted/.test(stderr)) return;
      assert.match(stderr, /cell 2 of 3: it was interrupted; the outputs so far are in/);
      assert.equal(shown(codeCells(file)[0]), "1");
      const checking = start(["notebook", "check", file]);
      await checking.seen("cell 2 of 3");
      checking.process.kill(signal);
      assert.equal((await checking.outcome).code, expected);
    });
  }

  it("leaves the old file intact when the command is killed, and its kernel ends", async () => {
    using folder = temporaryFolder();
    const pid = path.join(folder.path, "pid");
    const file = writeNotebook(
      folder.path,
      `(await import('node:fs')).writeFileSync('pid', [process.ppid, process.pid].join())`,
      "while (true) {}",
    );
    const before = readFileSync(file, "utf8");
    using temporary = temporaryFolder(); // a killed command cannot remove its connection file
    const env = { TMPDIR: temporary.path };
    const running = start(["notebook", "run", file, "--inplace"], env);
    await running.seen("cell 2 of 2");
    running.process.kill("SIGKILL");
    await running.outcome;
    assert.equal(readFileSync(file, "utf8"), before);
    assert.deepEqual(readdirSync(folder.path).sort(), ["pid", "test.ipynb"]);
    for (const id of readFileSync(pid, "utf8").split(",").map(Number)) {
      assert.ok(await hasEnded(id), `process ${id} still runs`);
    }
  });
});

/** Waits up to 10 s for a process that is not ours to end; a zombie counts as ended. */
async function hasEnded(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
    if (/^(?:Z|$)/.test(stdout.trim())) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
