// URLs of the library's files that others load by address: .ts in a checkout, .js when installed.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

/** What `import "abkd"` resolves to, in cells and in workers' modules. */
export const LIBRARY = new URL(`../index${extension}`, import.meta.url);
/** The module that offers the engine to a tfjs loaded beside the library. */
export const ENGINE_OFFER = new URL(`../tensor/offer${extension}`, import.meta.url);
