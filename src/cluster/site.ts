// What a site's Slurm is asked for: the options of a command, over the profile of the folder.
import { existsSync } from "node:fs";
import path from "node:path";
import { OptionError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { isObject, JsonError, parseJson } from "../base/json.ts";
import { list, object, optional, text, where } from "../base/json-form.ts";

/** What is asked of sbatch for each job. */
export interface SiteOptions {
  readonly partition?: string;
  readonly account?: string;
  /** A job's time limit, as sbatch takes it: `2:00:00`. */
  readonly time?: string;
  /** Cores of a job: so many trials run at a time in it. */
  readonly cpus?: number;
  readonly mem?: string;
  readonly gres?: string;
  /** The most tasks of one array; never more than the site's MaxArraySize. */
  readonly arraySize?: number;
  /** Lines of shell before Node starts: `module load nodejs`. */
  readonly setup?: string;
  /** Further options of sbatch, as they are. */
  readonly sbatch?: readonly string[];
}

const positive = where((value) => Number.isSafeInteger(value) && (value as number) >= 1);

const KEYS = {
  partition: optional(text),
  account: optional(text),
  time: optional(text),
  cpus: optional(positive),
  mem: optional(text),
  gres: optional(text),
  arraySize: optional(positive),
  setup: optional(text),
  sbatch: optional(list(text)),
} as const satisfies Record<keyof SiteOptions, unknown>;

const PROFILE = "abkd.slurm.json";

/**
 * Reads a site's habits: the file abkd.slurm.json, or else `abkd.slurm` in package.json.
 * @throws OptionError for a profile that is not one; FileError
 */
export function siteProfile(folder: string): SiteOptions {
  const own = path.join(folder, PROFILE);
  if (existsSync(own)) return profileIn(own, (content) => content);
  const packed = path.join(folder, "package.json");
  if (!existsSync(packed)) return {};
  return profileIn(packed, (content) => {
    const section = isObject(content) ? content["abkd"] : undefined;
    return (isObject(section) ? section["slurm"] : undefined) ?? {};
  });
}

function profileIn(file: string, section: (content: unknown) => unknown): SiteOptions {
  let content: unknown;
  try {
    content = section(parseJson(readText(file, 2)));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new OptionError(`${file} ${error.message}`);
  }
  const strange = isObject(content)
    ? (Object.keys(content).find((key) => !(key in KEYS)) ?? object(KEYS)(content, ""))
    : "content";
  if (strange === undefined) return content as SiteOptions;
  throw new OptionError(
    `${file}: its ${strange} is not part of a Slurm profile; legal: ${Object.keys(KEYS).join(", ")}`,
  );
}

/** Returns the options of sbatch that say what a job needs. */
export function requestOf(site: SiteOptions): string[] {
  const { partition, account, time, cpus = 1, mem, gres, sbatch = [] } = site;
  const given = { partition, account, time, mem, gres };
  return [
    ...["--nodes=1", "--ntasks=1", `--cpus-per-task=${cpus}`],
    ...Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`],
    ),
    ...sbatch,
  ];
}
