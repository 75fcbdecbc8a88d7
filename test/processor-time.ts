// Processor time that work takes in this process: on a machine that is busy with other things it stays the same.

/** Returns a clock of the milliseconds that all threads of this process have taken since the call. */
export function processorClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
}

/** Milliseconds that work takes. */
export function processorTime(work: () => unknown): number {
  const taken = processorClock();
  work();
  return taken();
}
