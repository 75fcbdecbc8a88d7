// JSON from files: what is accepted, and what is rejected in a few words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonError, parseJson } from "../../src/base/json.ts";

test("valid JSON gives the same value as JSON.parse", () => {
  const texts = [
    "null",
    "-0.5e-7",
    '"a\\"b\\\\"',
    "[]",
    '{"a":[1,2,{"b":"x\\u2028"}],"\\u0061b":{"a":1},"c":"a"}',
    '[{"a":1},{"a":1}]',
    ' {"a" : "{\\"a\\":1,\\"a\\":2}" , "b":"[[1e999"} ',
    "1.7976931348623157e308",
    "1e-999",
    `${"[".repeat(500)}${"]".repeat(500)}`,
    '{"__proto__":{"a":1}}',
  ];
  for (const text of texts) assert.deepEqual(parseJson(text), JSON.parse(text), text);
  assert.equal(Object.getPrototypeOf(parseJson('{"__proto__":{"a":1}}')), Object.prototype);
});

test("ambiguous JSON is rejected", () => {
  const nested = (depth: number): string => `${'{"a":['.repeat(depth)}1${"]}".repeat(depth)}`;
  const cases: [text: string, message: RegExp, isSyntax?: boolean][] = [
    ["", /^is not valid JSON$/, true],
    ['{"a":1', /^is not valid JSON \(line 1 column 7\)$/, true],
    ["1e999", /^holds the number 1e999, too large$/],
    ['{"a":[-1e400]}', /number -1e400/],
    [`[${"9".repeat(400)}]`, /^holds the number 9{20}, too large$/],
    ['{"a":1,"a":1}', /^is JSON that names "a" twice$/],
    ['{"a":1,"\\u0061":2}', /names "\\u0061" twice/],
    ['{"b":{"a":1 ,\n"a" :2}}', /names "a" twice/],
    [nested(251), /^is JSON nested deeper than 500$/],
    [nested(100_000), /nested deeper/],
  ];
  for (const [text, message, isSyntax = false] of cases) {
    assert.throws(
      () => parseJson(text),
      (error) =>
        error instanceof JsonError &&
        message.test(error.message) &&
        error.message.length < 120 &&
        error.isSyntax === isSyntax,
      text.slice(0, 40),
    );
  }
});
