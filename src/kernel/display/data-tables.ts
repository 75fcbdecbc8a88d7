// Data frames of danfojs, and tables of arquero and Apache Arrow, as HTML and as text.
import type { Bundle } from "../channel.ts";
import { type Columnar, contentOf, extent } from "./columnar.ts";
import type { FrameLike } from "./frame.ts";
import { count } from "./numbers.ts";
import { type Column, htmlTable, textTable } from "./table.ts";

export function frameBundle(frame: FrameLike): Bundle {
  const { $isSeries, index, dtypes, values } = frame;
  const names: Column = { name: "", isIndex: true, at: (row) => index[row] };
  const columns = frame.columns.map(
    (name, i): Column => ({
      name: String(name),
      type: String(dtypes[i]),
      at: (row) => ($isSeries ? values[row] : (values[row] as ArrayLike<unknown>)[i]),
    }),
  );
  const rows = index.length;
  const caption = $isSeries ? `${count(rows)} values` : extent(rows, columns.length);
  return bundleOf([names, ...columns], rows, caption);
}

export function columnarBundle(table: Columnar): Bundle {
  const { rows, columns } = contentOf(table);
  const index: Column = { name: "", isIndex: true, at: (row) => row };
  return bundleOf([index, ...columns], rows, extent(rows, columns.length));
}

function bundleOf(columns: readonly Column[], rows: number, caption: string): Bundle {
  return {
    "text/html": htmlTable(columns, rows, caption),
    "text/plain": textTable(columns, rows, caption),
  };
}
