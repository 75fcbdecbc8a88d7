// Columnar tables: arquero's, and Apache Arrow's tables and batches.
import { count } from "./numbers.ts";
import { hasMethods, readMember } from "./property.ts";
import type { Column } from "./table.ts";

/** The parts of arquero's ColumnTable that a view needs. Its rows are those that its filter keeps. */
interface ArqueroTable {
  numRows(): number;
  columnNames(): readonly string[];
  get(name: string, row: number): unknown;
}

/** The same parts of Apache Arrow's Table and RecordBatch. */
interface ArrowTable {
  readonly numRows: number;
  readonly schema: {
    readonly fields: readonly { readonly name: string; readonly type: unknown }[];
  };
  getChildAt(index: number): { get(row: number): unknown } | null;
}

export type Columnar = ArqueroTable | ArrowTable;

export function isColumnar(value: unknown): value is Columnar {
  return isArquero(value) || isArrow(value);
}

function isArquero(value: unknown): value is ArqueroTable {
  return hasMethods(value, ["numRows", "numCols", "columnNames", "get"]);
}

function isArrow(value: unknown): value is ArrowTable {
  if (!hasMethods(value, ["getChildAt", "getChild"])) return false;
  const schema: unknown = readMember(value, "schema");
  return (
    typeof schema === "object" && schema !== null && Array.isArray(readMember(schema, "fields"))
  );
}

/** Describes a table inside another value, in one line. */
export function columnarLine(table: Columnar): string {
  const { rows, columns } = contentOf(table);
  return `Table (${extent(rows, columns.length)})`;
}

/** Returns a table's rows, and its columns as they are printed. */
export function contentOf(table: Columnar): { readonly rows: number; readonly columns: Column[] } {
  if (!("schema" in table)) {
    const columns = table
      .columnNames()
      .map((name): Column => ({ name, at: (row) => table.get(name, row) }));
    return { rows: table.numRows(), columns };
  }
  const columns = table.schema.fields.map(({ name, type }, i): Column => {
    const values = table.getChildAt(i);
    return { name: String(name), type: String(type), at: (row) => values?.get(row) ?? null };
  });
  return { rows: table.numRows, columns };
}

/** Returns a table's size as text. */
export function extent(rows: number, columns: number): string {
  return `${count(rows)} rows × ${count(columns)} columns`;
}
