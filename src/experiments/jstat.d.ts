// The part of jstat that is used; the package brings no types.
declare module "jstat" {
  interface Quantiles {
    /** The distribution's quantile at `p`. */
    inv(p: number, ...parameters: number[]): number;
  }
  const jStat: {
    readonly studentt: Quantiles & {
      /** P(T <= t) with `degrees` degrees of freedom. */
      cdf(t: number, degrees: number): number;
    };
    readonly beta: Quantiles;
    readonly normal: {
      /** P(X <= x). */
      cdf(x: number, mean: number, deviation: number): number;
    };
  };
  export default jStat;
}
