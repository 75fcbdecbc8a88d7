// Writes pickles of graph datasets' arrays as Python 2 (cPickle) and Python 3 do, in protocols 0 to 2.

export interface PickleStyle {
  readonly protocol: 0 | 1 | 2;
  /** Python 3 writes raw bytes as `_codecs.encode(text, "latin1")` in these protocols. */
  readonly python: 2 | 3;
}

export const PLAIN: PickleStyle = { protocol: 2, python: 2 };

/** An array to pickle: numpy's type code with byte order, the shape and the bytes. */
export interface ArraySpec {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly fortranOrder?: boolean;
}

/** The arrays of a csr_matrix. */
export interface CsrSpec {
  readonly shape: readonly [number, number];
  readonly indptr: ArraySpec;
  readonly indices: ArraySpec;
  readonly data: ArraySpec;
}

export class PickleWriter {
  private readonly chunks: Buffer[] = [];
  private readonly style: PickleStyle;
  private memos = 0;

  constructor(style: PickleStyle) {
    this.style = style;
    if (style.protocol === 2) this.raw(0x80, 2);
  }

  finish(): Buffer {
    this.raw(0x2e);
    return Buffer.concat(this.chunks);
  }

  raw(...codes: number[]): this {
    this.chunks.push(Buffer.from(codes));
    return this;
  }

  line(text: string): this {
    this.chunks.push(Buffer.from(`${text}\n`, "latin1"));
    return this;
  }

  int(value: number): this {
    if (this.style.protocol === 0) return this.line(`I${value}`);
    if (value >= 0 && value < 256) return this.raw(0x4b, value);
    if (value >= 0 && value < 65536) return this.raw(0x4d, value & 255, value >> 8);
    if (value === (value | 0)) return this.raw(0x4a).uint32(value >>> 0);
    const long = Buffer.alloc(8);
    long.writeBigInt64LE(BigInt(value));
    this.raw(0x8a, 8);
    this.chunks.push(long);
    return this;
  }

  bool(value: boolean): this {
    if (this.style.protocol < 2) return this.line(value ? "I01" : "I00");
    return this.raw(value ? 0x88 : 0x89);
  }

  none(): this {
    return this.raw(0x4e);
  }

  /** Writes a name or similar text: the `str` of either Python. */
  string(text: string): this {
    return this.style.python === 2
      ? this.byteString(Buffer.from(text, "latin1"))
      : this.unicode(text);
  }

  /** Writes the raw bytes of an array. */
  bytes(bytes: Uint8Array): this {
    if (this.style.python === 2) return this.byteString(bytes);
    this.global("_codecs", "encode");
    const text = Buffer.from(bytes).toString("latin1");
    return this.tuple(
      () => this.unicode(text),
      () => this.unicode("latin1"),
    ).raw(0x52);
  }

  global(module: string, name: string): this {
    return this.raw(0x63).line(module).line(name).put();
  }

  tuple(...items: (() => unknown)[]): this {
    const short = this.style.protocol === 2 && items.length <= 3 && items.length > 0;
    if (items.length === 0 && this.style.protocol > 0) return this.raw(0x29);
    if (!short) this.raw(0x28);
    for (const item of items) item();
    return this.raw(short ? 0x84 + items.length : 0x74).put();
  }

  list(items: readonly number[]): this {
    if (this.style.protocol === 0) {
      this.raw(0x28, 0x6c).put();
      for (const item of items) this.int(item).raw(0x61);
      return this;
    }
    this.raw(0x5d).put().raw(0x28);
    for (const item of items) this.int(item);
    return this.raw(0x65);
  }

  /** Writes items of a dict that is already on the stack. */
  items(...pairs: (readonly [key: () => unknown, value: () => unknown])[]): this {
    if (this.style.protocol > 0) this.raw(0x28);
    for (const [key, value] of pairs) {
      key();
      value();
      if (this.style.protocol === 0) this.raw(0x73);
    }
    return this.style.protocol > 0 ? this.raw(0x75) : this;
  }

  emptyDict(): this {
    return (this.style.protocol === 0 ? this.raw(0x28, 0x64) : this.raw(0x7d)).put();
  }

