// Text from outside is visible, short and harmless on a terminal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import {
  printable,
  printableJson,
  printableLine,
  printableText,
} from "../../src/base/printable.ts";

/** Characters that a terminal acts on or hides, by Unicode's categories and ECMA-48. */
const HOSTILE = [
  ..."\x00\x07\x08\r\x1b\x7f\x9b\u00ad\u061c\u200b\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029",
  "\ufeff",
  "\ud800",
  "\u{e0041}",
];

test("characters that a terminal acts on or hides are removed, and all others are kept", () => {
  for (const character of HOSTILE) {
    const code = character.codePointAt(0)!.toString(16);
    for (const make of [printable, printableLine, printableText]) {
      const made = make(`a${character}b`);
      assert.match(made, /^a\\[xu]\{?[0-9a-f]+\}?b$/, code);
      assert.ok(made.includes(code), code);
    }
    const json = printableJson(JSON.stringify({ a: character }, null, 2));
    assert.match(json, /^[\n\x20-\x7e]+$/, code);
    assert.deepEqual(JSON.parse(json), { a: character });
  }
  const honest = "Größe β ≤ 3 · 漢字 🎉 č, d̂";
  for (const make of [printable, printableLine, printableText]) assert.equal(make(honest), honest);
  assert.equal(printableText("a\tb\nc"), "a\tb\nc");
  assert.equal(printableLine("  a\n   b\r\nc "), "a b c");
});

/** Seconds of processor time per call, over ten calls: other work on the machine does not count. */
function processorTime(call: () => unknown): number {
  call(); // does what happens only once, such as joining a string's parts
  const begin = process.cpuUsage();
  for (let k = 0; k < 10; k++) call();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e7;
}

test("names and lines keep to their length for any input, in constant time", () => {
  const most: [make: (text: string) => string, length: number][] = [
    [printable, 60],
    [printableLine, 2000],
  ];
  for (const [make, length] of most) {
    for (const part of ["k", "\x1b", " ", "\n", " \n", "🎉", "\u{e0041}"]) {
      for (const count of [length - 1, length + 1, 5_000_000]) {
        assert.ok(make(part.repeat(count)).length <= length, `${JSON.stringify(part)} x ${count}`);
      }
      const [short, long] = [part.repeat(10_000), part.repeat(5_000_000)];
      const [one, other] = [short, long].map((text) => processorTime(() => make(text)));
      assert.ok(other! < 3 * one! + 0.005, `${JSON.stringify(part)}: ${one} s and ${other} s`);
    }
  }
  const long = printableLine(`begin ${"x".repeat(2_000_000)} end: do this`);
  assert.match(long, /^begin x+ \.\.\. \(\d+ characters\) \.\.\. x+ end: do this$/);
});

test("every UserError's message is one printable line", () => {
  const { message } = new UserError(`cannot read \x1b[2Ja\n${"b".repeat(9999)}\u202e: do this`);
  assert.match(message, /^cannot read \\x1b\[2Ja b+ .* b+\\u202e: do this$/);
  assert.ok(message.length <= 2000);
});
