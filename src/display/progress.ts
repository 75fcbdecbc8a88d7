// Progress of a loop, in one line: count, rate and time left.
import { performance } from "node:perf_hooks";
import { needObject, refuse } from "../base/arguments.ts";
import { duration, grouped } from "./format.ts";
import { LiveLine } from "./line.ts";

/** A counter that the caller advances. `using` ends it as well. */
export interface ProgressCounter extends Disposable {
  /** @param n how many more items are done; 1 by default */
  tick(n?: number): void;
  /** Shows the final state. */
  done(): void;
}

/**
 * Shows a loop's progress in one line. In notebooks, also inside a synchronous loop, and on terminals
 * the line changes in place; in pipes it prints now and then. Leaving the loop by break or by an error
 * ends the line.
 *
 *     for (const seed of progress([1, 2, 3], "seeds")) { ... }
 *     for await (const row of progress(rows)) { ... }
 *     using bar = progress(1000, "samples"); ... bar.tick();
 *
 * @param over the items to loop over, or their number
 * @param label the text in front of the line
 */
export function progress(over: number, label?: string): ProgressCounter;
export function progress<T>(over: Iterable<T>, label?: string): Generator<T, void, undefined>;
export function progress<T>(
  over: AsyncIterable<T>,
  label?: string,
): AsyncGenerator<T, void, undefined>;
export function progress<T>(
  over: number | Iterable<T> | AsyncIterable<T>,
  label = "",
): ProgressCounter | Generator<T, void, undefined> | AsyncGenerator<T, void, undefined> {
  if (typeof over === "number") return new Counter(label, over);
  needObject(over, "progress: over", ITEMS);
  if (Symbol.asyncIterator in over) return eachLater(over, label);
  return Symbol.iterator in over ? each(over, label) : refuse(over, "progress: over", ITEMS);
}

const ITEMS = "a number, or something that a for-of loop accepts";

function* each<T>(items: Iterable<T>, label: string): Generator<T, void, undefined> {
  using counter = new Counter(label, countOf(items));
  for (const item of items) {
    yield item;
    counter.tick();
  }
  counter.complete();
}

async function* eachLater<T>(
  items: AsyncIterable<T>,
  label: string,
): AsyncGenerator<T, void, undefined> {
  using counter = new Counter(label, undefined);
  for await (const item of items) {
    yield item;
    counter.tick();
  }
  counter.complete();
}

/** Returns the number of items if it is known without iterating. */
function countOf(items: object): number | undefined {
  if ("length" in items && typeof items.length === "number") return items.length;
  if ("size" in items && typeof items.size === "number") return items.size;
  return undefined;
}

class Counter implements ProgressCounter {
  readonly #line = new LiveLine();
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #began = performance.now();
  readonly #text = (): string => this.#describe(false);
  #count = 0;
  #complete = false;
  #ended = false;

  constructor(label: string, total: number | undefined) {
    if (total !== undefined && !(total >= 0))
      refuse(total, "progress: the total", "a number, 0 or more");
    this.#label = label;
    this.#total = total;
    this.#line.update(this.#text);
  }

  tick(n = 1): void {
    this.#count += n;
    if (!this.#ended) this.#line.update(this.#text);
  }

  /** Notes that the loop ran to its end, however many items there were. */
  complete(): void {
    this.#complete = true;
  }

  done(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#line.end(this.#describe(true));
  }

  [Symbol.dispose](): void {
    this.done();
  }

  #describe(ended: boolean): string {
    const count = this.#count;
    const total = this.#total;
    const seconds = (performance.now() - this.#began) / 1000;
    const parts = [total === undefined ? String(count) : `${count}/${total}`];
    if (count > 0) parts.push(rate(count / Math.max(seconds, 1e-3)));
    if (ended) {
      const whole = this.#complete || (total !== undefined && count >= total);
      parts.push(`${whole ? "" : "stopped after "}${duration(seconds)}`);
    } else if (total !== undefined && count > 0) {
      parts.push(`${duration(Math.max(0, (seconds / count) * (total - count)))} left`);
    }
    return (this.#label && `${this.#label}: `) + parts.join(", ");
  }
}

/** Formats a rate: 12.3/s, or below one per second the time that one takes. */
function rate(perSecond: number): string {
  if (perSecond >= 100) return `${grouped(Math.round(perSecond))}/s`;
  return perSecond >= 1 ? `${perSecond.toFixed(1)}/s` : `${(1 / perSecond).toFixed(1)} s each`;
}
