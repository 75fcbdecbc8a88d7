// The kernel's entry: node main.ts CONNECTION_FILE [--allow-empty-key]
import { enableCompileCache } from "node:module";

// This comes before any other module, so that types are stripped and code is compiled once for all starts.
enableCompileCache();
try {
  const { openConnection } = await import("./connection.ts");
  const connection = openConnection(process.argv.slice(2));
  // The runner comes next: it starts while this process loads the rest.
  const { RunnerProcess } = await import("./runner-process.ts");
  const runner = new RunnerProcess();
  const { supervise } = await import("./supervisor.ts");
  await supervise(connection, runner).catch((error: unknown) => {
    runner.signal("SIGKILL");
    throw error;
  });
} catch (error) {
  const { name, message, stack } = error as Error;
  const { NAME } = await import("../base/own-package.ts");
  const { printableLine, printableText } = await import("../base/printable.ts");
  const isExpected = name === "ConnectionError" || name === "BindError";
  process.stderr.write(
    `${NAME} kernel: ${isExpected ? printableLine(message) : printableText(stack ?? message)}\n`,
  );
  process.exit(name === "ConnectionError" ? 2 : 1);
}
