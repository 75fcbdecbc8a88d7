// Losses log(sum) - target, two at a time, by a fast logarithm wherever its last bits cannot matter.

/**
 * fdlibm's constants for log(x) (e_log.c, Sun Microsystems, 1993), two and one, and `DOUBT`: 2^-48, more than
 * the difference between two logarithms that are each accurate to the last place.
 */
const LOG = memory.data<f64>([
  1, 2, 0.5,
  0.15313837699209373, 0.22222198432149784, 0.3999999999940942,
  0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735,
  1.90821492927058770002e-10, 6.93147180369123816490e-01,
  3.552713678800501e-15,
]);
const DOUBT: usize = 96;

/** Loads a constant into both lanes: one instruction from memory, where V8 would otherwise emit three. */
@inline
function constant(at: usize): v128 {
  return v128.load_splat<f64>(LOG + at);
}

/** log x of two finite numbers of at least 1: fdlibm's algorithm, without a branch. */
@inline
function logarithms(x: v128): v128 {
  // x = 2^k (1 + f), 1 + f between sqrt(1/2) and sqrt(2).
  const above = i64x2.sub(x, i64x2.splat(0x3fe6a09e00000000)), whole = i64x2.shr_u(above, 52);
  const k = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(whole, whole, 0, 2, 0, 2));
  const f = f64x2.sub(i64x2.sub(x, i64x2.shl(whole, 52)), constant(0));
  const s = f64x2.div(f, f64x2.add(constant(8), f)), z = f64x2.mul(s, s), w = f64x2.mul(z, z);
  let even = f64x2.add(f64x2.mul(w, constant(24)), constant(32));
  even = f64x2.mul(w, f64x2.add(f64x2.mul(w, even), constant(40)));
  let odd = f64x2.add(f64x2.mul(w, constant(48)), constant(56));
  odd = f64x2.add(f64x2.mul(w, odd), constant(64));
  odd = f64x2.mul(z, f64x2.add(f64x2.mul(w, odd), constant(72)));
  const half = f64x2.mul(f64x2.mul(constant(16), f), f), rest = f64x2.add(even, odd);
  const low = f64x2.add(f64x2.mul(s, f64x2.add(half, rest)), f64x2.mul(k, constant(80)));
  return f64x2.sub(f64x2.mul(k, constant(88)), f64x2.sub(f64x2.sub(half, low), f));
}

/**
 * log(sum) - target of two nodes, in the first two lanes, with the bits of a logarithm of one number.
 * Both are doubles; each sum is at least 1, or NaN.
 */
@inline
export function lossesOf(sums: v128, targets: v128): v128 {
  const logs = logarithms(sums), exact = f64x2.sub(logs, targets);
  // If both ends of the doubtful interval round to the same float, that is the loss (Ziv's test).
  const doubt = f64x2.mul(constant(DOUBT), f64x2.add(logs, f64x2.abs(targets)));
  const loss = f32x4.demote_f64x2_zero(f64x2.add(exact, doubt));
  const other = f32x4.demote_f64x2_zero(f64x2.sub(exact, doubt));
  if (i32x4.all_true(f32x4.eq(loss, other))) return loss;
  return f32x4.replace_lane(
    f32x4.splat(lossOf(f64x2.extract_lane(sums, 0), f64x2.extract_lane(targets, 0))),
    1, lossOf(f64x2.extract_lane(sums, 1), f64x2.extract_lane(targets, 1)),
  );
}

/** The loss log(sum) - target of one node. */
export function lossOf(sum: f64, target: f64): f32 {
  return <f32>(NativeMath.log(sum) - target);
}
