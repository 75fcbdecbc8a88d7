// Constants and imported names: assignments to them are refused anywhere, and any redeclaration is allowed.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { sessions } from "./repl.ts";

const { run, failure } = sessions({ "one.json": "1\n" });

let names = 0;
/** Returns a new name, because all sessions of this process share V8's names. */
const fresh = (): string => `fixed${names++}`;

/** Ways to assign to K, whose value is 1. */
const ASSIGNMENTS = [
  "K = 2",
  "K += 1",
  "K++",
  "-(--K)",
  "(K) = 2",
  "K &&= 2",
  "[K] = [3]",
  "[...K] = [3]",
  "let other = 0\n;[other, K] = [3, 4]",
  "({ K } = { K: 5 })",
  "({ a: { b: K = 1 } } = { a: {} })",
  "for (K of [1, 2]) ;",
  "for (K in { a: 1 }) ;",
  "for (K = 5; K < 6; ) ;",
  "f0(K = 2); function f0(x: unknown) {}",
  "function f1() { K = 2 }\nf1()",
  "const f2 = () => K = 2;\nf2()",
  "await (async () => { await null; K = 2 })()",
  "await null; K = await Promise.resolve(2)",
  "const a1 = 1\nK = 2",
  "const a2 = K = 2",
  "class C3 { static x = K++ }",
  "if (true) { K = 2 as number }",
  "export default K = 2",
];

/** Ways to make K a constant of value 1. */
const CONSTANTS: Readonly<Record<string, string>> = {
  const: "const K: number = 1;",
  export: "export const K = 1",
  destructured: "const { a: [K], ...more } = { a: [1] }",
  import: 'import K from "./one.json" with { type: "json" };',
  "import by name": 'import { default as K } from "./one.json" with { type: "json" }; K;',
};

async function refused(code: string, name: string): Promise<void> {
  const error = await failure(code);
  assert.equal(error.thrown.name, "TypeError", code);
  assert.match(error.message, new RegExp(`(constant variable|imported name) '${name}'`), code);
}

suite("refused", () => {
  for (const [kind, declaration] of Object.entries(CONSTANTS)) {
    test(`${kind}: in a later cell`, async () => {
      const name = fresh();
      const of = (code: string) =>
        code.replaceAll("K", name).replaceAll(/\b(other|more)\b/g, fresh);
      await run(of(declaration));
      for (const code of ASSIGNMENTS) {
        await refused(of(code), name);
        assert.equal(await run(name), 1, code);
      }
    });

    test(`${kind}: in the same cell`, async () => {
      for (const code of ASSIGNMENTS) {
        const name = fresh();
        const of = (code: string) =>
          code.replaceAll("K", name).replaceAll(/\b(other|more)\b/g, fresh);
        await refused(of(`${declaration};\n${code}`), name);
        assert.equal(await run(name), 1, code);
      }
    });
  }

  test("using, namespaces, and assignments in code that a later cell calls", async () => {
    await refused("using held = { [Symbol.dispose]() {} }; held = 2", "held");
    await refused('import * as space from "node:path"; space = 2', "space");
    await run('import { join as unused } from "node:path"');
    await refused("unused = 2", "unused");
  });

  test("the reported place is that of the name as typed", async () => {
    const name = fresh();
    await run(`const ${name} = 1`);
    const cases: [string, object][] = [
      [`let x0: number = 1;  ${name} = 2`, { line: 1, column: 22 }],
      [`\n  for (${name} of [1]);`, { line: 2, column: 8 }],
      [`({ ${name} } = {})`, { line: 1, column: 2 }],
      [`${name} &&= 3`, { line: 1, column: 1 }],
    ];
    for (const [code, place] of cases) {
      assert.deepEqual((await failure(code)).place, place, code);
    }
  });

  test("an assignment that would not happen is allowed, and catch receives a TypeError", async () => {
    const name = fresh();
    await run(`const ${name} = 1`);
    assert.equal(await run(`${name} ||= 2; ${name} ??= 3; ${name}`), 1);
    assert.equal(
      await run(`let caught = ""; try { ${name} = 2 } catch (e) { caught = e.name } caught`),
      "TypeError",
    );
  });
});

suite("allowed", () => {
  test("names that an inner declaration hides", async () => {
    const name = fresh();
    const code = `const K = 1;
function f(K: number) { K = 2; return K }
const g = ({ K }: any) => { K++; return K };
const h = function () { var K = 5; [K] = [6]; return K };
class A { static x = ((K) => (K = 7))(0) }
let seen = [f(1), g({ K: 2 }), h(), A.x];
try { throw 1 } catch (K) { K = 8; seen.push(K) }
for (let K = 0; K < 1; K++) seen.push(K);
{ let K = 9; K = 10; seen.push(K) }
const o = { K: 1 }; o.K = 11;
[...seen, o.K, K]`.replaceAll("K", name);
    assert.deepEqual(await run(code), [2, 3, 6, 7, 8, 0, 10, 11, 1]);
  });

  const KINDS = [
    "let K = 1",
    "var K = 1",
    "{ var K = 1 }",
    "function K() {}",
    "class K {}",
    "enum K { A }",
    "export let K = 1",
  ];
  for (const kind of KINDS) {
    test(`assigning after ${kind}, in earlier functions too`, async () => {
      for (const declaration of Object.values(CONSTANTS)) {
        const name = fresh();
        const of = (code: string) => code.replaceAll("K", name).replaceAll("more", fresh());
        await run(of(declaration));
        await run(of("function setK() { K = 5 }"));
        assert.equal(await run(of(`${kind}\nK = 3; K`)), 3);
        assert.equal(await run(of("K = 4; K")), 4);
        assert.equal(await run(of("setK(); K")), 5);
        await run(of(declaration));
        await refused(of("K = 2"), name);
      }
    });
  }

  test("a declaration that was not reached changes nothing", async () => {
    const [a, b] = [fresh(), fresh()];
    await run(`const ${a} = 1; let ${b} = 1`);
    await assert.rejects(run(`throw new Error("no"); let ${a} = 2; const ${b} = 2`), /no/);
    await refused(`${a} = 3`, a);
    assert.equal(await run(`${b} = 3; ${b}`), 3);
    await assert.rejects(run(`const ${b} = (() => { throw new Error("no") })()`), /no/);
    assert.equal(await run(`${b} = 4; ${b}`), 4);
  });
});
