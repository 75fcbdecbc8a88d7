// History: tail, range and search over sessions, in a file that others lock, damage or forbid.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, beforeEach, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { History, historyFile } from "../../src/kernel/history.ts";

suite("history", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-history-"));
  after(() => rmSync(folder, { recursive: true }));
  let file: string;
  let logged: string[];
  beforeEach((t) => {
    file = path.join(folder, t.name.replaceAll(/\W+/g, "-"), "history.sqlite");
    logged = [];
  });

  const open = (): History => new History(file, (line) => logged.push(line));

  async function session(...sources: string[]): Promise<History> {
    const history = open();
    for (const [i, source] of sources.entries()) {
      await history.add({ count: i + 1, source, output: source === "" ? null : `<${source}>` });
    }
    return history;
  }

  test("a later session sees the earlier ones", async () => {
    await (await session("a", "b")).close();
    const history = await session("c");
    assert.deepEqual(await history.tail(2, false), [
      [1, 2, "b"],
      [2, 1, "c"],
    ]);
    assert.deepEqual(await history.tail(99, true), [
      [1, 1, ["a", "<a>"]],
      [1, 2, ["b", "<b>"]],
      [2, 1, ["c", "<c>"]],
    ]);
    assert.deepEqual(await history.tail(0, false), []);
    assert.deepEqual(await history.tail(-1, false), []);
    await history.close();
    assert.equal(statSync(file).mode & 0o077, 0, "for its owner alone");
    assert.deepEqual(logged, []);
  });

  test("ranges count sessions from the first, or back from this one", async () => {
    await (await session("a", "b", "c")).close();
    const history = await session("d", "", "f");
    const range = async (session: number, start: number, stop?: number): Promise<unknown[]> =>
      (await history.range({ session, start, stop }, false)).map(([, , source]) => source);
    assert.deepEqual(await range(0, 1, 3), ["d", ""]);
    assert.deepEqual(await range(0, 2), ["", "f"]);
    assert.deepEqual(await range(-1, 0, 2), ["a"]);
    assert.deepEqual(await range(1, 3, 4), ["c"]);
    assert.deepEqual(await range(9, 0), []);
    assert.deepEqual((await history.range({ session: 0, start: 2, stop: 3 }, true))[0], [
      2,
      2,
      ["", null],
    ]);
    await history.close();
  });

  test("a search takes glob patterns; unique keeps the latest of equal lines", async () => {
    const history = await session("let x = 1", "plot(x)", "let x = 1", "let y = '*'");
    const lines = async (pattern: string, n = 10, unique = false): Promise<number[]> =>
      (await history.search(pattern, n, unique, false)).map(([, line]) => line);
    assert.deepEqual(await lines("let*"), [1, 3, 4]);
    assert.deepEqual(await lines("let*", 10, true), [3, 4]);
    assert.deepEqual(await lines("let*", 2), [3, 4]);
    assert.deepEqual(await lines("let ? = 1"), [1, 3]);
    assert.deepEqual(await lines("*'[*]'*"), [4]);
    assert.deepEqual(await lines("plot"), []);
    assert.deepEqual(await lines("' OR 1 --"), []);
    await history.close();
  });

  test("two kernels write to one file", async () => {
    const first = await session("a");
    const second = await session("b");
    await first.add({ count: 2, source: "c", output: null });
    assert.deepEqual(await second.tail(9, false), [
      [1, 1, "a"],
      [1, 2, "c"],
      [2, 1, "b"],
    ]);
    await first.close();
    await second.close();
  });

  test("a damaged file is moved aside", async () => {
    await (await session("a")).close();
    writeFileSync(file, "this is no database, and was never one".repeat(100));
    const history = await session("b");
    assert.deepEqual(await history.tail(9, false), [[1, 1, "b"]]);
    await history.close();
    assert.ok(existsSync(`${file}.damaged`));
    assert.match(logged.join(), /damaged/);
    const again = await session("c");
    assert.equal((await again.tail(9, false)).length, 2, "the new file is kept");
    await again.close();
  });

  test("what was moved aside before stays, even if it is a folder of that name", async () => {
    await (await session("a")).close();
    mkdirSync(`${file}.damaged`);
    for (const text of ["first", "second"]) {
      writeFileSync(file, `${text} is no database`.repeat(100));
      const history = await session(text);
      assert.deepEqual(await history.tail(1, false), [[1, 1, text]]);
      await history.close();
    }
    assert.match(readFileSync(`${file}.damaged.2`, "utf8"), /^first/);
    assert.match(readFileSync(`${file}.damaged.3`, "utf8"), /^second/);
    assert.equal(logged.length, 2);
  });

  test("SQLite's log, while another process holds the file, is moved aside with it", async () => {
    await (await session("a")).close();
    const other = new DatabaseSync(file);
    other.exec("INSERT INTO lines VALUES (9, 9, 'in the log', NULL)");
    writeFileSync(file, "no database".repeat(1_000));
    truncateSync(`${file}-wal`, 1_000); // without the log's frames, the first page is the file's own
    const history = await session("b");
    assert.deepEqual(await history.tail(9, false), [[1, 1, "b"]]);
    await history.close();
    assert.equal(statSync(`${file}.damaged-wal`).size, 1_000);
    other.close();
  });

  test("a damaged file that cannot be moved aside: the session is kept in memory", async (t) => {
    await (await session("a")).close();
    writeFileSync(file, "no database".repeat(100));
    t.mock.method(fs, "renameSync", () => {
      throw new Error("no renaming here");
    });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const history = await session("b", "c");
    assert.deepEqual(await history.tail(9, false), [
      [1, 1, "b"],
      [1, 2, "c"],
    ]);
    assert.equal((await history.search("*", 9, false, false)).length, 2);
    assert.equal((await history.range({ session: 0, start: 0, stop: 9 }, false)).length, 2);
    await history.close();
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? "", /no renaming here; kept in memory until it can be written/);
  });

  test("if the file is locked, the session is kept in memory", async () => {
    await (await session("a")).close();
    const other = new DatabaseSync(file);
    other.exec("BEGIN EXCLUSIVE");
    const history = await session("b", "c");
    const sources = (await history.tail(9, false)).map(([, , source]) => source);
    assert.deepEqual(sources, ["b", "c"]);
    await history.close();
    other.close();
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? "", /lock.*in memory/);
  });

  test("a file damaged or full in the middle of a session loses nothing of the session", async () => {
    const history = await session("a");
    const other = new DatabaseSync(file);
    other.exec("DROP TABLE lines");
    other.close();
    await history.add({ count: 2, source: "b", output: null });
    const sources = (await history.tail(9, false)).map(([, , source]) => source);
    assert.deepEqual(sources, ["a", "b"]);
    await history.close();
    const later = await session("c");
    const texts = (await later.tail(9, false)).map(([, , source]) => source);
    assert.deepEqual(texts, ["a", "b", "c"], "and it is whole in the file");
    await later.close();
  });

  test("locked by another for a while: answers come at once, and all is in the file afterwards", async () => {
    const history = await session("a");
    for (const milliseconds of [150, 1_500]) {
      const other = new DatabaseSync(file);
      other.exec("BEGIN IMMEDIATE");
      const added = history.add({ count: milliseconds, source: `b${milliseconds}`, output: null });
      await added;
      const [entry] = await history.tail(1, false);
      assert.equal(entry?.[2], `b${milliseconds}`);
      await delay(milliseconds);
      other.exec("COMMIT");
      other.close();
    }
    const read = new DatabaseSync(file, { readOnly: true });
    const sources = (): unknown[] =>
      read
        .prepare("SELECT source FROM lines ORDER BY line")
        .all()
        .map(({ source }) => source);
    for (let i = 0; i < 200 && sources().length < 3; i++) await delay(50);
    assert.deepEqual(sources(), ["a", "b150", "b1500"]);
    read.close();
    await history.add({ count: 2_000, source: "c", output: null });
    await history.close();
    assert.equal(logged.filter((line) => /lock.*in memory/.test(line)).length, logged.length);
    const later = await session("d");
    const all = (await later.tail(9, false)).map(([, , source]) => source);
    assert.deepEqual(all, ["a", "b150", "b1500", "c", "d"]);
    await later.close();
  });

  test("locked at the start and until the end: close writes what waits", async () => {
    await (await session("a")).close();
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    const history = await session("b");
    other.close();
    await history.close();
    const later = await session();
    assert.deepEqual(
      (await later.range({ session: 2, start: 0, stop: undefined }, false)).length,
      0,
      "not open before the first line",
    );
    await later.add({ count: 1, source: "c", output: null });
    const all = (await later.tail(9, false)).map(([, , source]) => source);
    assert.deepEqual(all, ["a", "b", "c"]);
    await later.close();
  });

  test("pages of the file overwritten in the middle of a session", async () => {
    const history = await session(
      ...Array.from({ length: 300 }, (_, i) => `x${i} ${"y".repeat(99)}`),
    );
    await history.close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 4_096));
    const damaged = await session("a", "b");
    const sources = (await damaged.tail(2, false)).map(([, , source]) => source);
    assert.deepEqual(sources, ["a", "b"]);
    await damaged.add({ count: 3, source: "c", output: null });
    await damaged.close();
    const later = await session("d");
    assert.deepEqual(
      (await later.tail(4, false)).map(([, , source]) => source),
      ["a", "b", "c", "d"],
    );
    assert.ok(existsSync(`${file}.damaged`));
    await later.close();
  });

  test("rows that are not valid lines are skipped", async () => {
    await (await session("a")).close();
    const other = new DatabaseSync(file);
    const insert = other.prepare("INSERT INTO lines VALUES (?, ?, ?, ?)");
    insert.run(1, 3, new Uint8Array([1, 2]), null);
    insert.run(1, 4, null, null);
    insert.run(1, 5, "b", new Uint8Array([1]));
    insert.run(2n ** 62n, 1, "c", null);
    insert.run("one", 2n ** 62n, "d", null);
    other.close();
    const history = await session("e");
    const sources = (await history.tail(99, true)).map(([, , source]) => source);
    assert.deepEqual(sources, [
      ["a", "<a>"],
      ["e", "<e>"],
    ]);
    await history.close();
  });

  test("absurd numbers and patterns do no harm", async () => {
    await (await session("a")).close();
    const history = await session("b");
    for (const n of [1e308, Number.MAX_SAFE_INTEGER, 0, -1, 0.5, Number.NaN]) {
      await history.tail(n, true);
      await history.range({ session: n, start: n, stop: n }, true);
      await history.search("*", n, true, true);
    }
    await assert.rejects(history.search("*".repeat(30_000), 9, false, false), /30000 characters/);
    const found = await history.search(`*b${"?".repeat(900)}`, 9, false, false);
    assert.deepEqual(found, []);
    await history.add({ count: 2, source: "c", output: null });
    await history.close();
    const later = await session("d");
    const all = (await later.tail(9, false)).map(([, , source]) => source);
    assert.deepEqual(all, ["a", "b", "c", "d"]);
    assert.deepEqual(logged, []);
    await later.close();
  });

  test("lines of megabytes are not kept, and an answer with long lines is bounded", async () => {
    const history = await session("a".repeat(2e6), ...Array(20).fill("b".repeat(9e5)), "c");
    const sources = (await history.tail(99, true)).map(([, , source]) => source[0]);
    assert.ok(sources.length < 10, `${sources.length}`);
    assert.equal(sources.at(-1), "c");
    await history.close();
  });

  test("from a file full of long lines, no more is read than an answer holds", async () => {
    await (await session("a")).close();
    const other = new DatabaseSync(file);
    // 80 rows, each with a megabyte of code and a megabyte of output.
    other.exec(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 81)
       INSERT INTO lines SELECT 1, i, hex(zeroblob(490000)), hex(zeroblob(490000)) FROM n`,
    );
    other.close();
    const module = new URL("../../src/kernel/history.ts", import.meta.url);
    const code = `
      import { History } from ${JSON.stringify(module)};
      const history = new History(process.argv[1], console.error);
      await history.add({ count: 1, source: "b", output: null });
      const range = { session: 1, start: 0, stop: undefined };
      const counts = [];
      for (const output of [true, false]) {
        counts.push((await history.range(range, output)).length);
        counts.push((await history.tail(99, output)).length);
        counts.push((await history.search("*0*", 99, true, output)).length);
      }
      console.log(counts.join());
      await history.close();`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--max-old-space-size=70", "--input-type=module", "-e", code, file],
      { encoding: "utf8" },
    );
    // Four lines and the short one; eight if their output is not asked for.
    assert.equal(stdout, "5,5,1,9,9,1\n", stderr);
  });

  test("a folder that cannot be created", async () => {
    file = "/dev/null/none/history.sqlite";
    const history = await session("a");
    assert.deepEqual(await history.tail(9, false), [[1, 1, "a"]]);
    assert.match(logged.join(), /in memory/);
    await history.close();
  });

  test("in memory when asked for", async () => {
    const history = new History(":memory:", (line) => logged.push(line));
    await history.add({ count: 1, source: "a", output: null });
    assert.deepEqual(await history.tail(1, false), [[1, 1, "a"]]);
    await history.close();
    assert.deepEqual(logged, []);
  });
});

test("the file lies in Jupyter's data folder, or where the environment says", () => {
  assert.equal(historyFile({ ABKD_KERNEL_HISTORY: ":memory:" }), ":memory:");
  assert.equal(historyFile({ JUPYTER_DATA_DIR: "/j" }), "/j/abkd/history.sqlite");
  if (process.platform === "linux") {
    assert.equal(historyFile({ XDG_DATA_HOME: "/x" }), "/x/jupyter/abkd/history.sqlite");
  }
});
