// Measures RGCN on AIFB and RDF-MUTAG beside published accuracies, and writes docs/rgcn.md.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeFile } from "../src/base/files.ts";
import { loadDataset, loadSplit } from "../src/datasets/index.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import type { RgcnConfig } from "../src/models/rgcn.ts";
import { createModel, findModel, graphShape } from "../src/models/registry.ts";
import { taskOf } from "../src/tasks/task.ts";
import { startEngine } from "../src/tensor/index.ts";
import { graphInputs } from "../src/training/inputs.ts";
import { train } from "../src/training/train.ts";
