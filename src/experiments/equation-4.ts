// Properties of eq. 4, computed in double precision on random maps: rank one, a trivial optimum.
import { type RandomStream, randomStream } from "../graph/random.ts";
import type { Fact } from "./inconsistencies.ts";

type Matrix = readonly Float64Array[];

function randomMatrix(rows: number, columns: number, random: RandomStream): Matrix {
  return Array.from({ length: rows }, () =>
    Float64Array.from({ length: columns }, () => 2 * random.uniform() - 1),
  );
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => {
    const out = new Float64Array(b[0]!.length);
    row.forEach((x, k) => {
      for (let j = 0; j < out.length; j++) out[j]! += x * b[k]![j]!;
    });
    return out;
  });
}

const combine = (a: Matrix, b: Matrix, scale: number): Matrix =>
  a.map((row, i) => row.map((x, j) => x + scale * b[i]![j]!));

/** Computes eq. 4 as written: both sides projected (n x d_a), times P, the mean over d_a, squared, summed. */
function equation4(T: Matrix, S: Matrix, Pt: Matrix, Ps: Matrix, P: Matrix): number {
  const difference = product(combine(product(T, Pt), product(S, Ps), -1), P);
  return difference.reduce((sum, row) => {
    const mean = row.reduce((total, x) => total + x, 0) / row.length;
    return sum + mean ** 2;
  }, 0);
}

/** Computes the same with one vector per side: u = P_side P 1 / d_a. */
function byVectors(T: Matrix, S: Matrix, ut: Matrix, us: Matrix): number {
  const difference = combine(product(T, ut), product(S, us), -1);
  return difference.reduce((sum, [x]) => sum + x! ** 2, 0);
}

const SHAPE = { nodes: 200, teacher: 64, student: 4, embedding: 256 };

/** Computes four facts: rank one; P changes nothing that can be reached; the trivial optimum; growth with n. */
export function eq4Facts(): Fact[] {
  const { nodes, teacher, student, embedding } = SHAPE;
  const random = randomStream(4);
  const T = randomMatrix(nodes, teacher, random);
  const S = randomMatrix(nodes, student, random);
  const Pt = randomMatrix(teacher, embedding, random);
  const Ps = randomMatrix(student, embedding, random);
  const P = randomMatrix(embedding, embedding, random);
  const mean = Array.from({ length: embedding }, () => Float64Array.of(1 / embedding));
  const [ut, us] = [Pt, Ps].map((side) => product(product(side, P), mean)) as [Matrix, Matrix];
  const D = equation4(T, S, Pt, Ps, P);
  const D1 = byVectors(T, S, ut, us);
  const error = Math.abs(D - D1) / D;
  // The same u without P: every column of P_t and P_s is u itself.
  const wide = (u: Matrix): Matrix => u.map(([x]) => new Float64Array(embedding).fill(x!));
  const identity = P.map((_, i) => Float64Array.from(P, (_, j) => (i === j ? 1 : 0)));
  const without = equation4(T, S, wide(ut), wide(us), identity);
  const withoutError = Math.abs(D - without) / D;
  const scaled = [0.1, 0.01, 0].map((s) => {
    const small = P.map((row) => row.map((x) => s * x));
    return { s, ratio: equation4(T, S, Pt, Ps, small) / D };
  });
  const twice = equation4([...T, ...T], [...S, ...S], Pt, Ps, P) / D;
  const where = `eq. 4, computed on random maps (${nodes} nodes, widths ${teacher} and ${student}, d_a ${embedding})`;
  return [
    {
      id: "eq4-rank-one",
      where,
      text:
        "The mean over d_a of a linear map is linear: D_ij = |T_i u_t - S_j u_s|^2 with one vector " +
        `a side, ${teacher} and ${student} numbers. Relative difference from eq. 4 as written: ` +
        `${error.toExponential(1)}. So D compares one number a node, whatever d_a is.`,
      holds: error < 1e-12,
    },
    {
      id: "eq4-subspace",
      where: "table 6 (P)",
      text:
        "Projections whose columns all are u_t and u_s give the same D without P (relative " +
        `difference ${withoutError.toExponential(1)}): table 6's ablation cannot change what can be reached.`,
      holds: withoutError < 1e-12,
    },
    {
      id: "eq4-trivial-optimum",
      where: "eq. 4, trained projections",
      text:
        "P, P_t and P_s are trained, and nothing keeps them from 0: P scaled by " +
        `${scaled.map(({ s }) => s).join(", ")} gives D times ` +
        `${scaled.map(({ ratio }) => (ratio === 0 ? "0" : ratio.toExponential(0))).join(", ")}, with ` +
        "the student's maps as they are.",
      holds: scaled.at(-1)!.ratio === 0,
    },
    {
      id: "eq4-grows-with-nodes",
      where: "eq. 4",
      text: `Twice the nodes give ${twice.toFixed(2)} times D: one beta means other things on other graphs.`,
      holds: Math.abs(twice - 2) < 1e-9,
    },
  ];
}
