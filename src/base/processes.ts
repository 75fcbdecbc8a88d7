// Whether a process on this machine is alive. Imports nothing, so every part may use it.

/** Whether a process with this id exists here, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
