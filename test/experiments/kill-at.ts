// Loaded with `node --import`: kills its process before the KILL_AT-th call that changes the file system, a
// write halfway through. With KILL_AT=0 it prints how many such calls there were.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env["KILL_AT"]);
const calls = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
let count = 0;
// Closing and syncing leave the same files, so a kill before them equals one before the next call.
for (const name of ["openSync", "writeSync", "renameSync", "linkSync", "rmSync", "writeFileSync"]) {
  const real = calls[name]!;
  calls[name] = (...args) => {
    count++;
    if (count === at) {
      const [file, bytes] = args;
      if (name === "writeSync")
        real(file, (bytes as Buffer).subarray(0, (bytes as Buffer).length / 2));
      process.kill(process.pid, "SIGKILL");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    return real(...args);
  };
}
syncBuiltinESMExports();
if (at === 0) process.on("exit", () => console.log(count));
