// Numbers for people.
import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped, timesFewer } from "../../src/display/format.ts";

test("counts are grouped as the locale groups them", () => {
  for (const value of [
    0, 7, 999, 1000, 354_375, -1234, -999, 1e6, 123_456_789, 0.5, 1234.5678, 1e21,
  ])
    assert.equal(grouped(value), value.toLocaleString("en"));
});

test("a count is compared with another in the words that fit", () => {
  assert.equal(timesFewer(6, 348), "58.0 times fewer than");
  assert.equal(timesFewer(1, 556), "556 times fewer than");
  assert.equal(timesFewer(10, 8), "1.3 times as many as");
  assert.equal(timesFewer(8, 8), "as many as");
});
