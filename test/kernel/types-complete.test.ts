// Completions and documentation, requested as JupyterLab does.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TypedNotebook } from "./types-kit.ts";

const notebook = new TypedNotebook();
after(() => notebook.close());

before(() => {
  notebook.write(
    "helpers.ts",
    "/** Adds two numbers.\n * @param a the first\n * @returns the sum */\n" +
      "export function add(a: number, b: number): number { return a + b; }\n",
  );
  notebook.write("lib/deep.ts", "export const x = 1;");
  notebook.write("data.json", "{}");
  notebook.write("types.d.ts", "");
  notebook.write(
    "node_modules/mapped/package.json",
    JSON.stringify({
      name: "mapped",
      exports: { "./sub": "./lib/sub.js", "./parts/*": "./parts/*.js", "./internal/*": null },
    }),
  );
  notebook.write("node_modules/mapped/parts/wheel.js", "");
  notebook.run(
    "/** The answer. */\nconst answer = 42;\nlet label: string | undefined = 'a';\n" +
      "interface Person {\n  name: string;\n  /** In years. */\n  age: number;\n}\n" +
      "function greet(person: Person, style: 'kind' | 'short'): string { return '' }\n" +
      "class Counter { #count = 0; readonly size = 1; bump() { this.#count++ } }",
  );
  notebook.run("import * as tf from '@tensorflow/tfjs'; const t = tf.tensor([1, 2]);");
});

describe("completions", () => {
  test("an earlier cell's variable and its members, with their types", async () => {
    assert.deepEqual(await notebook.completed("ans|"), ["answer"]);
    const { types } = await notebook.complete("answer.toF|");
    assert.deepEqual(types, [
      {
        start: 7,
        end: 10,
        text: "toFixed",
        type: "function",
        signature: "(fractionDigits?: number | undefined) => string",
      },
    ]);
  });

  test("only the identifier is replaced, also from its middle", async () => {
    assert.deepEqual(await notebook.completed("f(answer.toE|xp, 1)"), [
      "f(answer.toExponential, 1)",
    ]);
    assert.deepEqual(await notebook.completed("const größe = 1; grö|ß"), [
      "const größe = 1; größe",
    ]);
    assert.deepEqual(await notebook.completed("'😀'; tf.onesL|"), ["'😀'; tf.onesLike"]);
  });

  test("a prefix in another case counts only if nothing matches exactly", async () => {
    assert.deepEqual((await notebook.complete("ANSW|")).matches, ["answer"]);
    const { matches } = await notebook.complete("tf.ten|");
    assert.ok(matches.includes("tensor2d") && !matches.includes("Tensor"), matches.join());
  });

  test("own names come first, then keywords, then globals", async () => {
    const { matches } = await notebook.complete("const conclusion = 1; con|");
    const order = ["conclusion", "const", "console"].map((name) => matches.indexOf(name));
    assert.deepEqual(
      order.toSorted((a, b) => a - b),
      order,
    );
    assert.equal(order[0], 0);
  });

  test("optional chaining, and members of what may be undefined", async () => {
    assert.deepEqual(await notebook.completed("label?.toUp|"), ["label?.toUpperCase"]);
    assert.deepEqual(await notebook.completed("label.toUp|"), ["label.toUpperCase"]);
  });

  test("keys of object literals, members of string unions", async () => {
    assert.deepEqual((await notebook.complete("const p: Person = { | }")).matches, ["age", "name"]);
    assert.deepEqual((await notebook.complete("greet({ name: '', | }")).matches, ["age"]);
    const code = "greet({ name: '', age: 1 }, 'k|')";
    assert.deepEqual(await notebook.completed(code), [code.replace("k|", "kind")]);
  });

  test("private members, and completion in unfinished code", async () => {
    const code = "class A { #secret = 1; f() { this.#s| } }";
    assert.deepEqual(await notebook.completed(code), [code.replace("#s|", "#secret")]);
    assert.deepEqual((await notebook.complete("const x = [{ a: (`${ tf.onesL|")).matches, [
      "onesLike",
    ]);
  });

  test("nothing in comments, in plain strings and after numbers", async () => {
    for (const code of ["// foo.|", "/* con| */", "'con|'", "1.|"]) {
      assert.deepEqual((await notebook.complete(code)).matches, [], code);
    }
  });

  test("at most some hundreds, with kinds that JupyterLab has icons for", async () => {
    const { matches, types } = await notebook.complete("|");
    assert.ok(matches.length > 100 && matches.length <= 600, String(matches.length));
    const kind = (name: string): string | undefined =>
      types.find(({ text }) => text === name)?.type;
    assert.deepEqual(["answer", "greet", "Counter", "tf", "const"].map(kind), [
      "instance",
      "function",
      "class",
      "module",
      "keyword",
    ]);
    assert.equal((await notebook.complete("let p: Pers|")).types[0]?.type, "class");
    assert.ok((await notebook.complete("t.|")).matches.includes("dataSync"));
    assert.ok((await notebook.complete("tf.|")).matches.includes("zeros"));
  });
});

