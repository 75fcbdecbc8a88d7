// The Python objects that a restricted pickle may build, and the only calls it may make.

import { printable } from "../base/printable.ts";

/** Text that arrived as unicode, as Python 3 writes names and, in protocols 0 to 2, bytes. */
export type PickleText = string;

/** A Python tuple (a list is a plain array). */
export class Tuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A Python dict or defaultdict(list). */
export type Dict = Map<PickleValue, PickleValue>;

/** One of the ALLOWED names of a module. */
export class Global {
  readonly name: AllowedName;
  constructor(name: AllowedName) {
    this.name = name;
  }
}

/** numpy.dtype of a number type: kind and bytes per item, as in `f4`. */
export class Dtype {
  readonly code: string;
  littleEndian = true;
  constructor(code: string) {
    this.code = code;
  }
}

/** numpy.ndarray; `bytes` is a view of the file, not a copy. Filled by BUILD. */
export class NdArray {
  shape: readonly number[] = [];
  dtype: Dtype | null = null;
  fortranOrder = false;
  bytes: Uint8Array | null = null;
  /** Instead of bytes: the entries of an array of objects, in storage order. */
  objects: readonly PickleValue[] | null = null;
}

/** A sparse matrix of scipy. Filled by BUILD; its arrays' contents are not checked here. */
export class SparseObject {
  readonly form: "csr" | "csc" | "coo";
  shape: readonly [number, number] = [0, 0];
  /** Where each row (csr) or column (csc) starts; the row of each entry (coo). */
  indptr: NdArray | null = null;
  /** The column (csr, coo) or row (csc) of each entry. */
  indices: NdArray | null = null;
  data: NdArray | null = null;

  constructor(form: "csr" | "csc" | "coo") {
    this.form = form;
  }
}

export type PickleValue =
  | null
  | boolean
  | number
  | PickleText
  | Uint8Array
  | PickleValue[]
  | Tuple
  | Dict
  | Global
  | Dtype
  | NdArray
  | SparseObject;

const ALLOWED = {
  "numpy.core.multiarray _reconstruct": "reconstruct",
  "numpy._core.multiarray _reconstruct": "reconstruct",
  "numpy ndarray": "ndarray",
  "numpy dtype": "dtype",
  "numpy.core.numeric _frombuffer": "frombuffer",
  "numpy._core.numeric _frombuffer": "frombuffer",
  "numpy.core.multiarray scalar": "scalar",
  "numpy._core.multiarray scalar": "scalar",
  "scipy.sparse.csr csr_matrix": "csr",
  "scipy.sparse._csr csr_matrix": "csr",
  "scipy.sparse._csr csr_array": "csr",
  "scipy.sparse.csc csc_matrix": "csc",
  "scipy.sparse._csc csc_matrix": "csc",
  "scipy.sparse._csc csc_array": "csc",
  "scipy.sparse.coo coo_matrix": "coo",
  "scipy.sparse._coo coo_matrix": "coo",
  "scipy.sparse._coo coo_array": "coo",
  "collections defaultdict": "defaultdict",
  "__builtin__ list": "list",
  "builtins list": "list",
  "__builtin__ object": "object",
  "builtins object": "object",
  "__builtin__ bytes": "bytes",
  "copy_reg _reconstructor": "reconstructor",
  "copyreg _reconstructor": "reconstructor",
  "_codecs encode": "encode",
} as const;

type AllowedName = (typeof ALLOWED)[keyof typeof ALLOWED];

const DTYPES = /^([<>=|]?)([bui]1|[ui][248]|f[248]|O8)$/;
const LATIN1 = new TextDecoder("latin1");

/** Thrown by the functions below; the unpickler adds the file, the offset and the opcode. */
export class Refusal extends Error {}

