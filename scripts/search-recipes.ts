// Searches the students' recipes for a dataset and writes what came out to docs/recipes.md.
//
//     node scripts/search-recipes.ts --dataset cora            resumable; hours on a slow machine
//     node scripts/search-recipes.ts --dataset cora --methods abkd
//
// Runs are kept in runs/search/, so a search that was cut off goes on where it stopped. The
// recipes themselves are copied into src/training/recipes.ts by hand, where a reader finds them.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { type Row, recipeReport } from "../src/experiments/recipe-report.ts";
import {
  configsFor,
  PLAN,
  type SearchOutcome,
  type SearchTools,
  SPACES,
  searchRecipe,
} from "../src/experiments/recipe-search.ts";
import { type Changes, studentConfig, teacherConfig } from "../src/training/recipes.ts";
import { runTrials } from "../src/training/trials.ts";

const { values } = parseArgs({
  options: {
    dataset: { type: "string", default: "cora" },
    methods: { type: "string", default: Object.keys(SPACES).join(",") },
  },
});
const { dataset } = values;

const tools: SearchTools = {
  config: (method, split, seed, changes) =>
    studentConfig(
      { dataset, split, seed },
      method,
      teacherConfig({ dataset, split, seed: 1 }),
      changes,
    ),
  async run(configs) {
    let done = 0;
    const began = Date.now();
    return runTrials(configs, {
      resume: true,
      // A recipe must not depend on what is built on this machine.
      engine: "wasm",
      runsDir: "runs/search",
      observer(event) {
        if (event.type !== "finish") return;
        done++;
        const seconds = Math.round((Date.now() - began) / 1000);
        console.log(`${done} of about ${configs.length} runs, ${seconds} s`);
      },
    });
  },
};

/** ABKD's controls, on its own recipe: what carries the gain, and the paper's literal loss. */
const CONTROLS: Readonly<Record<string, Changes["options"]>> = {
  "ABKD, uniform attention": { attention: "uniform" },
  "ABKD, diagonal attention": { attention: "diagonal" },
  // One pair in place of 64 rows that each sum to 1: beta makes the weight equal.
  "ABKD, last pair only": { attention: "last" },
};
const LITERAL = ["literal"];

const outcomes: SearchOutcome[] = [];
for (const method of values.methods.split(",")) {
  const space = SPACES[method];
  if (!space) throw new Error(`no search space for ${method}: ${Object.keys(SPACES).join(", ")}`);
  console.log(`${dataset}: ${method}`);
  outcomes.push(await searchRecipe(method, space, PLAN, tools));
}

const controls: Row[] = [];
const abkd = outcomes.find(({ method }) => method === "abkd");
if (abkd) {
  const { chosen } = abkd;
  const beta = Number(chosen.options?.["beta"] ?? 0.5);
  for (const [name, options] of Object.entries(CONTROLS)) {
    const weight = options?.["attention"] === "last" ? { beta: beta * 64 } : {};
    const changes = { ...chosen, options: { ...chosen.options, ...options, ...weight } };
    const runs = await tools.run(configsFor("abkd", PLAN.final, changes, tools));
    controls.push({ name, changes, runs });
  }
  for (const preset of LITERAL) {
    const { model, training } = chosen;
    const changes = { ...(model && { model }), ...(training && { training }), preset };
    const runs = await tools.run(configsFor("abkd", PLAN.final, changes, tools));
    controls.push({ name: `ABKD, eq. 4 ${preset}, beta 10`, changes, runs });
  }
}

const file = new URL("../docs/recipes.md", import.meta.url);
const text = readFileSync(file, "utf8");
writeFileSync(file, writeSection(text, dataset, recipeReport(dataset, PLAN, outcomes, controls)));
console.log("docs/recipes.md is written");
