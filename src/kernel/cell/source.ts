// Text with edits: maps places between what was typed and what runs.

/** A place in a text as people count: line and column from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

/** Splits a text at what JavaScript considers line ends. */
export const linesOf = (text: string): string[] => text.split(LINE_END);

/** Converts places of one text between offsets and lines and columns. */
export class Lines {
  readonly #starts: number[] = [0];
  readonly #length: number;

  constructor(text: string) {
    this.#length = text.length;
    for (const end of text.matchAll(LINE_END)) {
      this.#starts.push(end.index + end[0].length);
    }
  }

  offset({ line, column }: Position): number | undefined {
    const start = this.#starts[line - 1];
    if (start === undefined) return undefined;
    return Math.min(start + column - 1, this.#length);
  }

  position(offset: number): Position {
    const after = this.#starts.findIndex((start) => start > offset);
    const line = after < 0 ? this.#starts.length : after;
    return { line, column: offset - this.#starts[line - 1]! + 1 };
  }
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The offset that the text stands for. */
  readonly from: number;
}

interface Piece {
  /** Where the piece begins in the new text, and in the old one. */
  readonly to: number;
  readonly from: number;
  /** New text as a whole stands for the place `from`. */
  readonly isNew: boolean;
}

/** Replaces and moves parts of a text, and remembers where everything came from. */
export class Edits {
  readonly #text: string;
  readonly #edits: Edit[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text, from: start });
  }

  /** @param from the offset that the text stands for */
  insert(at: number, text: string, from = at): void {
    this.#edits.push({ start: at, end: at, text, from });
  }

  /** Returns the part of the old text between two offsets, with the edits inside it. */
  part(start: number, end: number): Part {
    const edits = this.#edits.filter((edit) => edit.start >= start && edit.end <= end);
    return { start, end, edits: edits.sort((a, b) => a.start - b.start || a.end - b.end) };
  }

  /** Returns the new text: parts of the old one, and new strings that each stand for an offset. */
  join(parts: readonly (Part | { readonly text: string; readonly at: number })[]): Edited {
    let text = "";
    const pieces: Piece[] = [];
    const add = (piece: string, from: number, isNew: boolean) => {
      if (piece === "") return;
      pieces.push({ to: text.length, from, isNew });
      text += piece;
    };
    for (const part of parts) {
      if ("text" in part) {
        add(part.text, part.at, true);
        continue;
      }
      let at = part.start;
      for (const edit of part.edits) {
        if (edit.start < at) continue; // inside what an earlier edit replaced
        add(this.#text.slice(at, edit.start), at, false);
        add(edit.text, edit.from, true);
        at = edit.end;
      }
      add(this.#text.slice(at, part.end), at, false);
    }
    return new Edited(text, pieces);
  }
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly edits: readonly Edit[];
}

/** The text that the edits produced. */
export class Edited {
  readonly text: string;
  readonly #pieces: readonly Piece[];

  constructor(text: string, pieces: readonly Piece[]) {
    this.text = text;
    this.#pieces = pieces;
  }

  /** Returns the offset in the old text that an offset in the new text came from. */
  origin(offset: number): number {
    const piece = this.#pieces.findLast(({ to }) => to <= offset);
    if (!piece) return 0;
    return piece.isNew ? piece.from : piece.from + offset - piece.to;
  }
}
