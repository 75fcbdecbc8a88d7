// Deno's names, as notebooks use them: `Deno.jupyter`, files, the environment, tests. What is not here says so.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, hostname } from "node:os";
import { type InspectOptions, inspect } from "node:util";
import type { Bundle } from "../channel.ts";
import { bundleOf } from "../display/bundle.ts";
import { DISPLAY } from "../display/hook.ts";
import type { Display } from "../display/host.ts";
import { pictureBundle } from "../display/pictures.ts";
import type { Comm, CommHost } from "../runner/comm.ts";
import { noteTest } from "../runner/tests.ts";
import { errors, files } from "./deno-files.ts";

type Data = Readonly<Record<string, unknown>>;

interface DisplayOptions {
  /** The value is a bundle: data by MIME type. */
  readonly raw?: boolean;
  /** Changes what was shown under `display_id`. */
  readonly update?: boolean;
  readonly display_id?: string;
}

const host = (): Display => Reflect.get(globalThis, DISPLAY) as Display;

/** Something with views of its own; where it is printed, the first of them. */
class Displayable {
  readonly #bundle: Bundle;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
  }

  [DISPLAY](): Bundle {
    return this.#bundle;
  }

  [inspect.custom](): string {
    return String(this.#bundle["text/plain"] ?? Object.values(this.#bundle)[0]);
  }
}

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => Displayable;

/** Returns a function of templates that makes something of a MIME type. */
const template =
  (type: string): Template =>
  (strings, ...values) => {
    const text = strings.map((each, at) => `${each}${values[at] ?? nothing(values[at])}`).join("");
    return new Displayable({ [type]: text });
  };

const nothing = (value: unknown): string => (value === null ? "null" : "");

/** Shows a picture: the bytes of its file, or the file. */
function image(picture: string | URL | Uint8Array): Displayable {
  const bytes = picture instanceof Uint8Array ? picture : readFileSync(picture);
  const bundle = pictureBundle(new Uint8Array(bytes));
  if (!bundle) throw new TypeError("Deno.jupyter.image: these are not the bytes of a picture file");
  return new Displayable(bundle);
}

/** Shows a value below the cell. */
function display(value: unknown, options: DisplayOptions = {}): Promise<void> {
  const { raw = false, update = false, display_id: id } = options;
  const isBundle = typeof value === "object" && value !== null && !Array.isArray(value);
  return host()(value, { raw: raw && isBundle, update, ...(id === undefined ? {} : { id }) });
}

const comms = new Map<string, Comm>();

/** Sends what front ends hear: outputs, and messages of widgets. Other messages are the kernel's own. */
async function broadcast(
  type: string,
  content: Data,
  options: { readonly metadata?: Data; readonly buffers?: readonly Uint8Array[] } = {},
): Promise<void> {
  const { data, transient } = content as { data?: unknown; transient?: DisplayOptions };
  switch (type) {
    case "display_data":
    case "execute_result":
    case "update_display_data":
      await display(data, { ...transient, raw: true, update: type === "update_display_data" });
      return;
    case "stream":
      process[content.name === "stderr" ? "stderr" : "stdout"].write(String(content.text));
      return;
    case "clear_output":
      host().clear(Boolean(content.wait));
      return;
    case "comm_open":
    case "comm_msg":
    case "comm_close":
      tell(type, String(content.comm_id), content, options);
      return;
    default:
      throw new TypeError(`Deno.jupyter.broadcast: this kernel sends no "${type}" for cells`);
  }
}

function tell(
  type: string,
  id: string,
  { data, target_name: target }: Data,
  options: { readonly metadata?: Data; readonly buffers?: readonly Uint8Array[] },
): void {
  if (type === "comm_open") {
    const opener = Reflect.get(globalThis, Symbol.for("Jupyter.comm")) as CommHost;
    comms.set(id, opener.open(String(target), data, { ...options, id }));
    return;
  }
  const comm = comms.get(id);
  if (!comm) throw new Error(`Deno.jupyter.broadcast: no comm ${id} is open`);
  if (type === "comm_msg") comm.send(data, options);
  else comm.close(data, options);
}

const env = {
  get: (name: string): string | undefined => process.env[name],
  set(name: string, value: string): void {
    process.env[name] = value;
  },
  has: (name: string): boolean => process.env[name] !== undefined,
  delete(name: string): void {
    Reflect.deleteProperty(process.env, name);
  },
  toObject: (): Record<string, string> => ({ ...process.env }) as Record<string, string>,
};

interface TestContext {
  readonly name: string;
  step(name: string, work: (context: TestContext) => unknown): Promise<boolean>;
}
interface TestDefinition {
  readonly name?: string;
  readonly fn: (context: TestContext) => unknown;
  readonly ignore?: boolean;
  readonly only?: boolean;
}

interface NodeContext {
  readonly name: string;
  test(name: string, work: (context: NodeContext) => unknown): Promise<unknown>;
}

const contextOf = (context: NodeContext): TestContext => ({
  name: context.name,
  async step(name, work) {
    let passed = true;
    await context.test(name, async (within) => {
      try {
        await work(contextOf(within));
      } catch (error) {
        passed = false;
        throw error;
      }
    });
    return passed;
  },
});

/** Runs a test by node:test: the cell fails if it does. */
function test(
  ...given:
    | [TestDefinition]
    | [TestDefinition["fn"]]
    | [string, TestDefinition["fn"]]
    | [string, Omit<TestDefinition, "fn" | "name">, TestDefinition["fn"]]
): void {
  const [first, last] = [given[0], given.at(-1)];
  const options = given.find((each) => typeof each === "object") as TestDefinition | undefined;
  const work = typeof last === "function" ? last : options?.fn;
  if (!work) throw new TypeError("Deno.test: it has no function");
  const name = typeof first === "string" ? first : (options?.name ?? work.name);
  const { ignore: skip = false } = options ?? {};
  const started = import("../runner/node-test.ts").then(({ test: start }) =>
    start(name, { skip }, async (context) => {
      await work(contextOf(context as unknown as NodeContext));
    }),
  );
  noteTest(started);
}

const { version: typescript } = createRequire(import.meta.url)("typescript/package.json") as {
  version: string;
};

const known = {
  jupyter: {
    display,
    broadcast,
    /** Returns the views of a value, by MIME type. */
    format: async (value: unknown): Promise<Bundle> => await bundleOf(value),
    html: template("text/html"),
    md: template("text/markdown"),
    svg: template("image/svg+xml"),
    image,
    $display: DISPLAY,
  },
  env,
  args: [] as string[],
  /** The versions of what runs the cells; Deno's own is not among them. */
  version: { v8: process.versions.v8, typescript },
  build: { os: process.platform, arch: arch() },
  pid: process.pid,
  errors,
  ...files,
  cwd: (): string => process.cwd(),
  chdir: (folder: string | URL): void =>
    process.chdir(typeof folder === "string" ? folder : folder.pathname),
  hostname,
  inspect: (value: unknown, options?: InspectOptions): string => inspect(value, options),
  exit: (code = 0): never => process.exit(code),
  test,
};

/** What a cell that uses them gets. */
export const names = {
  Deno: new Proxy(known, {
    get(target, name, receiver) {
      if (typeof name === "symbol" || name in target) return Reflect.get(target, name, receiver);
      throw new TypeError(`Deno.${name} is not there: these cells run on Node`);
    },
  }),
};
