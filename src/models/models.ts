// The built-in kinds of models: a new one is a file and a line here.
export { cpf } from "./cpf.ts";
export { gat } from "./gat.ts";
export { gcn } from "./gcn.ts";
export { gcnii, mustad } from "./gcnii.ts";
export { gin } from "./gin.ts";
export { mlp } from "./mlp.ts";
export { rgcn } from "./rgcn.ts";
export { sage } from "./sage.ts";
