// The files that a search for recipes writes, and the document that is made of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { findMethod } from "../../src/distillation/registry.ts";
import { contenders } from "../../src/experiments/contenders.ts";
import { writeSection } from "../../src/experiments/markdown-section.ts";
import { withLaterSearch } from "../../src/experiments/recipe-merge.ts";
import { recipeReport, spacesReport } from "../../src/experiments/recipe-report.ts";
import { searchRecipes, searchRule } from "../../src/experiments/recipe-search.ts";
import { recipeFile } from "../../src/training/recipe-file.ts";
import { studentConfig, studentRecipe, teacherConfig } from "../../src/training/recipes.ts";
import { named, RULE, runner } from "./recipe-runner.ts";

test("a contender is searched again alone: its recipe is replaced, the others stay", async () => {
  const all = named("student", "softkd", "fitnet+soft");
  const file = await searchRecipes("cora", all, RULE, runner([]), () => "2026-01-01");
  const again = await searchRecipes("cora", named("softkd"), RULE, runner([]), () => "2026-02-02");
  const { softkd } = again.recipes;
  const changed = { ...again, recipes: { softkd: { ...softkd!, version: 2 } } };
  const merged = withLaterSearch(file, changed);
  assert.deepEqual(merged.recipes, { ...file.recipes, ...changed.recipes });
  assert.deepEqual(Object.keys(merged.recipes), Object.keys(file.recipes), "in the same order");
  assert.deepEqual(merged.search, file.search);
  assert.deepEqual(merged.later, [{ contenders: ["softkd"], ...again.search }]);
  assert.equal(withLaterSearch(merged, changed).later!.length, 1, "once more, and it is told once");
  assert.match(
    recipeReport(merged),
    /Searched again by the same rule until 2026-02-02: SoftKD, \d+ runs/,
  );
  const [first, ...others] = RULE.rungs;
  const shorter = { ...RULE, rungs: [{ ...first!, epochs: 60 }, ...others] };
  const other = await searchRecipes(
    "cora",
    named("softkd"),
    shorter,
    runner([]),
    () => "2026-02-02",
  );
  assert.throws(() => withLaterSearch(file, other), /with another rule/);
});

test("recipes are read from the files that searches wrote", () => {
  for (const dataset of ["cora", "citeseer"]) {
    const file = recipeFile(dataset)!;
    for (const [id, { method, version }] of Object.entries(file.recipes)) {
      const current = findMethod(method).version;
      assert.equal(version, current, `${dataset}: ${id} was searched with another version`);
    }
    for (const [id, { training, model, options, method }] of Object.entries(file.recipes)) {
      const recipe = studentRecipe(dataset, id);
      assert.equal(recipe.training.learningRate, training.learningRate);
      assert.equal(recipe.model.dropout, model.dropout);
      const config = studentConfig(
        { dataset, seed: 1 },
        method,
        teacherConfig({ dataset, seed: 1 }),
        { recipe: id },
      );
      for (const [name, value] of Object.entries(options)) {
        assert.equal(config.method!.options[name], value, `${dataset} ${id} ${name}`);
      }
    }
  }
  assert.match(studentRecipe("pubmed", "abkd").source, /as for Cora/);
  const unknown = studentConfig(
    { dataset: "cora", seed: 1 },
    "abkd",
    teacherConfig({ dataset: "cora", seed: 1 }),
    { recipe: null },
  );
  assert.equal(unknown.training.weightDecay, 1e-4);
});

test("the document has one row per contender, the search's identity and its spaces", async () => {
  const all = named("student", "softkd");
  const file = await searchRecipes("cora", all, RULE, runner([]), () => "2026-01-01");
  const text = recipeReport(file);
  assert.match(text, /\| Student \| 90\.0 ± 0\.0 \| 90\.0 \| 0 of 4 \|/);
  const { runs } = file.search!;
  assert.ok(
    text.includes(
      "Searched until 2026-01-01: 16 configurations each, then 16 more, until 2 such batches in a row raise " +
        `the best score by no more than its standard error, ${runs} runs`,
    ),
  );
  assert.match(text, /the best 5 and the start kept; .*, the best taken\./);
  const spaces = spacesReport(RULE);
  for (const { label } of contenders()) assert.ok(spaces.includes(`| ${label} |`), label);
  const document = "# A\n<!-- generated: cora -->\nold\n<!-- end: cora -->\nend";
  const written = writeSection(document, "cora", text);
  assert.ok(written.startsWith("# A\n") && written.endsWith("\nend") && !written.includes("\nold"));
  assert.equal(writeSection(written, "cora", text), written);
  assert.throws(() => writeSection(document, "pubmed", text), /no section/);
});

test("docs/recipes.md has the current spaces and rule", () => {
  const document = readFileSync(new URL("../../docs/recipes.md", import.meta.url), "utf8");
  assert.equal(
    writeSection(document, "spaces", spacesReport(searchRule("cora"))),
    document,
    "node scripts/search-recipes.ts --dataset cora --docs",
  );
});
