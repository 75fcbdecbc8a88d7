// Downloads a dataset's archive and unpacks its files: size and free space are looked at first.
import { rm, statfs } from "node:fs/promises";
import path from "node:path";
import { makeFolders } from "../base/folders.ts";
import { DatasetError } from "../formats/errors.ts";
import { extractZip } from "../formats/zip-extract.ts";
import { diskBytes, type PublishedArchive } from "./archives.ts";
import { type DownloadOptions, download } from "./download.ts";

/** More than this on the disk is not taken without asking. */
export const ASKED_ABOVE = 1e9;
/** Longest time for an archive; it is the server's silence that ends a download. */
const TOTAL_LIMIT = 6 * 3600_000;

/** What fetching an archive would take, in bytes. */
export interface ArchiveSize {
  readonly download: number;
  readonly disk: number;
}

/** @returns the archive's address, at the mirror if there is one */
export function archiveUrl({ url, file }: PublishedArchive, mirror?: string): string {
  return mirror ? `${mirror.replace(/\/$/, "")}/${file}` : url;
}

/** Looks up what an archive takes; asks the server where its length is not known. @throws DatasetError */
export async function archiveSize(
  archive: PublishedArchive,
  mirror?: string,
): Promise<ArchiveSize> {
  const bytes = archive.bytes ?? (await announcedBytes(archiveUrl(archive, mirror)));
  return { download: bytes, disk: diskBytes(archive, bytes) };
}

async function announcedBytes(url: string): Promise<number> {
  const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(20_000) }).catch(
    (cause: Error) => {
      const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
      throw new DatasetError(`${url} could not be reached: ${reason}`, { cause });
    },
  );
  const bytes = Number(response.headers.get("content-length") ?? Number.NaN);
  if (response.ok && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  const status = `it answered ${response.status}`;
  throw new DatasetError(`${url} does not say how long it is (${status}); try again later`);
}

/**
 * Downloads an archive into `downloads`, checks its sha256, unpacks the files that the dataset needs, and removes it.
 * @throws DatasetError if the disk is too full, or as download()
 */
export async function fetchArchive(
  archive: PublishedArchive,
  size: ArchiveSize,
  downloads: string,
  options: DownloadOptions & { readonly mirror?: string },
): Promise<void> {
  const target = path.join(downloads, archive.file);
  makeFolders(path.dirname(target));
  const { bavail, bsize } = await statfs(path.dirname(target));
  const free = bavail * bsize;
  if (free < size.disk) {
    throw new DatasetError(
      `${archive.folder} takes ${megabytes(size.disk)} in ${downloads}, where ${megabytes(free)} are free; ` +
        "free some space, or choose another folder with --data",
    );
  }
  const source = {
    url: archiveUrl(archive, options.mirror),
    bytes: size.download,
    sha256: archive.sha256,
  };
  await download(source, target, { totalLimit: TOTAL_LIMIT, ...options });
  const prefix = `${archive.inside}/`;
  const written = await extractZip(target, (member) => {
    const file = `${archive.folder}/${member.slice(prefix.length)}`;
    const needed = member.startsWith(prefix) && archive.files.includes(file);
    return needed ? path.join(downloads, file) : undefined;
  });
  if (written.length < archive.files.length) {
    const missing = archive.files.filter((file) => !written.includes(path.join(downloads, file)));
    throw new DatasetError(`${target} has no ${missing.join(", ")}; it is another archive`);
  }
  await rm(target);
}

/** A size for people: 83 MB. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
}
