// Formats numbers for progress lines.

/** 0.8412 -> 84.1 % */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

/** 94 -> 1:34, 4000 -> 1:06:40 */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes)}:${two(whole)}`;
}
