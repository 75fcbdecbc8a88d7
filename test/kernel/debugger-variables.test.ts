// The variable pane, without a debugger attached, as JupyterLab and VS Code ask for it.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { murmur2 } from "../../src/kernel/debug/cell-paths.ts";
import type { Content, KernelClient } from "../../src/notebook/client.ts";
import { DebugClient, type Shown, textsOf } from "./debug-client.ts";
import { resultOf, start } from "./protocol-kernel.ts";

let kernel: KernelClient;
let client: DebugClient;

before(async () => {
  kernel = await start();
  client = new DebugClient(kernel);
});
after(() => kernel.shutdown());

/** Runs a cell, and returns the session's variables. */
async function listed(code: string): Promise<Shown[]> {
  const { reply } = await kernel.execute(code);
  assert.equal(reply.content["status"], "ok", String(reply.content["evalue"]));
  return (await client.ask<{ variables: Shown[] }>("inspectVariables")).variables;
}

/** Returns the parts of a variable, as texts. */
async function partsOf(variables: readonly Shown[], name: string): Promise<Record<string, string>> {
  const found = variables.find((each) => each.name === name);
  assert.ok(found && found.variablesReference > 0, `${name} has parts`);
  return textsOf(await client.variables(found.variablesReference));
}

suite("the variable pane", () => {
  test("debugInfo tells how cells are named, before any debugger", async () => {
    const info = await client.ask("debugInfo");
    assert.equal(info["isStarted"], false);
    assert.deepEqual(info["breakpoints"], []);
    assert.deepEqual(info["stoppedThreads"], []);
    assert.equal(info["richRendering"], true);
    assert.equal(info["hashMethod"], "Murmur2");
  });

  test("MurmurHash2 passes SMHasher's verification, 0x27864c1e", () => {
    const hashes = Buffer.alloc(4 * 256);
    for (let i = 0; i < 256; i++) {
      const key = Buffer.from(Array.from({ length: i }, (_, at) => at));
      hashes.writeUInt32LE(murmur2(key, 256 - i), 4 * i);
    }
    assert.equal(murmur2(hashes, 0), 0x27864c1e);
  });

  test("each variable is one line, with its parts on demand", async () => {
    const variables = await listed(`
      let count = 3, name = "a\\nb", nothing = null, missing;
      const list = [1, "two", { deep: [1] }];
      const map = new Map([["k", { v: 1 }]]);
      const square = (x: number) => x * x;
      class Molecule { formula = "H2O"; }
      const water = new Molecule();
      const wrong = new TypeError("bad");
      globalThis.shared = 5;
    `);
    assert.deepEqual(textsOf(variables), {
      count: "3",
      name: "'a\\nb'",
      nothing: "null",
      missing: "undefined",
      list: "Array(3) [1, 'two', {...}]",
      map: "Map(1) { 'k': {...} }",
      square: "square = (x) => ...",
      Molecule: "class Molecule",
      water: "Molecule { formula: 'H2O' }",
      wrong: "TypeError: bad",
      shared: "5",
    });
    assert.deepEqual(await partsOf(variables, "list"), {
      0: "1",
      1: "'two'",
      2: "{ deep: Array(1) }",
    });
    assert.deepEqual(await partsOf(variables, "water"), { formula: "'H2O'" });
    assert.equal(variables.find(({ name }) => name === "count")?.variablesReference, 0);
  });

  test("long lists come in pages", async () => {
    const variables = await listed("const long = Array.from({ length: 250 }, (_, i) => i * i)");
    const { variablesReference } = variables.find(({ name }) => name === "long")!;
    const first = await client.variables(variablesReference);
    assert.equal(first.length, 101);
    assert.deepEqual([first[99]?.name, first[99]?.value], ["99", "9801"]);
    assert.deepEqual([first[100]?.name, first[100]?.value], ["...", "150 more"]);
    const second = await client.variables(first[100]!.variablesReference);
    assert.equal(second[0]?.name, "100");
    const third = await client.variables(second[100]!.variablesReference);
    assert.equal(third.at(-1)?.value, String(249 * 249));
    assert.equal(third.length, 50);
  });

  test("tensors show shape and type, frames their size and a table", async () => {
    const variables = await listed(`
      const tensor = (shape: number[], ...values: number[]) =>
        ({ dtype: "float32", shape, dataSync: () => Float32Array.from(values) });
      const t = tensor([2, 3], 1, 2, 3, 4, 5, 6), scalar = tensor([], 0.5);
      const rows = [{ a: 1, b: 2 }, { a: 3, b: 4 }];
    `);
    const texts = textsOf(variables);
    assert.equal(texts["t"], "Tensor float32 [2, 3]");
    assert.equal(texts["scalar"], "Tensor float32 [] 0.5");
    const { data } = await client.ask("richInspectVariables", { variableName: "t" });
    assert.equal(
      (data as Content)["text/plain"],
      "Tensor float32 [2, 3]\n[[1, 2, 3],\n [4, 5, 6]]",
    );
    const table = await client.ask("richInspectVariables", { variableName: "rows" });
    assert.match((table["data"] as Content)["text/html"] as string, /<table/);
    assert.deepEqual(table["metadata"], {});
  });

  test("no code of the values runs, whatever they are", async () => {
    const variables = await listed(`
      let ran = 0;
      const trap = () => { ran++; throw new Error("trapped"); };
      const proxy = new Proxy({}, { get: trap, ownKeys: trap, has: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap });
      const onProxy = Object.create(proxy);
      class Getters { get own() { return trap(); } static get name() { return trap(); } }
      const getters = Object.defineProperty(new Getters(), "lazy", { enumerable: true, get: trap });
      const fake = { dtype: "float32", get shape() { return trap(); }, dataSync: trap, toString: trap, toJSON: trap };
      const printed = { [Symbol.for("nodejs.util.inspect.custom")]: trap, [Symbol.toPrimitive]: trap };
      const liar = Object.assign([1], { map: trap, toString: trap });
      const odd = { "__proto__x": 1, ["<b>"]: 1, ["a\\u0000b"]: 2, [Symbol("s")]: 3 };
    `);
    const texts = textsOf(variables);
    assert.equal(texts["proxy"], "Proxy");
    assert.deepEqual(await partsOf(variables, "getters"), { lazy: "[Getter]" });
    assert.equal((await partsOf(variables, "fake"))["shape"], "[Getter]");
    assert.equal((await partsOf(variables, "odd"))["[Symbol(s)]"], "3");
    assert.equal(resultOf(await kernel.execute("ran")), "0");
  });

  test("changed built-ins change nothing", async () => {
    const variables = await listed(`
      const sabotage = () => { throw new Error("sabotage"); };
      Object.getOwnPropertyNames = sabotage; Array.prototype.map = sabotage;
      Object.prototype.toJSON = sabotage; Map.prototype.get = sabotage;
    `);
    assert.equal(textsOf(variables)["count"], "3");
    assert.deepEqual(await partsOf(variables, "water"), { formula: "'H2O'" });
  });

  test("expressions are evaluated, with await and types; a watch's result is one line", async () => {
    const evaluate = (expression: string, context: string) =>
      client.ask("evaluate", { expression, context });
    assert.equal((await evaluate("await Promise.resolve(count as number)", "repl"))["result"], "3");
    assert.equal((await evaluate("list", "watch"))["result"], "Array(3) [1, 'two', {...}]");
    assert.equal((await evaluate("list[1]", "hover"))["result"], "'two'");
    assert.match(
      await client.refusal("evaluate", { expression: "count = 9", context: "hover" }),
      /change/,
    );
    const absent = { expression: "absent", context: "repl" };
    assert.match(await client.refusal("evaluate", absent), /ReferenceError: absent is not defined/);
    assert.equal(resultOf(await kernel.execute("count")), "3");
  });

  const refused: [string, string, Content, RegExp][] = [
    ["an unknown request", "teleport", {}, /no request teleport/],
    ["a name from Object's prototype", "constructor", {}, /no request/],
    ["a stale reference", "variables", { variablesReference: 1e9 }, /older view/],
    ["no reference", "variables", {}, /not an integer/],
    [
      "an expression for a name",
      "richInspectVariables",
      { variableName: "count = 4" },
      /not a variable/,
    ],
    ["a name that nobody has", "richInspectVariables", { variableName: "absent" }, /no variable/],
    ["a stack of no stop", "stackTrace", { threadId: 1 }, /no cell is stopped/],
    ["a step of no stop", "next", { threadId: 1 }, /no cell is stopped/],
    [
      "breakpoints of no session",
      "setBreakpoints",
      { source: { path: "x" }, breakpoints: [] },
      /attached/,
    ],
    ["a session that was not initialised", "attach", {}, /initialize/],
  ];
  for (const [what, command, fields, why] of refused) {
    test(`refused: ${what}`, async () => {
      assert.match(await client.refusal(command, fields), why);
    });
  }

  test("what is no request gets an answer", async () => {
    for (const content of [
      {},
      { type: "response", command: "x" },
      { type: "request", command: 5 },
    ]) {
      const { reply } = await kernel.request("control", "debug_request", content);
      assert.equal(reply.content["success"], false);
    }
  });

  test("a busy kernel answers with the last view, without a message of its cell", async () => {
    const before = await listed("let spins = 0");
    client.published.length = 0;
    const running = kernel.execute("for (;;) spins++;");
    const during = await client.ask<{ variables: Shown[] }>("inspectVariables");
    assert.deepEqual(Object.keys(textsOf(during.variables)), Object.keys(textsOf(before)));
    assert.match(await client.refusal("variables", { variablesReference: 1 }), /busy/);
    // JupyterLab would ask again at each message of the cell.
    const ofCell = client.published.filter((each) => each === "status of execute_request");
    assert.equal(ofCell.length, 1, client.published.join("\n"));
    await kernel.request("control", "interrupt_request");
    assert.equal((await running).reply.content["ename"], "KeyboardInterrupt");
    assert.notEqual(textsOf(await listed("1"))["spins"], "0");
  });

  test("once a busy cell has ended, the view is of what it left, however long the view takes", async () => {
    const code =
      'for (let i = 0; i < 5000; i++) globalThis["made" + i] = { i, list: [1, 2, [3]] };\n' +
      "const since = Date.now();\nwhile (Date.now() - since < 1200);\nconst last = 5;";
    const running = kernel.execute(code);
    // It is asked for while the cell runs, and comes when the cell has ended.
    await client.ask("inspectVariables");
    await running;
    const { variables } = await client.ask<{ variables: Shown[] }>("inspectVariables");
    assert.equal(textsOf(variables)["last"], "5");
    await kernel.execute('for (let i = 0; i < 5000; i++) delete globalThis["made" + i];');
  });
});
