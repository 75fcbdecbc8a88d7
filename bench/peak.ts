// The peaks of one core that a profile is measured against, by the engine's two tightest kernels.
import { runningBackend } from "../src/tensor/engine/backend.ts";

export interface Peaks {
  /** 10^9 operations a second, of a dense product in the nearest caches. */
  readonly gflops: number;
  /** 10^9 bytes a second to and from memory, by STREAM's triad. */
  readonly bandwidth: number;
}

/** Of the product's matrices, [ROWS, SIDE] and [SIDE, SIDE]: 48 KB and 16 KB. */
const ROWS = 192;
const SIDE = 64;
/** Of the triad's arrays: more than a core's caches hold. */
const ELEMENTS = 2 ** 24;
const BYTES_A_NUMBER = 4;
/** Many and short: on a busy machine some are left alone. */
const SAMPLES = 400;
const PASSES = 5;

/** Measures the peaks anew at each call; the fastest sample of all calls so far counts. */
export function peakMeter(): () => Peaks {
  const { engine } = runningBackend();
  const [product, triad] = [new Fastest(), new Fastest()];
  return () => {
    const owner = {};
    const block = (numbers: number): ReturnType<typeof engine.memory.allocate> =>
      engine.memory.allocate(numbers * BYTES_A_NUMBER, "a measurement of peaks", owner);
    const blocks = [ROWS * SIDE, SIDE * SIDE, ROWS * SIDE, ELEMENTS, ELEMENTS, ELEMENTS].map(block);
    // Zeros, so that no number is too small to be fast.
    for (const one of blocks) engine.memory.floats(one).fill(0);
    const [a, b, c, x, y, z] = blocks.map(({ address }) => address) as [
      ...[number, number, number, number, number, number],
    ];
    for (let k = 0; k < SAMPLES; k++) {
      product.time(() => engine.run("product", ROWS, a, b, c, SIDE, SIDE, 1, 0, 0, 0, 0, 0));
    }
    for (let k = 0; k < PASSES; k++) {
      triad.time(() => engine.run("combine", ELEMENTS, x, y, z, 1, 0.5));
    }
    for (const one of blocks) engine.memory.release(one, owner);
    return {
      gflops: (2 * ROWS * SIDE * SIDE) / product.seconds / 1e9,
      bandwidth: (3 * ELEMENTS * BYTES_A_NUMBER) / triad.seconds / 1e9,
    };
  };
}

class Fastest {
  seconds = Number.POSITIVE_INFINITY;

  time(call: () => void): void {
    const began = performance.now();
    call();
    this.seconds = Math.min(this.seconds, (performance.now() - began) / 1000);
  }
}
