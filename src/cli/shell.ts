// Runs a command line: help and errors in one form, exit codes in one place.
import { type Command, CommanderError } from "commander";
import { UserError } from "../base/errors.ts";
import { NAME } from "../base/own-package.ts";
import { print, tell, tellText } from "./output.ts";

/**
 * Builds a program and runs it.
 * @param build returns the program and what it is called with, without node and the script
 * @param explain returns what the user can mend about an error that is no UserError, if anything
 * @returns the exit code: 0; 1 if a run failed; 2 for a wrong request; 130 after an interrupt
 */
export async function runProgram(
  build: () => Promise<{ program: Command; argv: readonly string[] }>,
  explain: (error: unknown) => UserError | undefined = () => undefined,
): Promise<number> {
  try {
    const { program, argv } = await build();
    settle(program);
    await program.parseAsync(argv.length > 0 ? [...argv] : ["--help"], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const user = error instanceof UserError ? error : explain(error);
    if (user) {
      tell(user.message);
      return user.exitCode;
    }
    // This is our fault: whoever reports it needs the stack.
    tellText(`${NAME}: internal error, please report it\n${stackOf(error)}`);
    return 1;
  }
}

/** Makes a command and its subcommands print errors in one line and use our exit codes. */
function settle(command: Command): void {
  const { outputError } = command.configureOutput();
  command.hook("preAction", (_, called) => refuseEmpty(called));
  command.exitOverride().configureOutput({
    writeOut: (text) => print(text.replace(/\n$/, "")),
    // A command's own rewording of the message comes first.
    outputError: (message) => outputError?.(message, (text) => tell(text.replace(/^error: /, ""))),
  });
  for (const child of command.commands) settle(child);
}

/** An empty variable of a shell (`--output "$FILE"`) would be taken for the working directory, or left out. */
function refuseEmpty(called: Command): void {
  const empty = called.options.find(
    (option) => called.getOptionValue(option.attributeName()) === "",
  );
  if (!empty) return;
  throw new UserError(
    `${empty.long} is empty: give a value, as in ${empty.flags}, or leave it out`,
  );
}

function stackOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error instanceof Error && error.cause ? `\ncaused by ${stackOf(error.cause)}` : "";
  return stack + cause;
}
