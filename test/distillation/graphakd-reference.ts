// GraphAKD in double precision, with the critics' step and the student's step as two programs,
// written from He et al. (KDD 2022: critics minimise what the student maximises) and from the four
// training loops of MIRALab-USTC/GraphAKD in its last version, not from src/distillation/graphakd.
//
// In an earlier version of that repository, the student's step used the critics' own targets under the
// student's summary; the last version reverses them and keeps the old ones as a comment.
import {
  absolute,
  add,
  column,
  detach,
  dot,
  logarithm,
  logSumExp,
  type Matrix,
  matrixOf,
  mean,
  multiply,
  normalize,
  relu,
  type Scalar,
  scalar,
  scale,
  sigmoid,
  subtract,
  times,
  type Vector,
  vectorOf,
} from "./tape.ts";

/** A side as the critics see it. */
export interface Side {
  readonly logits: Matrix;
  /** The last hidden map after its ReLU, as wide as the teacher's. */
  readonly embedding: Matrix;
}

/** The critics' weights. */
export interface Critics {
  /** lin of logits_D: classes x classes, and its bias. */
  readonly hidden: Matrix;
  readonly bias: Vector;
  /** lin2 of logits_D: its first columns, one per class, and its last. */
  readonly classes: Matrix;
  readonly real: Vector;
  readonly local: Diagonal;
  readonly global: Diagonal;
}

export interface Diagonal {
  readonly d: Vector;
  readonly scale: Scalar;
}

export interface Scene {
  readonly student: Side;
  readonly teacher: Side;
  readonly critics: Critics;
  /** In both directions, without self loops; the reference's graph has one on each node. */
  readonly arcs: readonly (readonly [number, number])[];
  readonly training: readonly number[];
  labelOf(node: number): number;
}

/**
 * Makes the critics from numbers.
 * @param numbers each weight's numbers by name; undefined for a critic that is left out: any will do
 */
export function criticsOf(
  numbers: (name: string) => ArrayLike<number> | undefined,
  classes: number,
  width: number,
): Critics {
  const read = (name: string, length: number): Scalar[] =>
    vectorOf(numbers(name) ?? new Float32Array(length).fill(1));
  const square = (name: string): Matrix =>
    matrixOf(numbers(name) ?? new Float32Array(classes ** 2).fill(1), classes);
  const diagonal = (name: string): Diagonal => ({
    d: read(`${name}.diagonal`, width),
    scale: read(`${name}.scale`, 1)[0]!,
  });
  return {
    hidden: square("logits.hidden"),
    bias: read("logits.bias", classes),
    classes: square("logits.classes"),
    real: read("logits.real", classes),
    local: diagonal("local"),
    global: diagonal("global"),
  };
}

/** Which parts take part, named like our options. */
export interface Parts {
  readonly logitCritic: boolean;
  readonly localCritic: boolean;
  readonly globalCritic: boolean;
  readonly logitDistance: boolean;
}

/** Returns the mean of BCELoss(sigmoid(z), target). */
function bce(z: Vector, target: 0 | 1): Scalar {
  const losses = z.map((x) => {
    const p = sigmoid(x);
    return scale(logarithm(target === 1 ? p : subtract(scalar(1), p)), -1);
  });
  return mean(losses);
}

function crossEntropy(outputs: Matrix, { training, labelOf }: Scene): Scalar {
  return mean(
    training.map((node) => subtract(logSumExp(outputs[node]!), outputs[node]![labelOf(node)]!)),
  );
}

/** logits_D: its outputs per class, and its last unit. */
function logitsD({ hidden, bias, classes, real }: Critics, logits: Matrix) {
  const h = times(logits, hidden).map((row, i) =>
    row.map((x, c) => relu(add(logits[i]![c]!, x, bias[c]!))),
  );
  return { byClass: times(h, classes), real: h.map((row) => dot(row, real)) };
}

