// Loaded with `node --import`: every STALE_EVERY-th call of each kind fails as on a file server whose file was
// replaced meanwhile.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const every = Number(process.env["STALE_EVERY"]);
const calls = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of ["openSync", "fsyncSync", "linkSync", "statSync", "readFileSync"]) {
  const real = calls[name]!;
  let count = 0;
  calls[name] = (...args) => {
    const [file] = args;
    // Other files are not on the server: Node's own, for instance.
    const ours =
      name === "fsyncSync" || String(file).startsWith(process.env["STALE_UNDER"] ?? "nowhere");
    if (ours && ++count % every === 0) {
      throw Object.assign(new Error(`ESTALE: stale file handle, ${name}`), { code: "ESTALE" });
    }
    return real(...args);
  };
}
syncBuiltinESMExports();
