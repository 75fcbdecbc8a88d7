// The helpers of "util" that tfjs-node calls, as seen from CommonJS.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { restoreUtilHelpers } from "../../src/tensor/native/util-helpers.ts";

test("isNullOrUndefined and isArray exist, are right and print no warning", (t) => {
  const util = createRequire(import.meta.url)("util") as Record<string, (x: unknown) => boolean>;
  const warn = t.mock.method(process, "emitWarning", () => {});
  delete util["isNullOrUndefined"];
  delete util["isArray"];
  restoreUtilHelpers();
  for (const value of [null, undefined]) assert.equal(util["isNullOrUndefined"]!(value), true);
  for (const value of [0, "", false, [], Number.NaN])
    assert.equal(util["isNullOrUndefined"]!(value), false);
  assert.equal(util["isArray"]!([]), true);
  for (const value of [{ length: 0 }, "", new Float32Array(1), null])
    assert.equal(util["isArray"]!(value), false);
  assert.equal(warn.mock.callCount(), 0);
});
