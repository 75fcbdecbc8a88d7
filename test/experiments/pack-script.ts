// Packs a folder in a process of its own: node pack-script.ts FOLDER
import { packResults } from "../../src/experiments/pack-results.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";

const [, , folder = ""] = process.argv;
try {
  packResults(new ResultsStore(folder));
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
}
