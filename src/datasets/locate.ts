// Finds a dataset's files, each by itself, in --data, $ABKD_DATA, data/ or ../shared/data.
import { existsSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { OptionError } from "../base/errors.ts";
import { BadFileError } from "../formats/errors.ts";
import { MissingFileError } from "./errors.ts";

/** Larger files are refused unread (the largest known has 32 MB). */
const MAX_FILE = 64 * 1024 * 1024;

/** A file's contents, and where they came from. */
export interface DataFile {
  readonly bytes: Buffer;
  readonly path: string;
}

/** Reads a file of a dataset, named relative to a data folder, e.g. `planetoid/ind.cora.x`. */
export type ReadFile = (file: string) => Promise<DataFile>;

/** How a loader gets at a dataset's files. */
export interface DataSource {
  readonly read: ReadFile;
  /** The path of a file, for what is read as a stream: of any size. */
  readonly path: (file: string) => Promise<string>;
  /** Whether a file can be read without downloading it. */
  readonly here: (file: string) => boolean;
  /** A folder for what is made of the files once (graph-cache.ts). */
  readonly cache: string;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The folders that are searched, first to last, and the folder for downloads. */
export interface DataFolders {
  readonly searched: readonly string[];
  readonly downloads: string;
}

/**
 * Returns the folders in search order: `dataDir`, `$ABKD_DATA`, `data/`, `../shared/data`.
 * In a checkout the last two are found beside the sources, whatever the working directory. Where the
 * package is installed as a dependency, `data/` is in the working directory and the last is absent.
 *
 * Downloads go to `dataDir` if given, else to `data/`.
 *
 * @throws OptionError if `dataDir` or `$ABKD_DATA` is not a folder.
 */
export function dataFolders(dataDir?: string): DataFolders {
  const fromEnvironment = process.env["ABKD_DATA"] || undefined;
  mustBeFolder(dataDir, "--data");
  mustBeFolder(fromEnvironment, "$ABKD_DATA");
  const root = packageRoot();
  const installed = root.split(path.sep).includes("node_modules");
  const own = path.join(installed ? process.cwd() : root, "data");
  const searched = [dataDir, fromEnvironment, own];
  if (!installed) searched.push(path.join(root, "..", "shared", "data"));
  const folders = searched.filter((folder) => folder !== undefined).map((f) => path.resolve(f));
  return { searched: [...new Set(folders)], downloads: path.resolve(dataDir ?? own) };
}

/** Returns the path of the first copy of the file; null if no folder has it. */
export function findFile(file: string, folders: DataFolders): string | null {
  for (const folder of folders.searched) {
    const candidate = path.join(folder, file);
    if (existsSync(candidate)) return candidate;
  }
  return null;
}

/**
 * Returns a source of files in the data folders.
 *
 * @param obtain called for a file that is in none of them: returns a path to read instead, or throws.
 * @throws BadFileError, when it reads, for a file that is empty, too large or unreadable.
 */
export function dataSource(
  folders: DataFolders,
  obtain: (file: string) => Promise<string>,
  onWarning?: (message: string) => void,
): DataSource {
  const pathOf = async (file: string): Promise<string> =>
    findFile(file, folders) ?? (await obtain(file));
  return {
    read: async (file) => {
      const found = await pathOf(file);
      return { bytes: await readWhole(found), path: found };
    },
    path: pathOf,
    here: (file) => findFile(file, folders) !== null,
    cache: path.join(folders.downloads, "cache"),
    onWarning,
  };
}

/** The error for a file that is in no folder and may not be downloaded. */
export function missingFile(file: string, folders: DataFolders): MissingFileError {
  return new MissingFileError(
    `${file} is not in ${folders.searched.join(", ")}: fetch it with "abkd data fetch", ` +
      "or put it into one of these by hand",
    file,
  );
}

/** Reads a whole file of at most 64 MB. */
async function readWhole(file: string): Promise<Buffer> {
  try {
    const status = await stat(file);
    if (!status.isFile()) throw new BadFileError(file, "not a file");
    if (status.size === 0) throw new BadFileError(file, "the file is empty");
    if (status.size > MAX_FILE) {
      throw new BadFileError(file, `${status.size} bytes; at most ${MAX_FILE} are read`);
    }
    return await readFile(file);
  } catch (error) {
    if (error instanceof BadFileError) throw error;
    throw new BadFileError(file, `cannot be read (${(error as Error).message})`);
  }
}

function mustBeFolder(folder: string | undefined, source: string): void {
  if (folder === undefined) return;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new OptionError(`${source}: ${folder} is not a folder`);
  }
}

/** The folder of this package's package.json, two levels above src/datasets or dist/datasets. */
function packageRoot(): string {
  return path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
}