  array({ dtype, shape, bytes, fortranOrder = false }: ArraySpec): this {
    const order = dtype[0]!;
    this.global("numpy.core.multiarray", "_reconstruct");
    this.tuple(
      () => this.global("numpy", "ndarray"),
      () => this.tuple(() => this.int(0)),
      () => this.bytes(Buffer.from("b")),
    )
      .raw(0x52)
      .put();
    return this.tuple(
      () => this.int(1),
      () => this.tuple(...shape.map((side) => () => this.int(side))),
      () => {
        this.global("numpy", "dtype");
        this.tuple(
          () => this.string(dtype.slice(1)),
          () => this.bool(false),
          () => this.bool(true),
        )
          .raw(0x52)
          .put();
        this.tuple(
          () => this.int(3),
          () => this.string(order),
          () => this.none(),
          () => this.none(),
          () => this.none(),
          () => this.int(-1),
          () => this.int(-1),
          () => this.int(0),
        ).raw(0x62);
      },
      () => this.bool(fortranOrder),
      () => this.bytes(bytes),
    ).raw(0x62);
  }

  csr({ shape, indptr, indices, data }: CsrSpec): this {
    if (this.style.protocol === 2) {
      this.global("scipy.sparse.csr", "csr_matrix").raw(0x29, 0x81).put();
    } else {
      this.global("copy_reg", "_reconstructor");
      this.tuple(
        () => this.global("scipy.sparse.csr", "csr_matrix"),
        () => this.global("__builtin__", "object"),
        () => this.none(),
      )
        .raw(0x52)
        .put();
    }
    this.emptyDict();
    this.items(
      [() => this.string("format"), () => this.string("csr")],
      [
        () => this.string("_shape"),
        () =>
          this.tuple(
            () => this.int(shape[0]),
            () => this.int(shape[1]),
          ),
      ],
      [() => this.string("indptr"), () => this.array(indptr)],
      [() => this.string("_cs_matrix__has_sorted_indices"), () => this.bool(true)],
      [() => this.string("indices"), () => this.array(indices)],
      [() => this.string("maxprint"), () => this.int(50)],
      [() => this.string("data"), () => this.array(data)],
    );
    return this.raw(0x62);
  }

  /** Writes a defaultdict(list) of adjacency lists. */
  graph(lists: ReadonlyMap<number, readonly number[]>): this {
    this.global("collections", "defaultdict");
    this.tuple(() => this.global("__builtin__", "list"))
      .raw(0x52)
      .put();
    return this.items(
      ...[...lists].map(([node, list]) => [() => this.int(node), () => this.list(list)] as const),
    );
  }

  private put(): this {
    const index = this.memos++;
    if (this.style.protocol === 0) return this.line(`p${index}`);
    return index < 256 ? this.raw(0x71, index) : this.raw(0x72).uint32(index);
  }

  private uint32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.chunks.push(bytes);
    return this;
  }

  private byteString(bytes: Uint8Array): this {
    if (this.style.protocol === 0) {
      const escaped = [...bytes].map((byte) => {
        if (byte === 0x5c) return "\\\\";
        if (byte === 0x27) return "\\'";
        if (byte === 0x0a) return "\\n";
        if (byte === 0x0d) return "\\r";
        if (byte === 0x09) return "\\t";
        if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
        return `\\x${byte.toString(16).padStart(2, "0")}`;
      });
      return this.line(`S'${escaped.join("")}'`).put();
    }
    if (bytes.length < 256) this.raw(0x55, bytes.length);
    else this.raw(0x54).uint32(bytes.length);
    this.chunks.push(Buffer.from(bytes));
    return this.put();
  }

  private unicode(text: string): this {
    if (this.style.protocol === 0) {
      const escaped = [...text].map((c) =>
        "\\\n\r\0\x1a".includes(c) ? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}` : c,
      );
      return this.line(`V${escaped.join("")}`).put();
    }
    const bytes = Buffer.from(text, "utf8");
    this.raw(0x58).uint32(bytes.length);
    this.chunks.push(bytes);
    return this.put();
  }
}
