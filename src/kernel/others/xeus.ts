// xeus-javascript's `ijs`: shows data by MIME type.

type Data = Readonly<Record<string, unknown>>;
type Host = (data: Data, options: { raw: true; id?: string; update?: boolean }) => Promise<void>;

function show(data: Data, transient: { readonly display_id?: string } = {}, update = false): void {
  const host = Reflect.get(globalThis, Symbol.for("Jupyter.display")) as Host;
  const { display_id: id } = transient;
  void host(data, { raw: true, update, ...(id === undefined ? {} : { id }) });
}

/** What a cell that uses them gets. */
export const names = {
  ijs: {
    display: {
      display: (data: Data, _metadata = {}, transient = {}): void => show(data, transient),
      update_display_data: (data: Data, _metadata = {}, transient = {}): void =>
        show(data, transient, true),
      mime_type: (type: string, data: unknown): void => show({ [type]: data }),
      html: (html: string): void => show({ "text/html": html }),
      text: (text: unknown): void => show({ "text/plain": String(text) }),
      json: (json: unknown): void => show({ "application/json": json }),
      svg: (svg: string): void => show({ "image/svg+xml": svg }),
      latex: (latex: string): void => show({ "text/latex": latex }),
    },
  },
};
