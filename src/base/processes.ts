// Whether a process of this machine is alive. Imports nothing, so that every part may use it.

/** Whether there is a process of this number here, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
