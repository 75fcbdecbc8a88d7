// When each study's claims were registered; written by scripts/register-studies.ts, which only appends.
import type { Registered } from "./registration.ts";

export const registrations: Readonly<Record<string, readonly Registered[]>> = {
  teachers: [
    { date: "2026-11-29", digest: "b70d0b620beba38a" },
    { date: "2026-11-29", digest: "f29849044675aec6" },
  ],
  table2: [{ date: "2026-11-30", digest: "a5d705e194bf3907" }],
  table3: [
    { date: "2026-11-29", digest: "4b072c07429c5500" },
    { date: "2026-11-29", digest: "ed1be3686ffaedf8" },
  ],
  table4: [
    { date: "2026-11-29", digest: "6200e1e7d79cfa4d" },
    { date: "2026-11-29", digest: "85d6f302c75c5fe9" },
  ],
  table6: [
    { date: "2026-11-29", digest: "aa92ca6fb4c4e02d" },
    { date: "2026-11-29", digest: "d1eb8a950ff4ebfe" },
  ],
  table7: [
    { date: "2026-11-29", digest: "538fbf5a25d3a4cf" },
    { date: "2026-11-29", digest: "bdbb6a112b56d477" },
  ],
  table10: [
    { date: "2026-11-29", digest: "3d80421cf3f3a737" },
    { date: "2026-11-29", digest: "b800d51225c6a3f4" },
  ],
  table11: [
    { date: "2026-11-29", digest: "0a26b3f679b13c8b" },
    { date: "2026-11-29", digest: "24c249e931921f38" },
  ],
  table12: [
    { date: "2026-11-29", digest: "a3d1774ffac0b4b6" },
    { date: "2026-11-29", digest: "9b05ff75db6ea464" },
  ],
  figure5: [
    { date: "2026-11-29", digest: "ec1e2a1282cc44b9" },
    { date: "2026-11-29", digest: "d3bf6fe3e0ecf7ea" },
  ],
  alignahead: [{ date: "2026-11-30", digest: "cb21ce554d75ee9b" }],
};
