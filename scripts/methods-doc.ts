// Writes the tables of docs/methods.md from the registry of methods.
//
//     node scripts/methods-doc.ts
import { readFileSync } from "node:fs";
import { writeAtomic } from "../src/base/files.ts";
import { markdownTable } from "../src/base/table.ts";
import { methodsTable, symbolsTable } from "../src/distillation/method-tables.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";

const file = new URL("../docs/methods.md", import.meta.url).pathname;
const reads = writeSection(readFileSync(file, "utf8"), "reads", markdownTable(methodsTable()));
writeAtomic(file, writeSection(reads, "symbols", markdownTable(symbolsTable())));
