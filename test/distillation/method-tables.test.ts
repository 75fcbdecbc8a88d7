// docs/methods.md is what the registry says, and what each method reads is the paper's table 1.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { markdownTable } from "../../src/base/table.ts";
import {
  methodsTable,
  readsOfTeacher,
  symbolsTable,
} from "../../src/distillation/method-tables.ts";
import { findMethod, methods } from "../../src/distillation/registry.ts";
import { writeSection } from "../../src/experiments/markdown-section.ts";

test("docs/methods.md is up to date (node scripts/methods-doc.ts)", () => {
  const text = readFileSync(new URL("../../docs/methods.md", import.meta.url), "utf8");
  assert.equal(writeSection(text, "reads", markdownTable(methodsTable())), text);
  assert.equal(writeSection(text, "symbols", markdownTable(symbolsTable())), text);
});

test("FitNet, LSP and G-CRD read one layer, ABKD all of them (table 1)", () => {
  const reads = (name: string): string => readsOfTeacher(findMethod(name));
  for (const name of ["fitnet", "lsp", "gcrd"]) assert.equal(reads(name), "last hidden map");
  assert.equal(reads("graphakd"), "logits, last hidden map");
  assert.equal(reads("abkd"), "maps of all layers");
  assert.equal(reads("softkd"), "logits");
  assert.equal(reads("alignahead"), "nothing: it has no teacher");
});

test("every built-in method but the plain student says where it was published", () => {
  for (const { name, source } of methods)
    assert.ok(name === "student" || (source?.length ?? 0) > 10, name);
});
