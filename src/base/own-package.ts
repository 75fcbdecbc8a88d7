// The package that this code was installed with: abkd, or the kernel alone (scripts/pack-kernel.mjs).
import { readFileSync } from "node:fs";

const file = new URL("../../package.json", import.meta.url);

/**
 * From package.json, which stands above both src/ and dist/. It is read when this code is loaded: the
 * package may be replaced while a program runs.
 */
export const { name: NAME, version: VERSION } = JSON.parse(readFileSync(file, "utf8")) as {
  name: string;
  version: string;
};

/** Returns the name of a variable that sets the kernel's habits: ABKD_KERNEL_HISTORY, TS_KERNEL_HISTORY. */
export const kernelVariable = (setting: "DIAGNOSTICS" | "HISTORY" | "INSTALL" | "TOKEN"): string =>
  `${NAME.replace(/kernel$/, "")}_KERNEL_${setting}`.toUpperCase();
