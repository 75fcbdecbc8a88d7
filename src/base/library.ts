// The library's files that others load by address: .ts in a checkout, .js when installed.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

/** What `abkd` is, in cells and in the modules of workers. */
export const LIBRARY = new URL(`../index${extension}`, import.meta.url);
/** What offers the engine to a tfjs that is loaded beside the library. */
export const ENGINE_OFFER = new URL(`../tensor/offer${extension}`, import.meta.url);
