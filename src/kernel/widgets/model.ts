// A model: one widget's state in the kernel, kept the same as in the page over a comm.
import { randomUUID } from "node:crypto";
import type { Comm } from "../runner/comm.ts";
import { afterlifeOf, type Run, runOf, within } from "../runner/run.ts";
import { own } from "../runner/timers.ts";
import { announce, closeComm, hold, openComm } from "./manager.ts";
import { isDeeper, MOST_DEPTH, type Packed, pack, unpack } from "./state.ts";

/** The classes in the page's code that show a model. */
export interface Names {
  readonly module: string;
  /** A range of versions of the module, as npm writes them. */
  readonly version: string;
  readonly model: string;
  /** null for what has no view of its own. */
  readonly view: string | null;
}

/** Checks a value that the page sends: returns what to keep.
 *  @throws TypeError that says what is wrong with it */
export type Check = (value: unknown) => unknown;

export interface ModelKind {
  /** What messages call it. */
  readonly name: string;
  readonly names: Names;
  /** Returns how to check what the page sends for a key; undefined if the page may not set it. */
  readonly settable: (key: string) => Check | undefined;
}

/** What the state held before, by the keys that have changed. */
export type Changed = ReadonlyMap<string, unknown>;

/** Data that the page sends beside the state, or that the kernel does. */
export type Custom = (content: unknown, buffers: readonly Uint8Array[]) => unknown;

/** A message of a comm, as the kernel hears it. */
export interface Heard {
  readonly data: unknown;
  readonly buffers: readonly Uint8Array[];
}

const VERSION = "2.1.0";
const VIEW = "application/vnd.jupyter.widget-view+json";
/** How models are found in what users hold. */
export const MODEL: unique symbol = Symbol("model");

/** Returns the model of a widget; undefined for anything else. */
export function modelOf(value: unknown): Model | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return value instanceof Model ? value : (value as { [MODEL]?: Model })[MODEL];
}

export class Model {
  readonly id = randomUUID().replaceAll("-", "");
  readonly kind: ModelKind;
  readonly #state: Map<string, unknown>;
  /** The listeners, each with the run that added it. */
  readonly #listeners = new Map<object, Added<(changed: Changed) => unknown>>();
  readonly #customs = new Map<object, Added<Custom>>();
  /** The run that made it: what its events print is shown there. */
  readonly #home: Run | undefined = runOf();
  /** What has changed in the page and was not told yet, with the values before. */
  #changed = new Map<string, unknown>();
  #comm: Comm | undefined;
  #isOpening = false;
  #isClosed = false;

  constructor(kind: ModelKind, state: Readonly<Record<string, unknown>>) {
    this.kind = kind;
    this.#state = new Map(Object.entries(state));
  }

