// Says what a file is that is not what it should be, by its first bytes and its name.
import { isUtf8 } from "node:buffer";
import path from "node:path";

const BEGINNINGS: readonly [begins: string, kind: string][] = [
  ["\x93NUMPY", "it is a NumPy array (.npy)"],
  ["PK\x03\x04", "it is a zip archive, as npz and PyTorch's files are"],
  ...[2, 3, 4, 5].map((protocol): [string, string] => [
    `\x80${String.fromCharCode(protocol)}`,
    "it is a pickle, which may run programs; save the arrays by numpy.savez",
  ]),
  ["\x1f\x8b\x08", "it is compressed by gzip; unpack it"],
  ["\x89HDF", "it is an HDF5 file"],
  ["MATLAB", "it is a MATLAB file"],
];
const SAMPLE_BYTES = 512;

/** @returns a few words, or undefined for bytes and a name that say nothing */
export function otherKind(bytes: Uint8Array, name: string): string | undefined {
  if (bytes.length === 0) return "it is empty";
  const start = Buffer.from(bytes.subarray(0, SAMPLE_BYTES));
  const text = start.toString("latin1");
  // A safetensors file may begin with the same bytes, the length of its header; a zero follows there.
  const known = BEGINNINGS.find(
    ([begins]) => text.startsWith(begins) && bytes[begins.length] !== 0,
  );
  if (known) return known[1];
  const { ext } = path.parse(name);
  if (/^\.onnx$/i.test(ext)) {
    return "it is called .onnx: exported models are for other programs; name the file that was exported";
  }
  if (/^\.(npy|npz)$/i.test(ext)) {
    return `it is called ${ext}, but does not begin as such a file does: it is damaged, or of another kind`;
  }
  // A cut may fall within a character.
  const isText =
    !start.includes(0) && [0, 1, 2, 3].some((cut) => isUtf8(start.subarray(0, -cut || undefined)));
  return isText ? "it is text" : undefined;
}