describe("completions in an import's quotes", () => {
  test("files and folders, as they can be imported", async () => {
    assert.deepEqual((await notebook.complete("import x from './|'")).matches, [
      "data.json",
      "helpers.ts",
      "lib/",
    ]);
    for (const code of ["import './hel|'", 'await import("./hel|', "require('./hel|')"]) {
      const [done] = await notebook.completed(code);
      assert.equal(done, code.replace("hel|", "helpers.ts"));
    }
    assert.deepEqual(await notebook.completed("import './lib/d|'"), ["import './lib/deep.ts'"]);
  });

  test("packages of the folder and of the project, and Node's modules", async () => {
    const all = (await notebook.complete("import '|'")).matches;
    for (const name of [
      "mapped",
      "abkd",
      "tslab",
      "tskernel/widgets",
      "acorn",
      "@tensorflow/tfjs",
      "node:fs",
    ]) {
      assert.ok(all.includes(name), name);
    }
    assert.deepEqual(await notebook.completed("import '@tensorflow/tfjs-b|'"), [
      "import '@tensorflow/tfjs-backend-cpu'",
    ]);
    assert.deepEqual(await notebook.completed("import 'node:fs/|'"), ["import 'node:fs/promises'"]);
  });

  test("what a package exports, and no more", async () => {
    assert.deepEqual(await notebook.completed("import 'mapped/|'"), [
      "import 'mapped/parts/wheel'",
      "import 'mapped/sub'",
    ]);
    assert.deepEqual(await notebook.completed("import 'abkd/pap|'"), ["import 'abkd/paper'"]);
    assert.ok((await notebook.complete("import '@tensorflow/tfjs/|'")).matches.length > 1);
  });

  test("the names of a module", async () => {
    const { matches } = await notebook.complete("import { a| } from './helpers.ts'");
    assert.deepEqual(matches, ["add"]);
  });
});

describe("inspection", () => {
  const plain = async (marked: string, level = 0): Promise<string> =>
    (await notebook.inspect(marked, level)).data["text/plain"] ?? "";

  test("signature and documentation, as text and as Markdown", async () => {
    notebook.run("import { add } from './helpers.ts'");
    const { found, data } = await notebook.inspect("ad|d(1, 2)");
    assert.equal(found, true);
    const signature = "function add(a: number, b: number): number";
    assert.equal(
      data["text/plain"],
      `${signature}\n\nAdds two numbers.\n\n@param a - the first\n@returns the sum`,
    );
    assert.equal(
      data["text/markdown"],
      `\`\`\`ts\n${signature}\n\`\`\`\n\nAdds two numbers.\n\n*@param* a - the first  \n*@returns* the sum`,
    );
  });

  test("variables keep their documentation in later cells", async () => {
    assert.equal(await plain("answer|"), "const answer: 42\n\nThe answer.");
    assert.equal(
      await plain("let p: Person; p.age|"),
      "(property) Person.age: number\n\nIn years.",
    );
    assert.equal(await plain("tf|"), 'module "@tensorflow/tfjs"');
  });

  test("inside a call's parentheses the call is shown, on a name the name", async () => {
    assert.match(await plain("add(|"), /^add\(a: number, b: number\): number\n/);
    assert.match(await plain("add(1, |)"), /^add\(/);
    assert.match(await plain("add(ans|wer, 1)"), /^const answer: 42/);
    assert.match(await plain("tf.matMul(|"), /^matMul\(a: tf\.Tensor.*dot product/s);
  });

  test("detail level 1 shows where it is declared", async () => {
    assert.match(await plain("answer|", 1), /\n\nDeclared at Cell \[1\]:2:7$/);
    assert.match(await plain("add|", 1), /\n\nDeclared at \.\/helpers\.ts:4:17$/);
    assert.match(await plain("const mine = 1; mine|", 1), /\n\nDeclared at this cell:1:7$/);
    assert.match(
      await plain("t.matMul|", 1),
      /\n\nDeclared at @tensorflow\/tfjs.*\.d\.ts:\d+:\d+$/,
    );
  });

  test("nothing is found where there is nothing", async () => {
    for (const code of ["|", "1 + |2", "cons|t x = 1", "unheardOf|", "// ans|wer"]) {
      assert.deepEqual(await notebook.inspect(code), { found: false, data: {} }, code);
    }
  });
});