/** The value that a GLOBAL opcode names. */
export function lookUpGlobal(module: string, name: string): Global {
  const key = `${module} ${name}`;
  if (!Object.hasOwn(ALLOWED, key)) {
    throw new Refusal(
      `it names ${printable(module)}.${printable(name)}, which no dataset needs; nothing was run`,
    );
  }
  return new Global(ALLOWED[key as keyof typeof ALLOWED]);
}

/** The result of a call (REDUCE or NEWOBJ): one of the known constructions, which this function runs. */
export function construct(callee: PickleValue, args: PickleValue): PickleValue {
  if (!(callee instanceof Global) || !(args instanceof Tuple)) {
    throw new Refusal("a call of something that is not an allowed name");
  }
  const [first, second, third] = args.items;
  const count = args.items.length;
  switch (callee.name) {
    case "reconstruct":
      if (isGlobal(first, "ndarray") && count === 3) return new NdArray();
      break;
    case "dtype":
      if (count >= 1 && count <= 3) return makeDtype(first);
      break;
    case "csr":
    case "csc":
    case "coo":
      if (count === 0) return new SparseObject(callee.name);
      break;
    case "reconstructor":
      if (isGlobal(first, "csr") && isGlobal(second, "object") && third === null) {
        return new SparseObject("csr");
      }
      break;
    case "frombuffer":
      if (count === 4) return arrayOf(third, second, asText(args.items[3]) === "F", first);
      break;
    case "scalar":
      if (count === 2) return scalarOf(first, second);
      break;
    case "defaultdict":
      if (count === 0 || (count === 1 && (first === null || isGlobal(first, "list")))) {
        return new Map();
      }
      break;
    case "encode":
      if (typeof first === "string" && (count === 1 || isText(second, /^latin-?1$/i))) {
        return latin1Bytes(first);
      }
      break;
    case "bytes":
      if (count === 0) return new Uint8Array(0);
      break;
    default:
      break;
  }
  throw new Refusal(`${callee.name} called with arguments that no dataset needs`);
}

/** BUILD: gives an object its state. */
export function build(target: PickleValue, state: PickleValue): void {
  if (target instanceof NdArray) buildArray(target, state);
  else if (target instanceof Dtype) buildDtype(target, state);
  else if (target instanceof SparseObject) buildSparse(target, state);
  else throw new Refusal("a state for something that has none");
}

function buildArray(array: NdArray, state: PickleValue): void {
  const [, shape, dtype, fortran, contents] = itemsOf(state, 5, "ndarray");
  Object.assign(array, arrayOf(shape, dtype, fortran === true || fortran === 1, contents));
}

function arrayOf(
  shape: PickleValue | undefined,
  dtype: PickleValue | undefined,
  fortranOrder: boolean,
  contents: PickleValue | undefined,
): NdArray {
  if (!(shape instanceof Tuple) || !shape.items.every(isSize)) {
    throw new Refusal("an ndarray whose shape is not a tuple of sizes");
  }
  if (!(dtype instanceof Dtype)) throw new Refusal("an ndarray without a number type");
  const array = new NdArray();
  const count = shape.items.reduce((product, side) => product * side, 1);
  const fail = (found: number, wanted: number, what: string): never => {
    const sides = shape.items.join(", ");
    throw new Refusal(
      `an ndarray of shape (${sides}) and type ${dtype.code} with ${found} ${what} instead of ${wanted}`,
    );
  };
  if (dtype.code === "O8") {
    if (!Array.isArray(contents)) throw new Refusal("an array of objects without a list of them");
    if (contents.length !== count) fail(contents.length, count, "objects");
    array.objects = contents;
  } else {
    if (!(contents instanceof Uint8Array)) throw new Refusal("an ndarray without raw bytes");
    const size = count * Number(dtype.code.slice(1));
    if (contents.length !== size) fail(contents.length, size, "bytes");
    array.bytes = contents;
  }
  return Object.assign(array, { shape: shape.items, dtype, fortranOrder });
}