/** local_emb_D: one score per arc. */
function localD({ local }: Critics, embedding: Matrix, { arcs }: Scene): Vector {
  const e = embedding.map(normalize);
  const loops = e.map((_, node) => [node, node] as const);
  return [...arcs, ...loops].map(([u, v]) => {
    const weighted = e[u]!.map((x, k) => multiply(x, local.d[k]!));
    return multiply(dot(weighted, e[v]!), local.scale);
  });
}

/** global_emb_D: one score per node. */
function globalD({ global }: Critics, embedding: Matrix, summary: Vector): Vector {
  const weighted = summary.map((x, k) => multiply(x, global.d[k]!));
  return embedding.map((row) => multiply(dot(normalize(row), weighted), global.scale));
}

const summaryOf = (embedding: Matrix): Vector =>
  embedding[0]!.map((_, k) => sigmoid(mean(column(embedding, k))));

const detached = ({ logits, embedding }: Side): Side => ({
  logits: logits.map((row) => row.map(detach)),
  embedding: embedding.map((row) => row.map(detach)),
});

/** "Train Stu", without the cross-entropy on labels. Its optimiser holds the student alone. */
export function studentStep(scene: Scene, parts: Parts): Scalar {
  const { student, teacher, critics } = scene;
  const losses: Scalar[] = [];
  if (parts.logitCritic) {
    const fake = logitsD(critics, student.logits);
    losses.push(scale(add(crossEntropy(fake.byClass, scene), bce(fake.real, 1)), 0.5));
  }
  if (parts.logitDistance) {
    const gaps = student.logits.map((row, i) =>
      add(...row.map((x, c) => absolute(subtract(x, teacher.logits[i]![c]!)))),
    );
    losses.push(mean(gaps));
  }
  if (parts.localCritic) losses.push(bce(localD(critics, student.embedding, scene), 1));
  if (parts.globalCritic) {
    const teacherSummary = summaryOf(teacher.embedding);
    losses.push(bce(globalD(critics, student.embedding, teacherSummary), 1));
    const studentSummary = summaryOf(student.embedding);
    losses.push(bce(globalD(critics, student.embedding, studentSummary), 0));
    losses.push(bce(globalD(critics, teacher.embedding, studentSummary), 1));
  }
  return add(...losses);
}

/** "Train Dis", on detached outputs of the student; the reference's decay is Adam's, here half the square. */
export function criticsStep(scene: Scene, parts: Parts): Scalar {
  const { critics, teacher } = scene;
  const student = detached(scene.student);
  const losses: Scalar[] = [];
  const decayed: Scalar[] = [];
  if (parts.logitCritic) {
    const [t, s] = [logitsD(critics, teacher.logits), logitsD(critics, student.logits)];
    const adversarial = [bce(t.real, 1), bce(s.real, 0)];
    const classes = [crossEntropy(t.byClass, scene), crossEntropy(s.byClass, scene)];
    losses.push(scale(add(...adversarial, ...classes), 0.5));
    decayed.push(...critics.hidden.flat(), ...critics.bias);
    decayed.push(...critics.classes.flat(), ...critics.real);
  }
  if (parts.localCritic) {
    losses.push(bce(localD(critics, teacher.embedding, scene), 1));
    losses.push(bce(localD(critics, student.embedding, scene), 0));
    decayed.push(...critics.local.d, critics.local.scale);
  }
  if (parts.globalCritic) {
    const bySummary = (summary: Vector, real: Side, fake: Side): void => {
      losses.push(bce(globalD(critics, real.embedding, summary), 1));
      losses.push(bce(globalD(critics, fake.embedding, summary), 0));
    };
    bySummary(summaryOf(teacher.embedding), teacher, student);
    bySummary(summaryOf(student.embedding), student, teacher);
    decayed.push(...critics.global.d, critics.global.scale);
  }
  const decay = decayed.map((w) => scale(multiply(w, w), 5e-4 / 2));
  return add(...losses, ...decay);
}
