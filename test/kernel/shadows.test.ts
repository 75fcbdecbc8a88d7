// Cells that declare built-ins anew: the kernel and libraries go on with the built-in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { TestRunner } from "./runner-harness.ts";

const CELLS: readonly string[] = [
  "class Map {}",
  "export class Set { has() {} }",
  "function Array() {}",
  "let Object = 1;",
  "var Promise = 3, Error = 4;",
  "const Buffer = [], Uint8Array = 3, String = 4;",
  "const { Symbol, Reflect = 2, ...Math } = {};",
  "import { Buffer as Map, kMaxLength as Array } from 'node:buffer'; Map; Array;",
  "import { kMaxLength as RegExp } from 'node:buffer';",
  "import * as JSON from 'node:path'; JSON;",
  "Map = 5",
  "[Set] = [1]; ({ Object } = { Object: 3 });",
  "for (Array of [1, 2]);",
  "(() => { Promise = 3; Buffer = 4; })()",
];

for (const cell of CELLS) {
  test(cell, { timeout: 60_000 }, async () => {
    const runner = new TestRunner();
    try {
      await runner.ready;
      const { outcome: declared } = await runner.run(cell);
      assert.equal(declared.status, "ok");
      assert.equal(await runner.value("6 * 7"), "42");
      const { stdout } = await runner.run("console.log('said', { a: [1] });");
      assert.equal(stdout, "said { a: [ 1 ] }\n");
      await runner.run("import * as tf from '@tensorflow/tfjs';");
      assert.equal(await runner.value("tf.add(1, 2).dataSync()[0]"), "3");
      const { outcome } = await runner.run("\nnull.x");
      const lines = outcome.status === "error" ? outcome.traceback : [];
      const text = stripVTControlCharacters(lines.join("\n"));
      assert.match(text, /^TypeError: .*\n.*at Cell \[6\]:2:6$/s);
    } finally {
      await runner.close();
    }
  });
}

test("later cells, functions and completion use what a cell declared", {
  timeout: 60_000,
}, async () => {
  const runner = new TestRunner();
  try {
    await runner.run(`
      class Map { size = "own"; static of() { return new Map(); } }
      function Set() { return Map; }
      const seen = { Map, made: Map.of() };`);
    const text = "[new Map().size, Set() === Map, seen.Map === Map, Map.name, ((Map) => Map)(5)]";
    assert.equal(await runner.value(text), "[ 'own', true, true, 'Map', 5 ]");
    assert.equal(
      await runner.value("const { Map: Date, Set } = { Map: 1, Set: 2 }; Date + Set"),
      "3",
    );
    assert.equal(await runner.value("globalThis.Map === Map"), "false");
    assert.equal(await runner.value("let Map = 3; Map"), "3");
    const { outcome } = await runner.run("const Map = 4; Map = 5;");
    assert.equal(outcome.status, "error");
    const said = outcome.status === "error" ? outcome.evalue : "";
    assert.equal(
      said,
      "Assignment to constant variable 'Map'; redeclare it as a variable with let Map = …",
    );
  } finally {
    await runner.close();
  }
});

test("a declaration that is never reached leaves the built-in as it was", {
  timeout: 60_000,
}, async () => {
  const runner = new TestRunner();
  try {
    for (const cell of [
      "import { Map } from 'no-such-package-anywhere'; Map;",
      "throw 5; const Map = 1;",
      "const Map = null.x;",
      "class Map extends Map {}",
    ]) {
      assert.equal((await runner.run(cell)).outcome.status, "error", cell);
      assert.equal(await runner.value("new Map().size"), "0", cell);
    }
    await runner.run("const Map = 1; throw 5;");
    assert.equal(await runner.value("Map"), "1");
    assert.equal(await runner.value("function Set() {} Set.name === 'Set'"), "true");
  } finally {
    await runner.close();
  }
});

test("functions and classes without a name of their own get the declared one", {
  timeout: 60_000,
}, async () => {
  const runner = new TestRunner();
  try {
    await runner.run(`const Map = class {}; let Set = (() => 1); var Date = function () {};
      const { Array = class {} } = {}; let Number; Number = async () => 2; let URL; URL ??= () => 3;`);
    assert.equal(
      await runner.value("[Map, Set, Date, Array, Number, URL].map((each) => each.name).join()"),
      "'Map,Set,Date,Array,Number,URL'",
    );
    assert.equal(await runner.value("const Text = class Map {}; Text.name"), "'Map'");
    assert.equal(
      await runner.value(
        "(() => { class Map {} const Set = () => 1; return [Map.name, Set.name]; })()",
      ),
      "[ 'Map', 'Set' ]",
    );
    assert.equal(await runner.value("[Map, Text].map(String)"), "[ 'class {}', 'class Map {}' ]");
  } finally {
    await runner.close();
  }
});

test("eval in a cell sees what cells declared; indirect eval and libraries see the built-in", {
  timeout: 60_000,
}, async () => {
  const runner = new TestRunner();
  try {
    assert.equal(await runner.value('const Map = class {}; eval("Map") === Map'), "true");
    assert.equal(await runner.value('eval("new Map() instanceof Map && `Map`")'), "'Map'");
    assert.equal(
      await runner.value('[eval(5), eval(), (0, eval)("Map") === Map]'),
      "[ 5, undefined, false ]",
    );
    const { outcome } = await runner.run('eval("(")');
    assert.equal(outcome.status === "error" && outcome.ename, "SyntaxError");
  } finally {
    await runner.close();
  }
});
