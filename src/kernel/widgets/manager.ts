// The session's models: opens their comms, answers pages that ask for all of them, and lets go of unused ones.
//
// A model is held by what refers to it: a variable, a box, the cell that shows it. Once nothing does, its comm is
// closed, here and in the page.
import type { Comm, CommHost } from "../runner/comm.ts";
import { type Run, runOf, whenBegun } from "../runner/run.ts";
import { own } from "../runner/timers.ts";
import type { Heard, Model } from "./model.ts";
import type { Path } from "./state.ts";

const TARGET = "jupyter.widget";
const CONTROL = "jupyter.widget.control";

/** What the cell at one place of the notebook shows. */
interface Shown {
  /** The run that shows it. */
  cell: number;
  models: Set<Model>;
  /** What the run before showed: until the cell has run again, nobody knows what it still uses. */
  before: Set<Model>;
}

const open = new Map<string, WeakRef<Model>>();
const shown = new Map<string, Shown>();
const unused = new FinalizationRegistry<Comm>(closeComm);

/** @throws Error outside the kernel */
function host(): CommHost {
  const found: unknown = Reflect.get(globalThis, Symbol.for("Jupyter.comm"));
  if (!found) throw new Error("widgets need a Jupyter kernel: this code does not run in one");
  return found as CommHost;
}

/** Opens a model's comm. */
export function openComm(
  model: Model,
  data: unknown,
  options: { readonly metadata: unknown; readonly buffers: readonly Uint8Array[] },
): Comm {
  const comm = host().open(TARGET, data, { ...options, id: model.id });
  const ref = new WeakRef(model);
  listen(comm, ref);
  open.set(model.id, ref);
  unused.register(model, comm);
  return comm;
}

/** Apart from openComm, whose variables a listener would keep. */
function listen(comm: Comm, model: WeakRef<Model>): void {
  comm.onMessage((message: Heard) => model.deref()?.hear(message));
  comm.onClose(() => {
    open.delete(comm.id);
    model.deref()?.left();
  });
}

export function closeComm(comm: Comm): void {
  open.delete(comm.id);
  comm.close();
}

/** Keeps a model for as long as the running cell shows it: until that cell has run again. */
export function hold(model: Model): void {
  const run = runOf();
  if (!run) return;
  const place = placeOf(run);
  const known = shown.get(place);
  if (!known) shown.set(place, { cell: run.cell, models: new Set([model]), before: new Set() });
  else if (known.cell === run.cell) known.models.add(model);
}

/** Without a name for the cell, each run is a place of its own. */
const placeOf = ({ command, cell }: Run): string => command.place ?? `run ${cell}`;

/** Calls code whose failure must stop nothing else: it is reported as an error of a timer is. */
export function announce(work: () => unknown): void {
  try {
    const result: unknown = work();
    if (result instanceof Promise) result.catch(fail);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  own.setImmediate(() => {
    throw error;
  });
}

/** Sends a page that was loaded again all models. */
function sendAll(comm: Comm): void {
  const states: Record<string, unknown> = {};
  const buffer_paths: Path[] = [];
  const buffers: Uint8Array[] = [];
  for (const [id, ref] of open) {
    const model = ref.deref();
    if (!model) continue;
    const { module, version, model: name } = model.kind.names;
    let packed: ReturnType<Model["packed"]>;
    try {
      packed = model.packed();
    } catch (error) {
      fail(error); // one widget's state must not keep the page from the others
      continue;
    }
    const { state, paths, buffers: bytes } = packed;
    states[id] = { model_name: name, model_module: module, model_module_version: version, state };
    for (const path of paths) buffer_paths.push([id, "state", ...path]);
    buffers.push(...bytes);
  }
  comm.send({ method: "update_states", states, buffer_paths }, { buffers });
}

host().registerTarget(CONTROL, (comm) =>
  comm.onMessage(({ data }) => {
    const { method } = (data ?? {}) as { method?: unknown };
    if (method === "request_states") sendAll(comm);
  }),
);

whenBegun((run) => {
  const known = shown.get(placeOf(run));
  if (!known) return;
  known.cell = run.cell;
  known.before = known.models;
  known.models = new Set();
});
