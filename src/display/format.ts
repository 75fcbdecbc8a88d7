// Formats numbers for people.

/** 0.8412 -> 84.1, where the unit stands beside */
export function inPercent(fraction: number, digits = 1): string {
  return (100 * fraction).toFixed(digits);
}

/** 0.8412 -> 84.1 % */
export function percent(fraction: number, digits?: number): string {
  return `${inPercent(fraction, digits)} %`;
}

/** 1.5 -> +1.50, -0.2 -> -0.20; what rounds to 0 is +0.00 */
export function signed(value: number): string {
  const text = value.toFixed(2);
  return Number(text) < 0 ? text : `+${text.replace("-", "")}`;
}

/** 354375 -> 354,375 */
export function grouped(value: number): string {
  // A locale's first use costs a process 30 ms, and every process shows a count.
  if (!Number.isSafeInteger(value)) return value.toLocaleString("en");
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 1, "seed" -> 1 seed; 3, "seed" -> 3 seeds */
export function counted(value: number, name: string, names = `${name}s`): string {
  return `${value} ${value === 1 ? name : names}`;
}

/** 57, 3400 -> 59.6 times fewer than; 34, 10 -> 3.4 times as many as; 10, 10 -> as many as */
export function timesFewer(count: number, other: number): string {
  if (count === other) return "as many as";
  const [ratio, words] =
    count < other ? [other / count, "times fewer than"] : [count / other, "times as many as"];
  return `${ratio.toFixed(ratio < 100 ? 1 : 0)} ${words}`;
}

/** "2 dead", false, "3 of 4" -> 2 dead, 3 of 4: those texts that there are */
export function listed(...texts: readonly (string | false | undefined)[]): string {
  return texts.filter((text) => text).join(", ");
}

/** 0.0123 -> 12.3 ms: three digits, of seconds, milliseconds or microseconds */
export function shortTime(seconds: number): string {
  const [value, unit] =
    seconds >= 1 ? [seconds, "s"] : seconds >= 1e-3 ? [1e3 * seconds, "ms"] : [1e6 * seconds, "µs"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** 94 -> 1:34, 4000 -> 1:06:40 */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes)}:${two(whole)}`;
}
