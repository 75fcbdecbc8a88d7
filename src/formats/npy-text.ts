// Reads arrays of text: numpy's types U (UTF-32) and S (bytes).
import { printable } from "../base/printable.ts";
import { BadFileError } from "./errors.ts";
import type { NpyParts } from "./npz.ts";

/** More characters than this, padding included, are refused. */
const MAX_CHARACTERS = 1 << 25;
const MAX_TEXTS = 1 << 22;

/**
 * Returns the texts in storage order, without the zeros that pad them; undefined for an array of another type.
 * @throws BadFileError for lengths that contradict each other, or what is not text
 */
export function npyTexts({ type, shape, data }: NpyParts, where: string): string[] | undefined {
  const match = /^([<>=|]?)([US])(\d{1,5})$/.exec(type);
  if (!match) return undefined;
  const [, order, kind, digits] = match;
  const width = Number(digits);
  const count = shape.reduce((product, side) => product * side, 1);
  const size = count * width * (kind === "U" ? 4 : 1);
  if (size !== data.length) {
    const sides = shape.join(", ");
    const found = `${data.length} are there`;
    throw new BadFileError(where, `shape (${sides}) of type ${type} needs ${size} bytes, ${found}`);
  }
  if (count > MAX_TEXTS || count * width > MAX_CHARACTERS) {
    throw new BadFileError(
      where,
      `${count} texts of ${width}; at most ${MAX_TEXTS}, and ${MAX_CHARACTERS} characters`,
    );
  }
  if (kind === "S") {
    const of = (k: number): string => data.toString("utf8", k * width, (k + 1) * width);
    return Array.from({ length: count }, (_, k) => withoutPadding(of(k)));
  }
  const read = order === ">" ? data.readUInt32BE.bind(data) : data.readUInt32LE.bind(data);
  return Array.from({ length: count }, (_, k) => {
    const points: number[] = [];
    for (let c = 0; c < width; c++) {
      const point = read(4 * (k * width + c));
      if (point > 0x10ffff) {
        throw new BadFileError(where, `entry ${k}: ${printable(String(point))} is no character`);
      }
      points.push(point);
    }
    return withoutPadding(String.fromCodePoint(...points));
  });
}

function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "\0") end--;
  return text.slice(0, end);
}