/** A number of one of numpy's types. */
function scalarOf(dtype: PickleValue | undefined, bytes: PickleValue | undefined): number {
  if (!(dtype instanceof Dtype) || !(bytes instanceof Uint8Array)) {
    throw new Refusal("a number without its type or its bytes");
  }
  const [kind, size] = [dtype.code[0], Number(dtype.code.slice(1))];
  if (size !== bytes.length)
    throw new Refusal(`a number of type ${dtype.code}, ${bytes.length} bytes`);
  const little = dtype.littleEndian ? bytes : bytes.toReversed();
  const view = new DataView(Uint8Array.from(little).buffer);
  if (dtype.code === "f8") return view.getFloat64(0, true);
  if (dtype.code === "f4") return view.getFloat32(0, true);
  if (kind !== "i" && kind !== "u" && kind !== "b") {
    throw new Refusal(`a number of type ${dtype.code}`);
  }
  const value = little.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return Number(kind === "i" ? BigInt.asIntN(8 * size, value) : value);
}

function buildDtype(dtype: Dtype, state: PickleValue): void {
  const order = asText(itemsOf(state, 8, "dtype")[1]);
  if (order === null || !/^[<>=|]$/.test(order)) throw new Refusal("a dtype of unknown byte order");
  dtype.littleEndian = order !== ">";
}

function buildSparse(matrix: SparseObject, state: PickleValue): void {
  const { form } = matrix;
  const name = `${form}_matrix`;
  if (!(state instanceof Map)) throw new Refusal(`a ${name} whose state is not a dict`);
  if (asText(state.get("format") ?? form) !== form) {
    throw new Refusal(`a sparse matrix that is not ${form}`);
  }
  const shape = state.get("_shape") ?? state.get("shape");
  const sides = shape instanceof Tuple ? shape.items : [];
  const [rows, columns] = sides;
  if (sides.length !== 2 || !isSize(rows) || !isSize(columns)) {
    throw new Refusal(`a ${name} whose _shape is not (rows, columns)`);
  }
  matrix.shape = [rows, columns];
  const coords = state.get("coords");
  const [row, column] =
    coords instanceof Tuple ? coords.items : [state.get("row"), state.get("col")];
  const array = (key: string, given = state.get(key)): NdArray => {
    if (given instanceof NdArray) return given;
    throw new Refusal(`${name}: ${key} is not an ndarray`);
  };
  matrix.indptr = form === "coo" ? array("row", row) : array("indptr");
  matrix.indices = form === "coo" ? array("col", column) : array("indices");
  matrix.data = array("data");
}

function makeDtype(code: PickleValue | undefined): Dtype {
  const text = asText(code);
  const match = text === null ? null : DTYPES.exec(text);
  if (!match) throw new Refusal(`dtype ${printable(text ?? "?")}; only numbers are read`);
  const dtype = new Dtype(match[2]!);
  dtype.littleEndian = match[1] !== ">";
  return dtype;
}

function itemsOf(state: PickleValue, least: number, what: string): readonly PickleValue[] {
  if (state instanceof Tuple && state.items.length >= least) return state.items;
  throw new Refusal(`a state of ${what} that is not a tuple of ${least}`);
}

function isGlobal(value: PickleValue | undefined, name: AllowedName): boolean {
  return value instanceof Global && value.name === name;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: PickleValue | undefined, pattern: RegExp): boolean {
  const text = asText(value);
  return text !== null && pattern.test(text);
}

/** The text of a byte string or a unicode string; null for anything else or more than 64 bytes. */
export function asText(value: PickleValue | undefined): string | null {
  if (typeof value === "string") return value.length <= 64 ? value : null;
  if (!(value instanceof Uint8Array) || value.length > 64) return null;
  return LATIN1.decode(value);
}

function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) {
    const code = text.charCodeAt(k);
    if (code > 0xff) throw new Refusal("text outside latin-1 where raw bytes are expected");
    bytes[k] = code;
  }
  return bytes;
}
