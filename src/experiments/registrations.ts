// When each study's claims were registered; written by scripts/register-studies.ts, which only appends.
import type { Registered } from "./registration.ts";

export const registrations: Readonly<Record<string, readonly Registered[]>> = {
  teachers: [{ date: "2026-11-29", digest: "b70d0b620beba38a" }],
  table3: [{ date: "2026-11-29", digest: "8b768913a90d02d6" }],
  table4: [{ date: "2026-11-29", digest: "854077b43408aea6" }],
  table6: [{ date: "2026-11-29", digest: "59cc785f1799443a" }],
  table7: [{ date: "2026-11-29", digest: "a1f02a184e7b9075" }],
  table10: [{ date: "2026-11-29", digest: "df655c37bd977ca0" }],
  table11: [{ date: "2026-11-29", digest: "72fb7f084411580a" }],
  table12: [{ date: "2026-11-29", digest: "8c877da56acf610d" }],
  figure5: [{ date: "2026-11-29", digest: "3fde4e789dfc9117" }],
};
