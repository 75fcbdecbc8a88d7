// Loads a program's own modules in worker threads: what they registered here, they register there.
import { existsSync } from "node:fs";
import module from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { shown } from "../base/arguments.ts";
import { OptionError, UserError } from "../base/errors.ts";
import { libraryFile } from "../base/library.ts";
import { printable } from "../base/printable.ts";
import { isAddedMethod, methodDigest } from "../distillation/registry.ts";
import { isAddedModel, modelDigest } from "../models/registry.ts";
import type { RunConfig } from "./run.ts";

/**
 * Returns the URLs of modules, given as paths (relative ones from the working directory) or file URLs.
 * @throws OptionError for anything else, or a missing file
 */
export function moduleUrls(modules: readonly (string | URL)[]): string[] {
  return modules.map((given) => {
    const url = urlOf(given);
    if (existsSync(fileURLToPath(url))) return url.href;
    throw new OptionError(`module ${printable(String(given))}: there is no such file`);
  });
}

function urlOf(given: unknown): URL {
  if (given instanceof URL || (typeof given === "string" && given.startsWith("file:"))) {
    const text = String(given);
    if (URL.canParse(text) && text.startsWith("file:///")) return new URL(text);
  } else if (typeof given === "string" && given !== "") return pathToFileURL(path.resolve(given));
  throw new OptionError(
    `a module is ${shown(given)}; legal: a file's path, or its URL, as new URL("./mine.ts", import.meta.url)`,
  );
}

let resolves = false;

/**
 * Makes `abkd` and tfjs in a program's module these very copies, wherever the module is: another copy
 * would have its own registries and tensors.
 */
function shareOwnPackages(): void {
  if (resolves) return;
  resolves = true;
  // Needs Node 22.15; in older ones the module finds the package by itself, as an import does.
  module.registerHooks?.({
    resolve(name, context, next) {
      const own = libraryFile(name);
      if (own) return { url: own.href, shortCircuit: true };
      const parentURL = name === "@tensorflow/tfjs" ? import.meta.url : context.parentURL;
      return next(name, { ...context, parentURL });
    },
  });
}

/** @throws UserError naming the module that could not be loaded, and why */
export async function importModules(urls: readonly string[]): Promise<void> {
  if (urls.length > 0) shareOwnPackages();
  for (const url of urls) {
    try {
      await import(url);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(`module ${fileURLToPath(url)} cannot be loaded: ${why}`, { cause });
    }
  }
}

/** What runs need that is not built in, by name. */
export interface Needs {
  readonly methods: readonly string[];
  readonly models: readonly string[];
  /** By method or model as in messages, the digest of the file that added it here; absent for a notebook's cell. */
  readonly files?: Readonly<Record<string, string>>;
}

/** @param configs the runs and those that they need, such as teachers */
export function addedNeeds(configs: Iterable<RunConfig>): Needs {
  const all = [...configs];
  const methods = all.flatMap(({ method }) => (method ? [method.name] : []));
  const models = all.map(({ model }): string => model.kind);
  const needs = {
    methods: [...new Set(methods)].filter(isAddedMethod),
    models: [...new Set(models)].filter(isAddedModel),
  };
  return { ...needs, files: filesOf(needs) };
}

function filesOf({ methods, models }: Needs): Record<string, string> {
  const digests = [...methods.map(methodDigest), ...models.map(modelDigest)];
  const names = needNames({ methods, models });
  return Object.fromEntries(
    names.flatMap((name, k) => (digests[k] === undefined ? [] : [[name, digests[k]]])),
  );
}

/** @throws OptionError if runs need what this program added, and no module adds it in the workers */
export function refuseMissingModules(needs: Needs, modules: readonly (string | URL)[] = []): void {
  const [first] = needNames(needs);
  if (first === undefined || modules.length > 0) return;
  throw new OptionError(
    `${first} was added by this program, but worker threads do not know it: name the module that adds ` +
      'it, as in runTrials(configs, { modules: [new URL("./mine.ts", import.meta.url)] })',
  );
}

/** @throws UserError in a worker whose modules did not add what the runs need */
export function refuseMissing(needs: Needs): void {
  const missing = {
    methods: needs.methods.filter((name) => !isAddedMethod(name)),
    models: needs.models.filter((name) => !isAddedModel(name)),
  };
  const [first] = needNames(missing);
  if (first !== undefined) {
    throw new UserError(
      `${first} is not known in a worker thread: importing the modules does not add it`,
    );
  }
  const here = filesOf(needs);
  const edited = Object.entries(needs.files ?? {}).find(
    ([name, digest]) => here[name] !== undefined && here[name] !== digest,
  );
  if (!edited) return;
  throw new UserError(
    `${edited[0]} was added by a file that has changed since this program loaded it, and worker threads load ` +
      "what it is now: start the program again (in a notebook, import the file again), with another version " +
      "if the loss is another",
  );
}

function needNames({ methods, models }: Needs): string[] {
  return [
    ...methods.map((name) => `the method "${name}"`),
    ...models.map((name) => `the model "${name}"`),
  ];
}

let isWorker = false;

/** Marks this thread as a worker, in which the program's modules must not start runs. */
export function enterWorker(): void {
  isWorker = true;
}

/** @throws UserError if a module that a worker imports starts runs itself, which would never end */
export function refuseInWorker(): void {
  if (!isWorker) return;
  throw new UserError(
    "runTrials was called by a module that a worker thread imported: let the file that adds methods and " +
      "models do nothing else, and call runTrials from another file",
  );
}
