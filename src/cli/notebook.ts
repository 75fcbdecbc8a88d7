// abkd notebook: runs and checks notebooks without a browser.
import { Command } from "commander";

/** The command `notebook` with its subcommands. */
export function notebookCommand(): Command {
  return new Command("notebook").description("Runs and checks notebooks without a browser.");
}
