// Text with edits: what was typed, what runs, and which place of one is which place of the other.

/** A place in a text as people count: both numbers from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

/** A text's lines, as JavaScript ends them. */
export const linesOf = (text: string): string[] => text.split(LINE_END);

/** Places of one text, as offsets and as lines and columns. */
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
  /** The place that the text stands for. */
  readonly from: number;
}

interface Piece {
  /** Where it begins in the new text, and in the old one. */
  readonly to: number;
  readonly from: number;
  /** Text that is new stands as a whole for the place `from`. */
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

  /** `from`: the place that the text stands for. */
  insert(at: number, text: string, from = at): void {
    this.#edits.push({ start: at, end: at, text, from });
  }

  /** The part of the old text between two offsets, with the edits that lie in it. */
  part(start: number, end: number): Part {
    const edits = this.#edits.filter((edit) => edit.start >= start && edit.end <= end);
    return { start, end, edits: edits.sort((a, b) => a.start - b.start || a.end - b.end) };
  }

  /** The new text: parts of the old one, and new strings that stand for an offset. */
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
        if (edit.start < at) continue; // inside of what an edit before it replaced
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

/** What edits made of a text. */
export class Edited {
  readonly text: string;
  readonly #pieces: readonly Piece[];

  constructor(text: string, pieces: readonly Piece[]) {
    this.text = text;
    this.#pieces = pieces;
  }

  /** The offset in the old text that an offset in the new text came from. */
  origin(offset: number): number {
    const piece = this.#pieces.findLast(({ to }) => to <= offset);
    if (!piece) return 0;
    return piece.isNew ? piece.from : piece.from + offset - piece.to;
  }
}
