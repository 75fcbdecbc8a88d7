// The options of commands that a cluster can do: run, search and compress with --executor slurm.
import { type Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import { type SiteOptions, siteProfile } from "../cluster/site.ts";
import { integer } from "./numbers.ts";

export interface SlurmFlags extends Omit<SiteOptions, "sbatch"> {
  readonly executor: "threads" | "slurm";
  readonly sbatch?: readonly string[];
  readonly dryRun?: boolean;
}

/** Returns new options of a cluster: each takes one value, but for `--dry-run`. */
function slurmOptions(): Option[] {
  const option = (flag: string, about?: string): Option => new Option(flag, about);
  const number = (flag: string, about: string): Option => option(flag, about).argParser(integer(1));
  return [
    option("--executor <which>", "slurm: submit what is missing and end")
      .choices(["threads", "slurm"])
      .default("threads"),
    option("--partition <name>", "as sbatch takes it; so are the next ones"),
    option("--account <name>"),
    option("--time <limit>", "of a job: 2:00:00"),
    option("--mem <size>", "of a job: 8G"),
    option("--gres <list>", "gpu:1"),
    number("--cpus <n>", "cores of a job, and trials at a time in it (default: 1)"),
    number("--array-size <n>", "the most jobs of one array (default: the site's)"),
    option("--setup <shell>", 'what a job runs first: "module load nodejs"'),
    option("--sbatch <option>", "any other option of sbatch; may be repeated").argParser(
      (text: string, earlier: readonly string[] = []) => [...earlier, text],
    ),
    option("--dry-run", "print the plan and the scripts, and submit nothing"),
  ];
}

export function addSlurmOptions(command: Command): Command {
  command.optionsGroup("On a cluster (docs/studies.md):");
  for (const option of slurmOptions()) command.addOption(option);
  return command;
}

/** Returns a command line without the options of a cluster: what a job of that cluster runs. */
export function withoutSlurmOptions(argv: readonly string[]): string[] {
  const options = new Map(slurmOptions().map((option) => [option.long!, option]));
  const kept: string[] = [];
  for (let k = 0; k < argv.length; k++) {
    const word = argv[k]!;
    const found = options.get(word.split("=", 1)[0]!);
    if (!found) kept.push(word);
    else if (found.required && !word.includes("=")) k++;
  }
  return kept;
}

/** The flags over the site's profile. @throws OptionError for flags of a cluster without one */
export function givenSite(flags: SlurmFlags): SiteOptions | undefined {
  const { partition, account, time, cpus, mem, gres, arraySize, setup, sbatch } = flags;
  const all = { partition, account, time, cpus, mem, gres, arraySize, setup, sbatch };
  const given = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as SiteOptions;
  if (flags.executor === "slurm") return { ...siteProfile(process.cwd()), ...given };
  const [first] = [...Object.keys(given), ...(flags.dryRun ? ["dryRun"] : [])];
  if (first === undefined) return undefined;
  throw new OptionError(`the option for ${first} needs --executor slurm`);
}
