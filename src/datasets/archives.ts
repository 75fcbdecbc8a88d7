// Datasets that are published as one archive: its length, sha256 and address, and what its files take on the disk.
import path from "node:path";
import { ogbFiles } from "./ogb.ts";
import { ogbTypedFiles } from "./ogb-typed.ts";

/** A published zip archive with all of a dataset's files. */
export interface PublishedArchive {
  /** Where it is kept while it is downloaded, below a data folder. */
  readonly file: string;
  readonly url: string;
  /** Undefined where no one states it: the server is asked. */
  readonly bytes?: number;
  readonly sha256: string;
  /** The folder of its files inside the archive. */
  readonly inside: string;
  /** The folder of its files below a data folder, and which of them are needed. */
  readonly folder: string;
  readonly files: readonly string[];
  /** What the cache takes that is made of the files (graph-cache.ts), in bytes. */
  readonly cache: number;
}

const SOURCE = "http://snap.stanford.edu/ogb/data/nodeproppred/";

/** Mag's relations, in the form of its folders' names. */
const MAG_TRIPLETS = [
  "author___affiliated_with___institution",
  "author___writes___paper",
  "paper___cites___paper",
  "paper___has_topic___field_of_study",
];

/** Addresses: snap-stanford/ogb, `ogb/nodeproppred/master.csv`. OGB states no digests; these are what others report. */
export const ARCHIVES: readonly PublishedArchive[] = [
  {
    file: "ogb/arxiv.zip",
    url: `${SOURCE}arxiv.zip`,
    bytes: 83_058_288,
    sha256: "49f85c801589ecdcc52cfaca99693aaea7b8af16a9ac3f41dd85a5f3193fe276",
    inside: "arxiv",
    folder: "ogbn_arxiv",
    files: ogbFiles("ogbn_arxiv"),
    cache: 98_000_000,
  },
  {
    file: "ogb/mag.zip",
    url: `${SOURCE}mag.zip`,
    sha256: "2afe62ead87f2c301a7398796991d347db85b2d01c5442c95169372bf5a9fca4",
    inside: "mag",
    folder: "ogbn_mag",
    files: ogbTypedFiles("ogbn_mag", "paper", MAG_TRIPLETS),
    cache: 640_000_000,
  },
];

/** The archive that holds a dataset's file; undefined for files that are published one by one. */
export function archiveOf(file: string): PublishedArchive | undefined {
  const folder = file.split(path.posix.sep)[0];
  return ARCHIVES.find((archive) => archive.folder === folder);
}

/** Downloading the archive, unpacking it beside, and keeping what is read from it. */
export function diskBytes({ cache }: PublishedArchive, bytes: number): number {
  return 2 * bytes + cache;
}
