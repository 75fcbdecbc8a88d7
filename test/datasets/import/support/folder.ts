// Folders of files that a test makes, and removes at its end.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import type { Folder } from "./write-forms.ts";

const root = mkdtempSync(path.join(tmpdir(), "abkd-import-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;

/** @returns the folder's path, whose last part is `name` */
export function folderOf(files: Folder, name = "mine"): string {
  const folder = path.join(root, String(made++), name);
  mkdirSync(folder, { recursive: true });
  for (const [file, contents] of Object.entries(files)) {
    const place = path.join(folder, file);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, contents);
  }
  return folder;
}
