// danfojs data frames and series as tables.
import type { Bundle } from "../channel.ts";
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
  const caption = $isSeries
    ? `${count(rows)} values`
    : `${count(rows)} rows × ${count(columns.length)} columns`;
  return {
    "text/html": htmlTable([names, ...columns], rows, caption),
    "text/plain": textTable([names, ...columns], rows, caption),
  };
}
