// A place for output: what code prints and shows within it appears there, and can be replaced.
import { bundleOf } from "../display/bundle.ts";
import { type DisplayEvent, isDisplay } from "../display/host.ts";
import { failureOf } from "../runner/errors.ts";
import { captured, type Sink } from "../runner/run.ts";
import { sheltered } from "../runner/shelter.ts";
import { own } from "../runner/timers.ts";
import { Model } from "./model.ts";
import { layoutState, type Options, type Widget, widgetOf } from "./widget.ts";

/** An output as notebooks keep it: nbformat 4.5. */
export type Shown =
  | { readonly output_type: "stream"; readonly name: string; readonly text: string }
  | {
      readonly output_type: "display_data";
      readonly data: Readonly<Record<string, unknown>>;
      readonly metadata: Readonly<Record<string, unknown>>;
    }
  | {
      readonly output_type: "error";
      readonly ename: string;
      readonly evalue: string;
      readonly traceback: readonly string[];
    };

export type Output = Widget<readonly Shown[]> & {
  /**
   * Runs a function, whose output appears here instead of below the cell, also what it prints after an await.
   * An error that it throws is shown here and is thrown on.
   */
  run<T>(work: () => T): T;
  /** Adds a value as a cell shows it. Resolves when it is shown. */
  show(value: unknown): Promise<void>;
  /** Removes everything; with `wait`, only when the next output comes, so that nothing flickers. */
  clear(wait?: boolean): void;
};

/** How often the page is told while code runs without a pause, in milliseconds. */
const OFTEN = 100;

const KIND = {
  name: "output",
  names: {
    module: "@jupyter-widgets/output",
    version: "1.0.0",
    model: "OutputModel",
    view: "OutputView",
  },
  settable: () => undefined,
} as const;

/** Makes a place for output. */
export function output(options: Pick<Options, "layout"> = {}): Output {
  const model = new Model(KIND, { msg_id: "", outputs: [], ...layoutState(options.layout) });
  const sheet = new Sheet(model);
  const widget = widgetOf<readonly Shown[]>(model, {
    codec: {
      read: () => sheet.outputs,
      write: (outputs) => ({ outputs: sheet.replace(outputs) }),
    },
  });
  return Object.assign(widget, {
    run: <T>(work: () => T): T => sheet.run(work),
    show: async (value: unknown): Promise<void> => sheet.show(value),
    clear: (wait = false): void => void sheet.event({ type: "clear", wait: Boolean(wait) }),
  }) as Output;
}

/** What an output holds, and how it gets there. */
class Sheet implements Sink {
  readonly #model: Model;
  #outputs: Shown[] = [];
  readonly #named = new Map<string, Shown>();
  /** Whether the next output clears the others. */
  #isClearing = false;
  #isTelling = false;
  #told = 0;

  constructor(model: Model) {
    this.#model = model;
  }

  get outputs(): readonly Shown[] {
    return [...this.#outputs];
  }

  replace(outputs: readonly Shown[]): readonly Shown[] {
    this.#outputs = [...outputs];
    this.#named.clear();
    return this.#outputs;
  }

  run<T>(work: () => T): T {
    return captured(this, () => {
      try {
        const result = work();
        return result instanceof Promise
          ? (result.catch((error: unknown) => {
              this.fail(error);
              throw error;
            }) as T)
          : result;
      } catch (error) {
        this.fail(error);
        throw error;
      }
    });
  }

  async show(value: unknown): Promise<void> {
    if (value === undefined || isDisplay(value)) return;
    const bundle = await sheltered(() => bundleOf(value));
    this.event({ type: "display", data: bundle, metadata: {}, update: false });
  }

  fail(error: unknown): void {
    const { ename, evalue, traceback } = sheltered(() => failureOf(error));
    this.#add({ output_type: "error", ename, evalue, traceback });
  }

  stream(name: "stdout" | "stderr", text: string): void {
    const last = this.#isClearing ? undefined : this.#outputs.at(-1);
    const isSame = last?.output_type === "stream" && last.name === name;
    if (isSame) this.#outputs.pop();
    this.#add({ output_type: "stream", name, text: isSame ? last.text + text : text });
  }

  event(event: DisplayEvent): boolean {
    if (event.type === "clear") {
      this.#isClearing = event.wait;
      if (event.wait) return true;
      this.replace([]);
      this.#changed();
      return true;
    }
    const { data, metadata, id, update } = event;
    const shown: Shown = { output_type: "display_data", data, metadata };
    const known = id === undefined ? undefined : this.#named.get(id);
    if (update && !known) return false;
    if (!update) this.#add(shown);
    else {
      this.#outputs = this.#outputs.map((each) => (each === known ? shown : each));
      this.#changed();
    }
    if (id !== undefined) this.#named.set(id, shown);
    return true;
  }

  #add(shown: Shown): void {
    if (this.#isClearing) this.replace([]);
    this.#isClearing = false;
    this.#outputs.push(shown);
    this.#changed();
  }

  /** Tells the page at the next pause of the code, or after a while without one. */
  #changed(): void {
    if (performance.now() - this.#told > OFTEN) this.#tell();
    else if (!this.#isTelling) {
      this.#isTelling = true;
      own.setImmediate(() => this.#tell());
    }
  }

  #tell(): void {
    this.#isTelling = false;
    this.#told = performance.now();
    this.#model.set({ outputs: this.outputs }, true); // this may be a critical section
  }
}
