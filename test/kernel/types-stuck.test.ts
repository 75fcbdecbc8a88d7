// A language service that is stuck, or closed.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TypeService, TypeServiceError } from "../../src/kernel/types/service.ts";
import { PROJECT_ROOT, SLOW, TypedNotebook } from "./types-kit.ts";

describe("a stuck language service", () => {
  test("is stopped with an error that says so, and restarts", async () => {
    const notebook = new TypedNotebook({ timeLimit: 4000 });
    try {
      notebook.run("const kept = 1");
      const stuck = notebook.check(SLOW);
      await assert.rejects(stuck, (error: Error) => {
        assert.ok(error instanceof TypeServiceError);
        assert.match(error.message, /no answer to "diagnostics" in 4 s/);
        return true;
      });
      // Allow however long a new worker needs on a busy machine.
      assert.deepEqual((await notebook.complete("kep|")).matches, ["kept"]);
    } finally {
      await notebook.close();
    }
  });

  test("once closed, it answers no more", async () => {
    const service = new TypeService({ folder: PROJECT_ROOT, projectRoot: PROJECT_ROOT });
    const waiting = service.isComplete("1");
    const settled = assert.rejects(waiting, TypeServiceError);
    await service.close();
    await settled;
    await assert.rejects(service.complete("a", 1), /was closed/);
    assert.equal(service.started, false);
  });
});
