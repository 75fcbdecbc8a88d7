// Connected components of a graph.
import type { Csr } from "./csr.ts";

/**
 * Marks the nodes of the largest component with 1, and the others with 0; of equals, the one with the lowest node.
 * @param adjacency nodes x nodes, symmetric
 */
export function largestComponent({ rows, indptr, indices }: Csr): Uint8Array {
  const componentOf = new Int32Array(rows).fill(-1);
  const sizes: number[] = [];
  const found = new Int32Array(rows);
  for (let start = 0; start < rows; start++) {
    if (componentOf[start] !== -1) continue;
    const component = sizes.length;
    componentOf[start] = component;
    found[0] = start;
    let size = 1;
    for (let next = 0; next < size; next++) {
      const node = found[next]!;
      for (let k = indptr[node]!; k < indptr[node + 1]!; k++) {
        const other = indices[k]!;
        if (componentOf[other] !== -1) continue;
        componentOf[other] = component;
        found[size++] = other;
      }
    }
    sizes.push(size);
  }
  const largest = sizes.reduce((best, size, c) => (size > sizes[best]! ? c : best), 0);
  return Uint8Array.from(componentOf, (component) => Number(component === largest));
}
