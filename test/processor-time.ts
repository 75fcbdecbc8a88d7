// Processor time that work takes in this process: on a machine that is busy with other things it stays the same.

/** Milliseconds, of all threads of this process. */
export function processorTime(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
