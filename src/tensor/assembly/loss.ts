// Softmax cross-entropy over chosen nodes, with its gradient; and the scores of a prediction.

/**
 * For entries begin <= k < end of NODES: LOSSES[k] = -log softmax(LOGITS[node])[label], and
 * where GRADIENT (nodes x classes, zeroed before) is given, its row of that node becomes
 * scale * (softmax - one hot). Where HITS is given, HITS[k] = 1 if the first largest logit
 * is the label's, else 0.
 */
export function crossEntropy(
  begin: i32,
  end: i32,
  LOGITS: usize,
  LABELS: usize,
  NODES: usize,
  LOSSES: usize,
  GRADIENT: usize,
  HITS: usize,
  classes: i32,
  scale: f32,
): void {
  for (let k = begin; k < end; k++) {
    const node = <usize>load<i32>(NODES + ((<usize>k) << 2));
    const label = load<i32>(LABELS + (node << 2));
    const row = LOGITS + ((node * <usize>classes) << 2);
    let best = 0,
      largest = load<f32>(row);
    for (let c = 1; c < classes; c++) {
      const x = load<f32>(row + ((<usize>c) << 2));
      if (x > largest) {
        largest = x;
        best = c;
      }
    }
    let sum: f64 = 0;
    for (let c = 0; c < classes; c++) {
      sum += NativeMath.exp(<f64>(load<f32>(row + ((<usize>c) << 2)) - largest));
    }
    const target = <f64>(load<f32>(row + ((<usize>label) << 2)) - largest);
    store<f32>(LOSSES + ((<usize>k) << 2), <f32>(NativeMath.log(sum) - target));
    if (HITS) store<f32>(HITS + ((<usize>k) << 2), best == label ? 1 : 0);
    if (!GRADIENT) continue;
    const out = GRADIENT + ((node * <usize>classes) << 2);
    for (let c = 0; c < classes; c++) {
      const p = NativeMath.exp(<f64>(load<f32>(row + ((<usize>c) << 2)) - largest)) / sum;
      store<f32>(out + ((<usize>c) << 2), scale * <f32>(p - (c == label ? 1 : 0)));
    }
  }
}
