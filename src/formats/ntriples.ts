// Reads RDF triples in the form N-Triples, as text or compressed by gzip.
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";
import type N3 from "n3";
import type { Term } from "n3";
import { printable } from "../base/printable.ts";
import { decoded } from "./csv.ts";
import { BadFileError } from "./errors.ts";

/** The most bytes of text that are read: such graphs are held in memory. */
const MAX_TEXT = 1 << 26;
const GZIP = Buffer.of(0x1f, 0x8b);

/** Subject, predicate and object, each as N-Triples writes it, apart from escapes; equal terms are equal texts. */
export type Triple = readonly [subject: string, predicate: string, object: string];

/** @throws BadFileError for a damaged archive, text that is not UTF-8, or a line that is no triple */
export function readTriples(file: string, bytes: Buffer): Triple[] {
  const text = decoded(file, unpacked(file, bytes));
  // Loaded here: its forty modules are for these files alone, and each process reads datasets.
  const { Parser } = createRequire(import.meta.url)("n3") as typeof N3;
  try {
    // Blank nodes keep the names that the file gives them.
    const quads = new Parser({ format: "N-Triples", blankNodePrefix: "" }).parse(text);
    return quads.map(({ subject, predicate, object }) => [
      written(subject),
      written(predicate),
      written(object),
    ]);
  } catch (error) {
    const what = printable(error instanceof Error ? error.message : String(error), 200);
    throw new BadFileError(file, `it is no N-Triples: ${what}`, { cause: error });
  }
}

function unpacked(file: string, bytes: Buffer): Buffer {
  if (!bytes.subarray(0, 2).equals(GZIP)) {
    if (bytes.length <= MAX_TEXT) return bytes;
    throw new BadFileError(file, `${bytes.length} bytes; at most ${MAX_TEXT} are read`);
  }
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_TEXT });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isLarge = code === "ERR_BUFFER_TOO_LARGE";
    const what = isLarge
      ? `more than ${MAX_TEXT} bytes when unpacked, which are not read`
      : `a damaged gzip file (${printable((error as Error).message)}); fetch it again`;
    throw new BadFileError(file, what, { cause: error });
  }
}

function written({ termType, value, language, datatype }: Term): string {
  if (termType === "NamedNode") return `<${value}>`;
  if (termType === "BlankNode") return `_:${value}`;
  return `"${value}"${language ? `@${language}` : `^^<${datatype?.value}>`}`;
}
