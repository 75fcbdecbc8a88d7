// The part of jstat that is used; the package brings no types.
declare module "jstat" {
  const jStat: {
    readonly studentt: {
      /** P(T <= t) with `degrees` degrees of freedom. */
      cdf(t: number, degrees: number): number;
    };
  };
  export default jStat;
}
