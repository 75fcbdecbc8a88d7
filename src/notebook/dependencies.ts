// What a notebook needs from npm: its cells' npm: imports, and the versions that its metadata records.
import { install, lockedVersions } from "../kernel/npm/install.ts";
import { npmSpecifier, type Wanted, wantedOf } from "../kernel/npm/specifier.ts";
import { type Json, type Notebook, NotebookError } from "./nbformat.ts";

const IMPORT = /\b(?:from|import)\s*\(?\s*(["'`])(npm:[^"'`\n]+)\1/g;

/** Returns the packages that the cells import by a fixed name, the last range of each. */
export function importedPackages(notebook: Notebook): Map<string, Wanted> {
  const found = new Map<string, Wanted>();
  for (const { cell_type: type, source } of notebook.cells) {
    if (type !== "code") continue;
    for (const [, , specifier = ""] of source.matchAll(IMPORT)) {
      const wanted = npmSpecifier(specifier);
      if (wanted) found.set(wanted.name, { name: wanted.name, range: wanted.range });
    }
  }
  return found;
}

/**
 * Installs what a notebook needs into .abkd/ beside it: the versions of its metadata, where it has them, then what
 * its cells say.
 * @param say shows a line, before anything is fetched
 * @throws NotebookError if its metadata names something that is not in npm's registry
 */
export async function installDependencies(
  notebook: Notebook,
  file: string,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const imported = importedPackages(notebook);
  const exact = Object.entries(recordedVersions(notebook)).flatMap(([name, range]) => {
    const wanted = wantedOf(name, range);
    if (!wanted) {
      throw new NotebookError(`${file}: metadata abkd.dependencies: no package of npm's registry`);
    }
    return imported.has(name) ? [wanted] : [];
  });
  // A lock that is there already decides; otherwise it begins with these versions.
  const locked = lockedVersions(folder, imported.keys());
  const missing = exact.filter(({ name }) => !Object.hasOwn(locked, name));
  await install(folder, missing, say);
  await install(folder, [...imported.values()], say);
}

/** Records the installed versions of what the cells import in the notebook's metadata. */
export function recordDependencies(notebook: Notebook, folder: string): void {
  const imported = importedPackages(notebook);
  if (imported.size === 0) return;
  const dependencies = {
    ...recordedVersions(notebook),
    ...lockedVersions(folder, imported.keys()),
  };
  const kept = Object.entries(dependencies).filter(([name]) => imported.has(name));
  if (kept.length === 0) return;
  notebook.metadata["abkd"] = {
    ...objectOf(notebook.metadata["abkd"]),
    dependencies: Object.fromEntries(kept),
  };
}

const recordedVersions = (notebook: Notebook): Readonly<Record<string, Json>> =>
  objectOf(objectOf(notebook.metadata["abkd"])["dependencies"]);

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, Json>>;
}
