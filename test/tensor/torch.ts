// torch.optim's algorithms as in its documentation (2.x), in double precision: Adam, AdamW,
// RMSprop and SGD with their default options, without amsgrad, centred, Nesterov or maximise.

/**
 * Starts an algorithm.
 * @param theta the initial parameters
 * @param lambda the weight decay
 * @returns a step, which takes the gradient and this step's learning rate gamma and returns the parameters
 */
export type Torch = (
  theta: Float64Array,
  lambda: number,
) => (gradient: Float64Array, gamma: number) => Float64Array;

const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-8];

function adam(decoupled: boolean): Torch {
  return (start, lambda) => {
    let theta = start;
    let t = 0;
    const m = new Float64Array(theta.length);
    const v = new Float64Array(theta.length);
    return (gradient, gamma) => {
      t++;
      theta = theta.map((value, k) => {
        let g = gradient[k]!;
        let decayed = value;
        if (decoupled) decayed = value - gamma * lambda * value;
        else g = g + lambda * value;
        m[k] = BETA_1 * m[k]! + (1 - BETA_1) * g;
        v[k] = BETA_2 * v[k]! + (1 - BETA_2) * g ** 2;
        const mHat = m[k]! / (1 - BETA_1 ** t);
        const vHat = v[k]! / (1 - BETA_2 ** t);
        return decayed - (gamma * mHat) / (Math.sqrt(vHat) + EPSILON);
      });
      return theta;
    };
  };
}

const rmsprop: Torch = (start, lambda) => {
  let theta = start;
  const alpha = 0.99;
  const v = new Float64Array(theta.length);
  return (gradient, gamma) => {
    theta = theta.map((value, k) => {
      const g = gradient[k]! + lambda * value;
      v[k] = alpha * v[k]! + (1 - alpha) * g ** 2;
      return value - (gamma * g) / (Math.sqrt(v[k]!) + EPSILON);
    });
    return theta;
  };
};

function sgd(mu: number): Torch {
  return (start, lambda) => {
    let theta = start;
    let b: Float64Array | undefined;
    return (gradient, gamma) => {
      const decayed = gradient.map((g, k) => g + lambda * theta[k]!);
      b = b ? b.map((value, k) => mu * value + decayed[k]!) : decayed;
      theta = theta.map((value, k) => value - gamma * b![k]!);
      return theta;
    };
  };
}

export const torch = { adam: adam(false), adamw: adam(true), rmsprop, sgd } as const;

/** Clips as torch.nn.utils.clip_grad_norm_: all gradients together; returns new ones. */
export function clipped(gradients: readonly Float64Array[], limit: number): Float64Array[] {
  const norm = Math.hypot(...gradients.flatMap((gradient) => [...gradient]));
  const scale = Math.min(1, limit / (norm + 1e-6));
  return gradients.map((gradient) => gradient.map((g) => g * scale));
}
