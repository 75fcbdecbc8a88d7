// Lists the built-in methods: a new one is a file and a line here.
export { abkd } from "./abkd/index.ts";
export { alignahead } from "./alignahead.ts";
export { at } from "./at.ts";
export { cpf } from "./cpf.ts";
export { fitnet } from "./fitnet.ts";
export { gcrd } from "./gcrd.ts";
export { geometric } from "./geometric/index.ts";
export { gnnsd } from "./gnnsd.ts";
export { graphakd } from "./graphakd/index.ts";
export { gsp } from "./gsp.ts";
export { lsp } from "./lsp.ts";
export { smoothing } from "./smoothing.ts";
export { softkd } from "./softkd.ts";
export { student } from "./student.ts";
