// The calls of Deno's file system that notebooks use, on Node's: the same names, arguments and results.
import fs, { type Dirent, type Stats } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Path = string | URL;

export interface WriteOptions {
  /** Adds to the file instead of replacing it. */
  readonly append?: boolean;
  /** Creates the file if there is none, which is the default. */
  readonly create?: boolean;
  /** Fails if there is a file. */
  readonly createNew?: boolean;
  readonly mode?: number;
}

export interface DirEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
}

export interface FileInfo extends Omit<DirEntry, "name"> {
  readonly size: number;
  readonly mtime: Date;
  readonly atime: Date;
  readonly birthtime: Date;
  readonly mode: number;
}

function flagOf({ append = false, create = true, createNew = false }: WriteOptions): string {
  if (createNew) return append ? "ax" : "wx";
  if (append) return "a";
  return create ? "w" : "r+";
}

function write(path: Path, data: string | Uint8Array, options: WriteOptions = {}): void {
  const { mode } = options;
  fs.writeFileSync(path, data, { flag: flagOf(options), ...(mode !== undefined && { mode }) });
  if (flagOf(options) === "r+") fs.truncateSync(path, Buffer.byteLength(data));
}

const kindOf = (entry: Dirent | Stats): Omit<DirEntry, "name"> => ({
  isFile: entry.isFile(),
  isDirectory: entry.isDirectory(),
  isSymlink: entry.isSymbolicLink(),
});

const entryOf = (entry: Dirent): DirEntry => ({ name: entry.name, ...kindOf(entry) });

function infoOf(stats: Stats): FileInfo {
  const { size, mtime, atime, birthtime, mode } = stats;
  return { ...kindOf(stats), size, mtime, atime, birthtime, mode };
}

/** Whether an error is of one of Node's codes, as `instanceof` asks. */
const failing = (...codes: readonly string[]) => ({
  [Symbol.hasInstance]: (value: unknown): boolean =>
    value instanceof Error && codes.includes(String((value as NodeJS.ErrnoException).code)),
});

/** Deno's classes of errors, of which Node's are instances by their code. */
export const errors = {
  NotFound: failing("ENOENT"),
  AlreadyExists: failing("EEXIST"),
  PermissionDenied: failing("EACCES", "EPERM"),
};

export const files = {
  readTextFile: (path: Path): Promise<string> => fs.promises.readFile(path, "utf8"),
  readTextFileSync: (path: Path): string => fs.readFileSync(path, "utf8"),
  readFile: async (path: Path): Promise<Uint8Array> =>
    new Uint8Array(await fs.promises.readFile(path)),
  readFileSync: (path: Path): Uint8Array => new Uint8Array(fs.readFileSync(path)),
  writeTextFile: async (path: Path, data: string, options?: WriteOptions): Promise<void> =>
    write(path, data, options),
  writeTextFileSync: write as (path: Path, data: string, options?: WriteOptions) => void,
  writeFile: async (path: Path, data: Uint8Array, options?: WriteOptions): Promise<void> =>
    write(path, data, options),
  writeFileSync: write as (path: Path, data: Uint8Array, options?: WriteOptions) => void,
  async *readDir(path: Path): AsyncGenerator<DirEntry> {
    for (const entry of await fs.promises.readdir(path, { withFileTypes: true })) {
      yield entryOf(entry);
    }
  },
  *readDirSync(path: Path): Generator<DirEntry> {
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) yield entryOf(entry);
  },
  stat: async (path: Path): Promise<FileInfo> => infoOf(await fs.promises.stat(path)),
  statSync: (path: Path): FileInfo => infoOf(fs.statSync(path)),
  mkdir: async (path: Path, options?: { readonly recursive?: boolean }): Promise<void> => {
    await fs.promises.mkdir(path, options);
  },
  mkdirSync: (path: Path, options?: { readonly recursive?: boolean }): void => {
    fs.mkdirSync(path, options);
  },
  remove: async (path: Path, options?: { readonly recursive?: boolean }): Promise<void> =>
    removeSync(path, options),
  removeSync,
  makeTempDir: ({ prefix = "" } = {}): Promise<string> => mkdtemp(join(tmpdir(), prefix)),
};

/** Removes a file or a folder, which has to be empty unless `recursive`. */
function removeSync(path: Path, { recursive = false } = {}): void {
  const isFolder = fs.lstatSync(path).isDirectory();
  if (isFolder && !recursive) fs.rmdirSync(path);
  else fs.rmSync(path, { recursive });
}
