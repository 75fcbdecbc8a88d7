// Reads Matrix Market files: sparse (coordinate) and dense (array) matrices of numbers as text.
import { printable } from "../base/printable.ts";
import { BadFileError } from "./errors.ts";

/** A longer list of entries is refused before it is allocated. */
const MAX_ENTRIES = 1 << 25;
const MAX_SIDE = 1 << 22;

/** The entries of a matrix, numbered from 0, as the file lists them; symmetric ones are not mirrored. */
export interface MatrixEntries {
  readonly rows: number;
  readonly columns: number;
  readonly rowOf: Int32Array;
  readonly columnOf: Int32Array;
  /** Absent in a pattern: each entry is 1. */
  readonly values?: Float32Array;
  /** Only one of each two opposite entries is listed. */
  readonly symmetric: boolean;
}

/**
 * Source: Boisvert, Pozo and Remington, The Matrix Market Exchange Formats, NISTIR 5935, 1996.
 * @throws BadFileError naming the line
 */
export function readMatrixMarket(file: string, bytes: Buffer): MatrixEntries {
  const lines = new Lines(file, bytes);
  const head = (lines.next() ?? "").trim().split(/\s+/);
  const [mark, object, format, field, symmetry] = head.map((word) => word.toLowerCase());
  if (mark !== "%%matrixmarket" || object !== "matrix") {
    lines.fail('it does not begin with "%%MatrixMarket matrix"');
  }
  if (format !== "coordinate" && format !== "array") lines.fail(`format "${shown(format)}"`);
  if (!["real", "integer", "double", "pattern"].includes(field ?? "")) {
    lines.fail(`numbers of the kind "${shown(field)}"; real, integer and pattern are read`);
  }
  if (symmetry !== "general" && symmetry !== "symmetric") {
    lines.fail(`symmetry "${shown(symmetry)}"; general and symmetric are read`);
  }
  const coordinate = format === "coordinate";
  const symmetric = symmetry === "symmetric";
  const pattern = field === "pattern";
  const sizes = lines.numbers(coordinate ? 3 : 2, "the size of the matrix");
  const [rows, columns] = sizes as [number, number];
  const count = coordinate ? sizes[2]! : symmetric ? (rows * (rows + 1)) / 2 : rows * columns;
  const sound = sizes.every((size) => Number.isInteger(size) && size >= 0);
  if (!sound || rows > MAX_SIDE || columns > MAX_SIDE || count > MAX_ENTRIES) {
    lines.fail(
      `a matrix of ${sizes.join(" x ")}; at most ${MAX_SIDE} a side, ${MAX_ENTRIES} entries`,
    );
  }
  if (symmetric && rows !== columns) lines.fail(`${rows} x ${columns} is not symmetric`);
  // The shortest entry has two bytes.
  if (2 * count > bytes.length + 2) lines.fail(`${count} entries do not fit in the file`);
  const [rowOf, columnOf] = [new Int32Array(count), new Int32Array(count)];
  const values = pattern ? undefined : new Float32Array(count);
  const places = (coordinate ? 2 : 0) + (pattern ? 0 : 1);
  let [r, c] = [0, 0];
  for (let k = 0; k < count; k++) {
    const numbers = lines.numbers(places, `entry ${k + 1} of ${count}`);
    if (coordinate) {
      rowOf[k] = place(numbers[0]!, rows, "row");
      columnOf[k] = place(numbers[1]!, columns, "column");
    } else {
      // Dense ones go column by column, symmetric ones from the diagonal down.
      [rowOf[k], columnOf[k]] = [r, c];
      if (++r === rows) {
        c++;
        r = symmetric ? c : 0;
      }
    }
    if (values) {
      values[k] = numbers[places - 1]!;
      if (!Number.isFinite(values[k])) lines.fail("a number that is not finite");
    }
  }
  if (lines.next() !== undefined) lines.fail(`more than the ${count} entries that it announces`);
  return { rows, columns, rowOf, columnOf, symmetric, ...(values && { values }) };

  function place(number: number, most: number, what: string): number {
    if (Number.isInteger(number) && number >= 1 && number <= most) return number - 1;
    const hint = number === 0 ? "; this form counts from 1" : "";
    return lines.fail(`${what} ${number} is not one of 1 to ${most}${hint}`);
  }
}

function shown(word: string | undefined): string {
  return printable(word ?? "");
}

/** The lines that are neither empty nor comments. */
class Lines {
  readonly #file: string;
  readonly #bytes: Buffer;
  #at = 0;
  #line = 0;

  constructor(file: string, bytes: Buffer) {
    this.#file = file;
    this.#bytes = bytes;
  }

  next(): string | undefined {
    while (this.#at < this.#bytes.length) {
      const found = this.#bytes.indexOf(10, this.#at);
      const end = found < 0 ? this.#bytes.length : found;
      if (end - this.#at > 10_000) this.fail("a line of more than 10,000 bytes");
      const text = this.#bytes.toString("latin1", this.#at, end).trim();
      this.#at = end + 1;
      this.#line++;
      if (text !== "" && (this.#line === 1 || !text.startsWith("%"))) return text;
    }
    return undefined;
  }

  numbers(count: number, what: string): number[] {
    const text = this.next();
    if (text === undefined) return this.fail(`the file ends before ${what}`);
    const words = text.split(/\s+/);
    const numbers = words.map(Number);
    if (words.length === count && !numbers.some(Number.isNaN)) return numbers;
    return this.fail(`${what} is "${printable(text)}", not ${count} numbers`);
  }

  fail(what: string): never {
    throw new BadFileError(this.#file, `line ${this.#line}: ${what}`);
  }
}
