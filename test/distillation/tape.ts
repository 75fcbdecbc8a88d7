// Scalars in double precision with their derivatives: reverse-mode differentiation for slow forms.

/** A number on the tape, with its derivatives with respect to the numbers that it was made from. */
export class Scalar {
  readonly value: number;
  /** dL/d(this), once L's `backward` was called. */
  gradient = 0;
  readonly #of: readonly Scalar[];
  readonly #slopes: readonly number[];

  constructor(value: number, of: readonly Scalar[] = [], slopes: readonly number[] = []) {
    this.value = value;
    this.#of = of;
    this.#slopes = slopes;
  }

  /** Adds dL/dx to the gradient of every x that this L was made from. */
  backward(): void {
    const order: Scalar[] = [];
    const seen = new Set<Scalar>();
    // Depth first without recursion: sums over nodes are long chains.
    const stack: [scalar: Scalar, next: number][] = [[this, 0]];
    seen.add(this);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const [scalar, next] = top;
      const child = scalar.#of[next];
      if (!child) {
        order.push(scalar);
        stack.pop();
        continue;
      }
      top[1] = next + 1;
      if (seen.has(child)) continue;
      seen.add(child);
      stack.push([child, 0]);
    }
    this.gradient = 1;
    for (const scalar of order.reverse()) {
      scalar.#of.forEach((child, k) => {
        child.gradient += scalar.gradient * scalar.#slopes[k]!;
      });
    }
  }
}

export type Vector = readonly Scalar[];
export type Matrix = readonly Vector[];

export const scalar = (value: number): Scalar => new Scalar(value);
/** Returns the same number with no derivative: PyTorch's detach(). */
export const detach = ({ value }: Scalar): Scalar => new Scalar(value);

export const add = (...terms: Vector): Scalar =>
  new Scalar(
    terms.reduce((sum, { value }) => sum + value, 0),
    terms,
    terms.map(() => 1),
  );
export const scale = (x: Scalar, factor: number): Scalar =>
  new Scalar(x.value * factor, [x], [factor]);
export const subtract = (x: Scalar, y: Scalar): Scalar =>
  new Scalar(x.value - y.value, [x, y], [1, -1]);
export const multiply = (x: Scalar, y: Scalar): Scalar =>
  new Scalar(x.value * y.value, [x, y], [y.value, x.value]);
export const mean = (terms: Vector): Scalar => scale(add(...terms), 1 / terms.length);
export const relu = (x: Scalar): Scalar =>
  new Scalar(Math.max(0, x.value), [x], [x.value > 0 ? 1 : 0]);
export const absolute = (x: Scalar): Scalar =>
  new Scalar(Math.abs(x.value), [x], [Math.sign(x.value)]);

export function sigmoid(x: Scalar): Scalar {
  const y = 1 / (1 + Math.exp(-x.value));
  return new Scalar(y, [x], [y * (1 - y)]);
}

export const logarithm = (x: Scalar): Scalar => new Scalar(Math.log(x.value), [x], [1 / x.value]);

export function dot(x: Vector, y: Vector): Scalar {
  const value = x.reduce((sum, { value }, k) => sum + value * y[k]!.value, 0);
  return new Scalar(
    value,
    [...x, ...y],
    [...y, ...x].map((one) => one.value),
  );
}

/** Returns log(sum(exp(x))). */
export function logSumExp(x: Vector): Scalar {
  const exponentials = x.map(({ value }) => Math.exp(value));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return new Scalar(
    Math.log(sum),
    x,
    exponentials.map((e) => e / sum),
  );
}

/** Returns x / max(|x|, 1e-12): torch.nn.functional.normalize. */
export function normalize(x: Vector): Vector {
  const length = Math.sqrt(x.reduce((sum, { value }) => sum + value * value, 0));
  const kept = Math.max(length, 1e-12);
  return x.map(({ value }, i) => {
    const slopes = x.map((other, j) => {
      const bent = length > 1e-12 ? (value * other.value) / length ** 3 : 0;
      return (i === j ? 1 / kept : 0) - bent;
    });
    return new Scalar(value / kept, x, slopes);
  });
}

/** Makes a matrix from numbers row by row. */
export const matrixOf = (numbers: ArrayLike<number>, columns: number): Scalar[][] =>
  Array.from({ length: numbers.length / columns }, (_, r) =>
    Array.from({ length: columns }, (_, c) => scalar(numbers[r * columns + c]!)),
  );
export const vectorOf = (numbers: ArrayLike<number>): Scalar[] =>
  Array.from(numbers, (x) => scalar(x));

export const column = (x: Matrix, k: number): Vector => x.map((row) => row[k]!);
/** Returns x W. */
export const times = (x: Matrix, weight: Matrix): Matrix => {
  const columns = weight[0]!.map((_, k) => column(weight, k));
  return x.map((row) => columns.map((one) => dot(row, one)));
};
