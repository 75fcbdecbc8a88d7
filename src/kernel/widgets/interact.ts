// interact: a function that is called again whenever a control changes; and links between values.
import { DISPLAY } from "../display/hook.ts";
import { box } from "./boxes.ts";
import { MODEL, type Model, modelOf } from "./model.ts";
import { type Output, output } from "./output.ts";
import type { Changeable, Widget } from "./widget.ts";

/** Controls by the names that the function knows their values by. */
export type Controls = Readonly<Record<string, Widget>>;

/** The values of controls, each with its control's type. */
export type Values<C extends Controls> = {
  readonly [K in keyof C]: C[K] extends Widget<infer V> ? V : never;
};

/** Controls, and below them what the function returned, printed and showed for their values. */
export interface Interaction<C extends Controls> {
  readonly controls: C;
  readonly output: Output;
  /** Calls the function again. Resolves when it has ended. */
  update(): Promise<void>;
  /** Takes controls and output from all pages. */
  close(): void;
}

let interrupts = 0;
(
  Reflect.get(globalThis, Symbol.for("Jupyter.interrupt")) as EventTarget | undefined
)?.addEventListener("interrupt", () => interrupts++);

/** What a page without widgets shows instead: what needs no code of its own. */
const STILL = /^(?:text|image)\//;

/**
 * Calls a function with the controls' values, now and whenever one of them changes. A change that comes while it
 * runs waits for its end; of several, the last.
 * @throws what the function throws at its first call, unless it is async
 */
export function interact<const C extends Controls>(
  work: (values: Values<C>) => unknown,
  controls: C,
): Interaction<C> {
  if (typeof work !== "function") throw new TypeError("interact: the first argument is a function");
  for (const [name, each] of Object.entries(controls)) {
    if (!modelOf(each)) throw new TypeError(`interact: ${name} is not a widget`);
    const { description } = each as Partial<Changeable>;
    if (description === "") (each as Widget & Changeable).description = name;
  }
  const shown = output();
  const panel = modelOf(box([...Object.values(controls), shown]))!;
  const interaction = new Panel(work, controls, shown, panel);
  for (const each of Object.values(controls)) each.observe(() => interaction.update());
  return interaction;
}

class Panel<C extends Controls> implements Interaction<C> {
  readonly controls: C;
  readonly output: Output;
  readonly #work: (values: Values<C>) => unknown;
  readonly #panel: Model;
  /** The call that is under way. */
  #running: Promise<void> | undefined;
  #isStale = false;
  #interrupts = interrupts;

  constructor(work: (values: Values<C>) => unknown, controls: C, shown: Output, panel: Model) {
    this.#work = work;
    this.controls = controls;
    this.output = shown;
    this.#panel = panel;
    const first = this.#call();
    if (first) this.#running = this.#repeat(first);
  }

  get [MODEL](): Model {
    return this.#panel;
  }

  update(): Promise<void> {
    this.#isStale = true;
    // An interrupt stops a call without an end that could be awaited.
    if (this.#interrupts !== interrupts) this.#running = undefined;
    this.#interrupts = interrupts;
    this.#running ??= this.#repeat();
    return this.#running;
  }

  close(): void {
    for (const each of Object.values(this.controls)) each.close();
    this.output.close();
    this.#panel.close();
  }

  async [DISPLAY](): Promise<Record<string, unknown>> {
    await this.#running;
    const last = this.output.value.findLast((each) => each.output_type !== "error");
    const data: Readonly<Record<string, unknown>> =
      last?.output_type === "stream" ? { "text/plain": last.text } : (last?.data ?? {});
    const still = Object.entries(data).filter(([type]) => STILL.test(type));
    return { "text/plain": "interact", ...Object.fromEntries(still), ...this.#panel.view() };
  }

  async #repeat(first?: Promise<void>): Promise<void> {
    await first?.catch(() => {}); // the output shows it
    while (this.#isStale) {
      this.#isStale = false;
      try {
        await this.#call();
      } catch {
        // The output shows it.
      }
    }
    this.#running = undefined;
  }

  /** Calls the function; its output replaces that of the call before. */
  #call(): Promise<void> | undefined {
    const { output: shown } = this;
    return shown.run(() => {
      shown.clear(true);
      const result = this.#work(
        Object.fromEntries(
          Object.entries(this.controls).map(([name, { value }]) => [name, value]),
        ) as Values<C>,
      );
      if (result instanceof Promise) return result.then((value) => shown.show(value));
      // A figure's picture takes a while: what is shown next must not come before it.
      return result === undefined ? undefined : shown.show(result);
    });
  }
}

/**
 * Keeps two values the same: first `b` becomes what `a` is, then each follows the other.
 * @returns a function that ends this
 */
export function link<V>(a: Widget<V>, b: Widget<V>): () => void {
  b.value = a.value;
  const ends = [
    a.observe((value) => {
      b.value = value;
    }),
    b.observe((value) => {
      a.value = value;
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
