// Installs PyTorch Geometric, the benchmark's peer, into .venv-bench, as peers/requirements.txt pins it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { UserError } from "../src/base/errors.ts";
import { PEER_PYTHON, PEERS, ROOT } from "./side.ts";

/** The pinned numpy and networkx need Python 3.11 or later. */
const PROBE = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < (3, 11))";
const PYTHONS = ["python3", ...[14, 13, 12, 11].map((minor) => `python3.${minor}`), "python"];

/** Whether the peer is installed. */
export function peerIsInstalled(): boolean {
  if (!existsSync(PEER_PYTHON)) return false;
  const look = "from importlib.util import find_spec as f; import sys; ";
  const code = `${look}sys.exit(not all(map(f, ("torch", "torch_geometric", "safetensors"))))`;
  return spawnSync(PEER_PYTHON, ["-c", code], { stdio: "ignore" }).status === 0;
}

/** @throws UserError without a usable Python, or if venv or pip fails */
export function installPeers(): void {
  const venv = path.join(ROOT, ".venv-bench");
  if (!existsSync(PEER_PYTHON)) {
    const python = PYTHONS.find(
      (command) => spawnSync(command, ["-c", PROBE], { stdio: "ignore" }).status === 0,
    );
    if (python === undefined) {
      throw new UserError(
        "PyTorch Geometric needs Python 3.11 or later with its venv module, and none is in PATH: " +
          "install one, then run `npm run bench -- --install-peers` again",
      );
    }
    mustSucceed(python, ["-m", "venv", venv]);
  }
  console.error("installing PyTorch Geometric into .venv-bench (on Linux about 5 GB)");
  const requirements = path.join(PEERS, "requirements.txt");
  const quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet"];
  mustSucceed(PEER_PYTHON, ["-m", "pip", "install", ...quiet, "-r", requirements]);
}

function mustSucceed(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  const why = error?.message ?? `exit code ${status}`;
  throw new UserError(
    `\`${[command, ...args].join(" ")}\` failed (${why}); its messages are above`,
    {
      exitCode: 1,
    },
  );
}
