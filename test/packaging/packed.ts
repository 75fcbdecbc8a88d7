// The packed package, made once for the tests that install it, and again when what it is made of has changed.
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { PACKED_FROM, pack } from "../../scripts/tslab.ts";
import { withLock } from "../../src/datasets/lock.ts";

const root = path.join(import.meta.dirname, "../..");
const shared = path.join(root, "build/packed");

/** The longest that packing may take on a slow and busy machine, in milliseconds. */
const LIMIT = 5 * 60_000;

/** What the package is made of, as one hash. */
function digest(): string {
  const hash = createHash("sha256").update(process.version);
  const patterns = PACKED_FROM.flatMap((part) => [part, `${part}/**/*`]);
  for (const entry of globSync(patterns, { cwd: root, withFileTypes: true }).sort((a, b) =>
    path.join(a.parentPath, a.name) < path.join(b.parentPath, b.name) ? -1 : 1,
  )) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    hash.update(path.relative(root, file)).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 16);
}

/** @returns the path of the archive, which must not be changed */
export async function packedPackage(): Promise<string> {
  const archive = path.join(shared, `${digest()}.tgz`);
  mkdirSync(shared, { recursive: true });
  // Test files run in parallel: the first one to get here packs, the others wait for it.
  await withLock(path.join(shared, "lock"), AbortSignal.timeout(LIMIT), async () => {
    if (existsSync(archive)) return;
    for (const old of globSync("*.tgz", { cwd: shared })) rmSync(path.join(shared, old));
    const folder = mkdtempSync(path.join(shared, "new-"));
    try {
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      renameSync(path.join(folder, await pack(folder, env, { checked: true })), archive);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return archive;
}
