// The kernel's entry: node main.ts CONNECTION_FILE [--allow-empty-key]
import { enableCompileCache } from "node:module";
import { type Connection, ConnectionError, readConnection } from "./connection.ts";
import { RunnerProcess } from "./runner-process.ts";

const USAGE = "usage: node main.ts CONNECTION_FILE [--allow-empty-key]";

try {
  const connection = open(process.argv.slice(2));
  // First of all: it starts while this process loads the rest.
  const runner = new RunnerProcess();
  enableCompileCache();
  const { supervise } = await import("./supervisor.ts");
  await supervise(connection, runner).catch((error: unknown) => {
    runner.signal("SIGKILL");
    throw error;
  });
} catch (error) {
  const { name, message, stack } = error as Error;
  const isExpected = name === "ConnectionError" || name === "BindError";
  process.stderr.write(`abkd kernel: ${isExpected ? message : stack}\n`);
  process.exit(name === "ConnectionError" ? 2 : 1);
}

function open(argv: readonly string[]): Connection {
  const [file, ...rest] = argv.filter((argument) => argument !== "--allow-empty-key");
  if (file === undefined || file.startsWith("-") || rest.length > 0) {
    throw new ConnectionError(USAGE);
  }
  return readConnection(file, { allowEmptyKey: argv.includes("--allow-empty-key") });
}
