// Registers the claims of all studies before the runs that they judge: appends a dated digest for each study
// that changed to src/experiments/registrations.ts. Reports show the whole history.
//
//     node scripts/register-studies.ts
import { readFileSync } from "node:fs";
import { writeAtomic } from "../src/base/files.ts";
import { type Registered, registrationDigest } from "../src/experiments/registration.ts";
import { registrations } from "../src/experiments/registrations.ts";
import { studies } from "../src/experiments/studies/index.ts";

const file = new URL("../src/experiments/registrations.ts", import.meta.url).pathname;
const date = new Date().toISOString().slice(0, 10);
const entries = studies.map((study) => {
  const digest = registrationDigest(study);
  const history: readonly Registered[] = registrations[study.name] ?? [];
  const known = history.at(-1)?.digest === digest;
  if (!known) console.log(`${study.name}: registered as ${digest}`);
  return [study.name, known ? history : [...history, { date, digest }]] as const;
});
// In the formatter's style.
const lines = entries.map(([name, history]) => {
  const items = history.map((one) => `{ date: "${one.date}", digest: "${one.digest}" }`);
  const line = `  ${name}: [${items.join(", ")}],\n`;
  return line.length <= 101 ? line : `  ${name}: [\n    ${items.join(",\n    ")},\n  ],\n`;
});
const [head] = readFileSync(file, "utf8").split("= {") as [string];
writeAtomic(file, `${head}= {\n${lines.join("")}};\n`);
