// The kernel's logo, drawn here: a wide graph, and the small one distilled from it.
import { crc32, deflateSync } from "node:zlib";

/** In units of a square of 64 by 64. */
type Shape =
  | { readonly kind: "circle"; readonly at: Point; readonly r: number; readonly fill: Colour }
  | {
      readonly kind: "line";
      readonly from: Point;
      readonly to: Point;
      readonly width: number;
      readonly fill: Colour;
    };
type Point = readonly [x: number, y: number];
type Colour = readonly [red: number, green: number, blue: number];

const GROUND: Colour = [27, 58, 87];
const WIDE: Colour = [143, 190, 222];
const SMALL: Colour = [255, 179, 71];
const CORNER = 12;

const TEACHER: readonly Point[] = [
  [14, 14],
  [32, 10],
  [50, 14],
  [20, 29],
  [44, 29],
];
const TEACHER_EDGES = [
  [0, 1],
  [1, 2],
  [0, 3],
  [1, 3],
  [1, 4],
  [2, 4],
  [3, 4],
] as const;
const STUDENT: readonly Point[] = [
  [22, 52],
  [42, 52],
];

const SHAPES: readonly Shape[] = [
  ...TEACHER_EDGES.map(([a, b]) => line(TEACHER[a]!, TEACHER[b]!, 2.5, WIDE)),
  ...TEACHER.map((at) => circle(at, 5, WIDE)),
  line([26, 36], [31, 44], 2, SMALL),
  line([38, 36], [33, 44], 2, SMALL),
  line(STUDENT[0]!, STUDENT[1]!, 3, SMALL),
  ...STUDENT.map((at) => circle(at, 6, SMALL)),
];

function circle(at: Point, r: number, fill: Colour): Shape {
  return { kind: "circle", at, r, fill };
}

function line(from: Point, to: Point, width: number, fill: Colour): Shape {
  return { kind: "line", from, to, width, fill };
}

/** The logo's files by the names that Jupyter looks for. */
export function logoFiles(): Readonly<Record<string, Uint8Array>> {
  return {
    "logo-svg.svg": Buffer.from(logoSvg()),
    "logo-32x32.png": logoPng(32),
    "logo-64x64.png": logoPng(64),
  };
}

function logoSvg(): string {
  const rgb = (colour: Colour): string => `rgb(${colour.join(",")})`;
  const shapes = SHAPES.map((shape) => {
    if (shape.kind === "circle") {
      const [x, y] = shape.at;
      return `  <circle cx="${x}" cy="${y}" r="${shape.r}" fill="${rgb(shape.fill)}"/>`;
    }
    const [[x1, y1], [x2, y2]] = [shape.from, shape.to];
    return (
      `  <line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${rgb(shape.fill)}" ` +
      `stroke-width="${shape.width}" stroke-linecap="round"/>`
    );
  });
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">',
    `  <rect width="64" height="64" rx="${CORNER}" fill="${rgb(GROUND)}"/>`,
    ...shapes,
    "</svg>\n",
  ].join("\n");
}

/** 8-bit RGBA, every pixel the mean of 4 x 4 samples. */
function logoPng(size: number): Uint8Array {
  const samples = 4;
  const rows = Buffer.alloc(size * (1 + 4 * size)); // a row begins with its filter: none
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const sum = [0, 0, 0, 0];
      for (let s = 0; s < samples * samples; s++) {
        const u = ((x + ((s % samples) + 0.5) / samples) * 64) / size;
        const v = ((y + (Math.floor(s / samples) + 0.5) / samples) * 64) / size;
        const colour = colourAt(u, v);
        if (!colour) continue;
        for (let i = 0; i < 3; i++) sum[i]! += colour[i]!;
        sum[3]! += 255;
      }
      const covered = sum[3]! / 255;
      const offset = y * (1 + 4 * size) + 1 + 4 * x;
      for (let i = 0; i < 3; i++) {
        rows[offset + i] = covered > 0 ? Math.round(sum[i]! / covered) : 0;
      }
      rows[offset + 3] = Math.round((255 * covered) / (samples * samples));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows, { level: 9 })),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The topmost shape's colour at a point; null outside the rounded square. */
function colourAt(x: number, y: number): Colour | null {
  const outside = Math.hypot(
    Math.max(CORNER - x, 0, x - (64 - CORNER)),
    Math.max(CORNER - y, 0, y - (64 - CORNER)),
  );
  if (outside > CORNER) return null;
  const shape = SHAPES.findLast((candidate) => covers(candidate, x, y));
  return shape?.fill ?? GROUND;
}

function covers(shape: Shape, x: number, y: number): boolean {
  if (shape.kind === "circle") return Math.hypot(x - shape.at[0], y - shape.at[1]) <= shape.r;
  const [[x1, y1], [x2, y2]] = [shape.from, shape.to];
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy) <= shape.width / 2;
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}
