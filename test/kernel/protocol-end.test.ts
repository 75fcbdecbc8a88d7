// How a kernel starts, refuses to start, shuts down, dies, and keeps its history.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ends } from "./processes.ts";
import { MAIN, next, ofType, resultOf, runnerPid, start, textOf } from "./protocol-kernel.ts";

const folder = mkdtempSync(path.join(tmpdir(), "abkd-protocol-"));
after(() => rmSync(folder, { recursive: true }));

const PORTS = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };

/** Runs only the kernel's entry file. */
async function runMain(...argv: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (text) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stderr };
}

suite("start", () => {
  test("a wrong command line or connection file is reported in one line", async () => {
    const file = path.join(folder, "connection.json");
    const content = { transport: "tcp", ip: "127.0.0.1", key: "", ...PORTS };
    writeFileSync(file, JSON.stringify(content));
    const cases: [string[], RegExp][] = [
      [[], /usage:/],
      [["--version"], /usage:/],
      [[file, "more"], /usage:/],
      [[path.join(folder, "none.json")], /connection file: ENOENT/],
      [[file], /key is empty.*--allow-empty-key/],
    ];
    for (const [argv, expected] of cases) {
      const { code, stderr } = await runMain(...argv);
      assert.equal(code, 2);
      assert.match(stderr, expected);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  });

  test("a taken port is named, and nothing stays behind", async () => {
    await using kernel = await start();
    const { code, stderr } = await runMain(kernel.process.connectionFile);
    assert.equal(code, 1);
    assert.match(stderr, /tcp:\/\/127\.0\.0\.1:\d+ .*: Address already in use\n$/);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  });

  test("an empty key if it was asked for, and over files", async () => {
    const connections = [
      { key: "" },
      { key: "", transport: "ipc", ip: path.join(folder, "socket") },
    ] as const;
    for (const connection of connections) {
      const flags = "transport" in connection ? [] : ["--allow-empty-key"];
      await using kernel = await start({ connection }, flags);
      assert.equal(resultOf(await kernel.execute("1 + 1")), "2");
    }
  });
});

suite("shutdown", () => {
  for (const [restart, channel] of [
    [true, "control"],
    [false, "shell"],
  ] as const) {
    test(`on ${channel}: replied, announced to all, and everything ends`, async () => {
      await using kernel = await start();
      const pid = await runnerPid(kernel);
      // Neither a timer nor a child process may keep it alive.
      const sleeper = await kernel.execute(
        "setInterval(() => {}, 100); " +
          "(await import('node:child_process')).spawn('sleep', ['60']).pid",
      );
      const heard = next(
        kernel,
        ({ header }, on) => on === "iopub" && header.msg_type === "shutdown_reply",
      );
      const { reply } = await kernel.request(channel, "shutdown_request", { restart });
      assert.deepEqual(reply.content, { status: "ok", restart });
      assert.deepEqual((await heard).content, { status: "ok", restart });
      assert.deepEqual(await kernel.process.exited, { code: 0, signal: null, stderr: "" });
      assert.ok(await ends(pid));
      assert.ok(await ends(Number(resultOf(sleeper))));
    });
  }

  test("in the middle of a loop: within seconds, by force", async () => {
    await using kernel = await start();
    const pid = await runnerPid(kernel);
    kernel.execute("while (true);").catch(() => {});
    await next(kernel, ({ header }) => header.msg_type === "execute_input");
    const exit = await kernel.shutdown();
    assert.equal(exit.signal, null, "it ended by itself");
    assert.equal(exit.code, 0);
    assert.ok(await ends(pid));
  });

  test("a killed supervisor leaves no runner behind", async () => {
    await using kernel = await start();
    const pid = await runnerPid(kernel);
    process.kill(kernel.process.pid as number, "SIGKILL");
    assert.ok(await ends(pid));
  });

  test("a kernel whose server is gone ends by itself", async () => {
    const file = path.join(folder, "orphan.json");
    const ip = path.join(folder, "orphan");
    writeFileSync(file, JSON.stringify({ transport: "ipc", ip, key: "k", ...PORTS }));
    const argv = JSON.stringify([MAIN, file]);
    const code =
      `const child = require("node:child_process").spawn(process.execPath, ${argv}, ` +
      '{ env: { ...process.env, JPY_PARENT_PID: String(process.pid) }, stdio: "ignore" });' +
      "console.log(child.pid);";
    const server = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    const [text] = (await once(server.stdout, "data")) as [Buffer];
    const kernel = Number(text.toString());
    for (let i = 0; i < 100 && !existsSync(`${ip}-${PORTS.hb_port}`); i++) await delay(50);
    assert.equal(statSync(`${ip}-${PORTS.shell_port}`).mode & 0o077, 0, "for its owner alone");
    await delay(200);
    server.kill("SIGKILL");
    assert.ok(await ends(kernel));
  });

  test("a restarted kernel answers, has lost its variables, and keeps its history", async () => {
    const file = path.join(folder, "history.sqlite");
    await using kernel = await start({ env: { ABKD_KERNEL_HISTORY: file } });
    await kernel.execute("let kept = 'in history'");
    await kernel.execute("6 * 7");
    await kernel.restart();
    const { reply } = await kernel.execute("kept");
    assert.equal(reply.content["ename"], "ReferenceError");
    assert.equal(reply.content["execution_count"], 1);
    const ask = async (content: Record<string, unknown>): Promise<unknown> =>
      (await kernel.request("shell", "history_request", content)).reply.content["history"];
    assert.deepEqual(await ask({ hist_access_type: "tail", n: 2, output: true }), [
      [1, 2, ["6 * 7", "42"]],
      [2, 1, ["kept", null]],
    ]);
    const range = { hist_access_type: "range", session: -1, start: 1, stop: 2 };
    assert.deepEqual(await ask(range), [[1, 1, "let kept = 'in history'"]]);
    assert.deepEqual(await ask({ hist_access_type: "search", pattern: "6*", n: 9 }), [
      [1, 2, "6 * 7"],
    ]);
  });

  test("a history that cannot be written does not make cells fail", async () => {
    const file = path.join(folder, "damaged.sqlite");
    writeFileSync(file, "no database".repeat(1000));
    await using kernel = await start({ env: { ABKD_KERNEL_HISTORY: file } });
    assert.equal(resultOf(await kernel.execute("1")), "1");
    const content = { hist_access_type: "tail", n: 9 };
    const { reply } = await kernel.request("shell", "history_request", content);
    assert.deepEqual(reply.content["history"], [[1, 1, "1"]]);
  });
});

suite("death", () => {
  /** Runs a cell that the kernel does not survive, with another cell waiting behind it. */
  async function die(code: string, flags?: string): Promise<{ evalue: string; output: string }> {
    const env = flags ? { NODE_OPTIONS: flags } : {};
    await using kernel = await start({ env });
    const cell = kernel.execute(code);
    const queued = kernel.execute("1");
    const exchange = await cell;
    const { iopub, reply } = exchange;
    const { ename, evalue } = reply.content;
    assert.equal(reply.content["status"], "error");
    assert.equal(ename, "KernelDied");
    const [error] = ofType(iopub, "error");
    assert.deepEqual([error?.content["ename"], error?.content["evalue"]], [ename, evalue]);
    assert.equal(iopub.at(-1)?.content["execution_state"], "idle");
    assert.equal((await queued).reply.content["ename"], "Aborted");
    const exit = await kernel.process.exited;
    assert.deepEqual([exit.code, exit.signal], [1, null]);
    return { evalue: evalue as string, output: textOf(exchange) + textOf(exchange, "stderr") };
  }

  test("process.exit in a cell", async () => {
    const { evalue, output } = await die("console.log('last'); process.exit(3)");
    assert.match(evalue, /process\.exit\(3\)/);
    assert.equal(output, "last\n");
  });

  const ENDS: readonly (readonly [code: string, words: string])[] = [
    ["await Promise.resolve();\n process.exit(5)", "process.exit(5) at Cell [1]:2:10"],
    [
      "setTimeout(() => process.exit(6), 9); await new Promise(() => {})",
      "process.exit(6) at Cell [1]:1:26",
    ],
    ["await Promise.reject().catch(() => process.exit())", "process.exit(0) at Cell [1]:1:44"],
    [
      'import { spawn } from "node:child_process";\nspawn("true").on("exit", () => process.exit(9));\nawait new Promise(() => {})',
      "process.exit(9) at Cell [1]:2:40",
    ],
    ["await null; process.reallyExit(7)", "process.reallyExit(7) at Cell [1]:1:21"],
    ["await null; process.abort()", "process.abort() at Cell [1]:1:21"],
    [
      "await null; process.kill(process.pid); await new Promise(() => {})",
      "process.kill(process.pid, SIGTERM) at Cell [1]:1:21",
    ],
  ];
  for (const [code, words] of ENDS) {
    test(`${code.split("\n").at(-1)}: reported as the cell typed it`, async () => {
      const { evalue, output } = await die(code);
      assert.equal(evalue, `The kernel was ended by ${words}. All variables are lost.`);
      assert.equal(output, "");
    });
  }

  const ANOTHER: readonly (readonly [code: string, words: string])[] = [
    [
      "try { process.exit('abc') } catch {}\nprocess.exit(5)",
      "ended by process.exit(5) at Cell [1]:2:9",
    ],
    [
      "process.once('exit', () => { throw 1 }); try { process.exit(3) } catch {}\nprocess.reallyExit(4)",
      "ended by process.reallyExit(4) at Cell [1]:2:9",
    ],
    [
      "process.on('exit', () => { process.exitCode = 7 });\nprocess.exit(3)",
      "ended by process.exit(3) at Cell [1]:2:9",
    ],
    ["try { process.kill(process.pid, 'SIGNOT') } catch {}\nprocess.exit(-1)", "process.exit(-1)"],
    [
      "process.on('SIGUSR2', () => {}); process.kill(process.pid, 'SIGUSR2');\nprocess.kill(process.pid, 9); while (1);",
      "ended by process.kill(process.pid, 9) at Cell [1]:2:9",
    ],
    [
      `process.on('SIGUSR2', () => {}); process.kill(process.pid, 'SIGUSR2');
       require("node:child_process").execSync("kill -9 " + process.pid); while (1);`,
      "ended by SIGKILL: somebody sent it, or the system ran out of memory",
    ],
    [
      `process.kill(process.pid, 'SIGWINCH');
       require("node:child_process").execSync("kill -USR2 " + process.pid); while (1);`,
      "ended by SIGUSR2: somebody sent it",
    ],
  ];
  for (const [code, words] of ANOTHER) {
    test(`${code.split("\n")[0]}: another end that came is not blamed on it`, async () => {
      const { evalue } = await die(code);
      assert.ok(evalue.includes(words), evalue);
    });
  }

  test("a child that ran out of memory is not mistaken for its parent", async () => {
    const { evalue } = await die(`
      require("node:child_process").spawnSync(
        process.execPath,
        ["-e", "console.error('FATAL ERROR: JavaScript heap out of memory')"],
        { stdio: "inherit" },
      );
      process.exit(3)`);
    assert.match(evalue, /ended by process\.exit\(3\)/);
  });

  test("an end that no cell asked for is not blamed on a cell", async () => {
    const code =
      'process.removeAllListeners("uncaughtException"); setTimeout(() => { throw 1 }); await new Promise(() => {})';
    assert.match((await die(code)).evalue, /ended with code 1, which no cell asked for/);
  });

  test("a signal", async () => {
    assert.match((await die("process.kill(process.pid, 'SIGKILL'); while (1);")).evalue, /SIGKILL/);
    assert.match((await die("process.kill(process.pid, 'SIGSEGV'); while (1);")).evalue, /SIGSEGV/);
  });

  test("out of memory, without V8's trace", async () => {
    const fill =
      "console.log('full'); let all = []; while (true) all.push(new Array(1e4).fill(0.5))";
    const { evalue, output } = await die(fill, "--max-old-space-size=60");
    assert.match(evalue, /ran out of memory.*limit of \d+ MB/);
    assert.equal(output, "full\n");
  });

  test("an end after the cell has ended is reported under it", async () => {
    await using kernel = await start();
    const signal = path.join(folder, "end");
    const { request, reply } = await kernel.execute(
      `const { existsSync } = require("node:fs");
       setInterval(() => existsSync(${JSON.stringify(signal)}) && process.exit(0), 20); 0`,
    );
    assert.equal(reply.content["status"], "ok");
    const said = next(kernel, ({ content }) => content["name"] === "stderr");
    writeFileSync(signal, "");
    const { content, parent } = await said;
    assert.match(content["text"] as string, /ended by process\.exit\(0\)/);
    assert.equal(parent.msg_id, request.msg_id);
    assert.equal((await kernel.process.exited).code, 1);
  });
});