  get(key: string): unknown {
    return this.#state.get(key);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the page may have it. */
  get isOpen(): boolean {
    return this.#comm !== undefined;
  }

  /** Changes the state here and in the page, and tells the listeners: at once, or `later` in a turn of its own. */
  set(values: Readonly<Record<string, unknown>>, later = false): void {
    const changed = this.#keep(Object.entries(values));
    if (changed.size === 0) return;
    if (this.#comm) {
      const now = Object.fromEntries([...changed.keys()].map((key) => [key, this.#state.get(key)]));
      this.#send("update", this.#packed(now));
    }
    if (!later) this.#tell(changed);
    else if (this.#listeners.size > 0) this.#later(() => this.#tell(changed));
  }

  /** Calls a listener after each change, until the returned function is called. */
  onChange(listener: (changed: Changed) => unknown): () => void {
    return add(this.#listeners, listener);
  }

  /** Calls a listener with what the page sends beside the state, until the returned function is called. */
  onCustom(listener: Custom): () => void {
    return add(this.#customs, listener);
  }

  /** Sends the page something beside the state. */
  send(content: unknown, buffers: readonly Uint8Array[]): void {
    this.open();
    this.#comm?.send({ method: "custom", content }, { buffers });
  }

  /** Gives the page the model, and first those that it refers to.
   *  @throws Error if it was closed, or contains itself */
  open(): void {
    if (this.#comm) return;
    if (this.#isClosed) throw new Error(`this ${this.kind.name} was closed: make another one`);
    if (this.#isOpening) throw new Error(`this ${this.kind.name} contains itself`);
    this.#isOpening = true;
    try {
      const packed = this.packed();
      const data = { state: packed.state, buffer_paths: packed.paths };
      const options = { metadata: { version: VERSION }, buffers: packed.buffers };
      this.#comm = openComm(this, data, options);
    } finally {
      this.#isOpening = false;
    }
  }

  /** Forgets the listeners that earlier runs of the running cell have added: it will add them again. */
  forgetEarlier(): void {
    const run = runOf();
    for (const all of [this.#listeners, this.#customs]) {
      for (const [key, { by }] of all) {
        if (by && by.cell !== run?.cell && by.command.place === run?.command.place) all.delete(key);
      }
    }
  }

  /** Takes the model from the page. It can still be read. */
  close(): void {
    this.#isClosed = true;
    if (this.#comm) closeComm(this.#comm);
    this.#comm = undefined;
    this.#listeners.clear();
    this.#customs.clear();
  }

  /** Notes that the page has closed it. */
  left(): void {
    this.#comm = undefined;
  }

  /** Opens the model and returns what shows it. While its cell shows it, it stays open. */
  view(): Record<string, unknown> {
    this.open();
    hold(this);
    return { [VIEW]: { version_major: 2, version_minor: 1, model_id: this.id } };
  }

  /** Returns the whole state. */
  packed(): Packed {
    const { module, version, model, view } = this.kind.names;
    return this.#packed({
      _model_module: module,
      _model_module_version: version,
      _model_name: model,
      _view_module: module,
      _view_module_version: version,
      _view_name: view,
      ...Object.fromEntries(this.#state),
    });
  }

  /** Takes a message of the page. A message that makes no sense changes nothing, and is reported. */
  hear({ data, buffers }: Heard): void {
    const { method, state, content, buffer_paths } = (data ?? {}) as Record<string, unknown>;
    if (method === "request_state") this.#send("update", this.packed());
    else if (method === "custom") this.#custom(content, buffers);
    else if (method === "update" && isObject(state)) {
      const refusal = unpack(state, buffer_paths, buffers);
      if (refusal === undefined) this.#update(state);
      else this.#refuse(refusal);
    } else this.#refuse("it is neither an update nor a request that widgets have");
  }

  #update(state: object): void {
    const accepted: [string, unknown][] = [];
    for (const [key, value] of Object.entries(state)) {
      const check = this.kind.settable(key);
      try {
        if (!check) throw new TypeError("the page may not set it");
        // What the page could set, a page that is loaded again must be able to get.
        if (isDeeper(value, MOST_DEPTH - 1)) throw new TypeError("it nests too deep");
        accepted.push([key, check(value)]);
      } catch (error) {
        this.#refuse(`${key.slice(0, 80)}: ${(error as Error).message}`);
      }
    }
    for (const [key, before] of this.#keep(accepted)) {
      if (!this.#changed.has(key)) this.#changed.set(key, before);
    }
    // Listeners that take long hear the last of the values that came meanwhile, not each.
    this.#later(() => this.#tellChanged());
  }

  #tellChanged(): void {
    const changed = this.#changed;
    this.#changed = new Map();
    if (changed.size > 0) this.#tell(changed);
  }

  #custom(content: unknown, buffers: readonly Uint8Array[]): void {
    for (const { listener } of this.#customs.values())
      this.#later(() => listener(content, buffers));
  }

  /** Calls code of the cell that made the model, once what has arrived is handled. */
  #later(work: () => unknown): void {
    const call = () => own.setImmediate(() => announce(work));
    if (this.#home) within(afterlifeOf(this.#home), call);
    else call();
  }

  #keep(entries: Iterable<readonly [string, unknown]>): Map<string, unknown> {
    const changed = new Map<string, unknown>();
    for (const [key, value] of entries) {
      const before = this.#state.get(key);
      if (Object.is(before, value)) continue;
      changed.set(key, before);
      this.#state.set(key, value);
    }
    return changed;
  }

  #tell(changed: Changed): void {
    for (const { listener } of [...this.#listeners.values()]) announce(() => listener(changed));
  }

  #packed(state: Readonly<Record<string, unknown>>): Packed {
    return pack(state, (value) => {
      const model = modelOf(value);
      if (model?.isClosed) return null;
      model?.open();
      return model && `IPY_MODEL_${model.id}`;
    });
  }

  #send(method: string, { state, paths, buffers }: Packed): void {
    this.#comm?.send({ method, state, buffer_paths: paths }, { buffers });
  }

  #refuse(reason: string): void {
    const text = `${this.kind.name}: a message of the page was ignored: ${reason}\n`;
    this.#later(() => process.stderr.write(text));
  }
}

interface Added<L> {
  readonly listener: L;
  readonly by: Run | undefined;
}

function add<L>(all: Map<object, Added<L>>, listener: L): () => void {
  const added = { listener, by: runOf() };
  all.set(added, added);
  return () => void all.delete(added);
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
