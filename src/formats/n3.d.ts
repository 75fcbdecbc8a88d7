// The part of n3 that is used; the package brings no types.
declare module "n3" {
  export interface Term {
    readonly termType: "NamedNode" | "BlankNode" | "Literal" | "Variable" | "DefaultGraph" | "Quad";
    /** The address of a named node, the text of a literal. */
    readonly value: string;
    /** Of a literal. */
    readonly language?: string;
    readonly datatype?: Term;
  }
  export interface Quad {
    readonly subject: Term;
    readonly predicate: Term;
    readonly object: Term;
  }
  class Parser {
    constructor(options: { readonly format: string; readonly blankNodePrefix?: string });
    /** @throws Error for text that is not of the form */
    parse(text: string): Quad[];
  }
  const N3: { readonly Parser: typeof Parser };
  export default N3;
}
