// What the kernel itself offers to import, under the same names in abkd and in the kernel's own package.

/** The files, relative to src/kernel and without extension, by the name that cells import. */
export const KERNEL_MODULES: ReadonlyMap<string, string> = new Map(
  Object.entries({ tslab: "display/tslab", "tskernel/widgets": "widgets/index" }),
);
