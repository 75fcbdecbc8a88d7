// The public interface `abkd/paper`: what only audits the paper. Its numbers as printed, what does not add
// up in them, its sizes against ours, and its theorem term by term.
import "./tensor/offer.ts";

export { type Fact, inconsistencies } from "./experiments/inconsistencies.ts";
export * as published from "./experiments/published.ts";
export { modelSizeClaims, type SizeClaim, table9Claims } from "./experiments/sizes.ts";
export { checkTerms, type TermCheck, teacherReach } from "./experiments/theorem1.ts";
export { Words } from "./figures/study-view.ts";
export { reachFigure, termTable, theoremWords } from "./figures/theorem.ts";
