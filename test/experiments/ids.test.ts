// Every committed record's id is the hash of its configuration, as this code computes it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { RESULTS_FOLDER, ResultsStore } from "../../src/experiments/results-store.ts";
