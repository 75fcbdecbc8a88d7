// Runs the quickstart and writes what it printed into README.md: no number there is typed by hand.
//
//     node scripts/write-readme.ts
import { readFileSync, writeFileSync } from "node:fs";
import { quickstart } from "../src/cli/quickstart.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";

const lines: string[] = [];
await quickstart(
  { dataset: "cora", runs: "runs", figures: "figures", trials: 3 },
  {
    print(line) {
      console.log(line);
      lines.push(line);
    },
  },
);
const file = new URL("../README.md", import.meta.url);
const printed = lines
  .join("\n")
  .trim()
  .replaceAll(/\n{3,}/g, "\n\n");
const block = `\`\`\`\n${printed}\n\`\`\``;
writeFileSync(file, writeSection(readFileSync(file, "utf8"), "quickstart", block));
