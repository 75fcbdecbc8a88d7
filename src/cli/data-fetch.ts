// abkd data fetch: downloads a dataset's missing files; asks before it takes more than 1 GB.
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { UserError } from "../base/errors.ts";
import { archiveOf } from "../datasets/archives.ts";
import { progressPrinter } from "../datasets/download-progress.ts";
import { ASKED_ABOVE, archiveSize, megabytes } from "../datasets/fetch-archive.ts";
import { DatasetError, datasetEntry, fetchFile } from "../datasets/index.ts";
import { dataFolders, findFile } from "../datasets/locate.ts";
import { print } from "./output.ts";

interface FetchFlags {
  readonly data?: string;
  readonly mirror?: string;
  readonly yes?: boolean;
}

/** @param command with `--data` */
export function addFetch(command: Command): void {
  command
    .option(
      "--mirror <url>",
      "a server with the layout of data/, instead of the official addresses",
    )
    .option("--yes", "do not ask before more than 1 GB")
    .action(run);
}

async function run(name: string, flags: FetchFlags): Promise<void> {
  const { files, labelFiles = [], geomGcnFile } = datasetEntry(name);
  const folders = dataFolders(flags.data);
  const splits = geomGcnFile ? Array.from({ length: 10 }, (_, index) => geomGcnFile(index)) : [];
  if (files.length === 0) print(`${name} is embedded: there is nothing to fetch`);
  const printer = progressPrinter(process.stderr);
  const fetchOne = async (file: string): Promise<void> => {
    const found = findFile(file, folders);
    if (found !== null) {
      print(`already here: ${found}`);
      return;
    }
    await agree(name, file, folders.downloads, flags);
    const target = await fetchFile(file, {
      ...(flags.data && { dataDir: flags.data }),
      ...(flags.mirror && { mirror: flags.mirror }),
      onProgress: printer.show,
    }).finally(printer.clear);
    print(`fetched ${target}`);
  };
  for (const file of [...files, ...splits]) await fetchOne(file);
  for (const file of labelFiles) {
    try {
      await fetchOne(file);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      print(`${name} works without ${file}, which adds labels: ${error.message}`);
    }
  }
}

/** Says what a file's archive takes, and asks if that is much. @throws UserError if the answer is not yes */
async function agree(
  name: string,
  file: string,
  downloads: string,
  { mirror, yes }: FetchFlags,
): Promise<void> {
  const archive = archiveOf(file);
  if (!archive) return;
  const size = await archiveSize(archive, mirror);
  const takes = `${megabytes(size.download)} to download, ${megabytes(size.disk)} in ${downloads}`;
  print(`${name}: ${takes}`);
  if (size.disk <= ASKED_ABOVE || yes) return;
  if (!process.stdin.isTTY) {
    throw new UserError(`${name} takes ${takes}: say --yes if you want it`, { exitCode: 2 });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question("Go on? [y/N] ");
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new UserError(`${name} was not fetched`);
}
