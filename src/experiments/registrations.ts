// When each study's claims were registered; written by scripts/register-studies.ts, which only appends.
import type { Registered } from "./registration.ts";

export const registrations: Readonly<Record<string, readonly Registered[]>> = {
  teachers: [{ date: "2026-11-29", digest: "b70d0b620beba38a" }],
  table3: [{ date: "2026-11-29", digest: "4b072c07429c5500" }],
  table4: [{ date: "2026-11-29", digest: "6200e1e7d79cfa4d" }],
  table6: [{ date: "2026-11-29", digest: "aa92ca6fb4c4e02d" }],
  table7: [{ date: "2026-11-29", digest: "538fbf5a25d3a4cf" }],
  table10: [{ date: "2026-11-29", digest: "3d80421cf3f3a737" }],
  table11: [{ date: "2026-11-29", digest: "0a26b3f679b13c8b" }],
  table12: [{ date: "2026-11-29", digest: "a3d1774ffac0b4b6" }],
  figure5: [{ date: "2026-11-29", digest: "ec1e2a1282cc44b9" }],
};
