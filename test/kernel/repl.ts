// A session of cells in this process, compiled and run by V8's REPL mode as in the kernel.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach } from "node:test";
import {
  type CompiledCell,
  compileCell,
  HELPER,
  type Position,
} from "../../src/kernel/cell/compile.ts";
import { Modules } from "../../src/kernel/cell/modules.ts";

/** Returns a session for each test of a file, all in one folder with these files. */
export function sessions(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "abkd-cells-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  let repl: Repl;
  beforeEach(() => {
    repl = new Repl(folder);
  });
  afterEach(() => repl.close());
  after(() => rmSync(folder, { recursive: true }));
  const run = (source: string): Promise<unknown> => repl.run(source);
  /** Returns what a cell throws. */
  const failure = async (source: string): Promise<CellError> => {
    const error = await run(source).then(
      () => new Error(`no error: ${source}`),
      (thrown: unknown) => thrown,
    );
    if (error instanceof CellError) return error;
    throw error;
  };
  return { run, failure, resources: () => repl.resources };
}

export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** What a cell threw, and its place in the cell as typed. */
export class CellError extends Error {
  readonly thrown: Error;
  readonly place: Position | undefined;

  constructor(thrown: Error, place: Position | undefined) {
    super(`${thrown?.name}: ${thrown?.message}`);
    this.thrown = thrown;
    this.place = place;
  }
}

const TAKE = "__take__";

export class Repl {
  readonly modules: Modules;
  /** The resources that `using` declared at a cell's top level. */
  readonly resources: unknown[] = [];
  readonly #session = new Session();
  readonly #folder: string;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.modules = new Modules({ folder, projectRoot: ROOT });
    this.#session.connect();
    const { modules } = this;
    const use = <T>(resource: T): T => {
      this.resources.push(resource);
      return resource;
    };
    const helper = {
      import: modules.import.bind(modules),
      dynamic: modules.dynamic.bind(modules),
      meta: modules.meta,
      constants: modules.constants,
      use,
      useAsync: use,
      emitted: {},
      begin: () => {},
      end: (value: unknown) => value,
      go: (value: unknown) => value,
    };
    Object.defineProperty(globalThis, HELPER, { value: helper, configurable: true });
    Object.assign(globalThis, { require: modules.require });
  }

  /** Returns the value of a cell that ends in an expression. */
  async run(source: string): Promise<unknown> {
    const cell = compileCell(source, ++this.#count, this.modules.constants, this.#folder);
    const { result, exceptionDetails } = await this.#post("Runtime.evaluate", {
      expression: cell.code,
      replMode: true,
      awaitPromise: true,
    });
    const value = await this.#value(exceptionDetails?.exception ?? result);
    if (exceptionDetails) throw new CellError(value as Error, placeOf(value as Error, cell));
    return cell.showsValue ? value : undefined;
  }

  close(): void {
    this.#session.disconnect();
    this.modules.close();
  }

  #post(method: "Runtime.evaluate", parameters: object): Promise<Evaluated> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, parameters, (error, answer) =>
        error ? reject(error) : resolve(answer as Evaluated),
      );
    });
  }

  async #value(object: Remote): Promise<unknown> {
    if (!object.objectId) return object.unserializableValue ?? object.value;
    let value: unknown;
    Object.defineProperty(globalThis, TAKE, {
      value: (it: unknown) => {
        value = it;
      },
      configurable: true,
    });
    this.#session.post("Runtime.callFunctionOn", {
      objectId: object.objectId,
      functionDeclaration: `function () { ${TAKE}(this) }`,
    });
    return value;
  }
}

interface Remote {
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Evaluated {
  readonly result: Remote;
  readonly exceptionDetails?: { readonly exception?: Remote };
}

function placeOf(error: Error, cell: CompiledCell): Position | undefined {
  const frame = error?.stack
    ?.split("\n")
    .map((line) => /(cell-\d+\.ts):(\d+):(\d+)/.exec(line))
    .find((match) => match?.[1] === cell.url);
  return frame ? cell.map(Number(frame[2]), Number(frame[3])) : undefined;
}
