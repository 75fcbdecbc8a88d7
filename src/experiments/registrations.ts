// When each study's claims were registered; written by scripts/register-studies.ts, which only appends.
import type { Registered } from "./registration.ts";

export const registrations: Readonly<Record<string, readonly Registered[]>> = {
  teachers: [
    { date: "2026-11-29", digest: "b70d0b620beba38a" },
    { date: "2026-11-29", digest: "5a238d6ef55d676c" },
  ],
  table3: [
    { date: "2026-11-29", digest: "4b072c07429c5500" },
    { date: "2026-11-29", digest: "7e8bd31fac3fb603" },
  ],
  table4: [
    { date: "2026-11-29", digest: "6200e1e7d79cfa4d" },
    { date: "2026-11-29", digest: "97ae2ce008331b7a" },
  ],
  table6: [
    { date: "2026-11-29", digest: "aa92ca6fb4c4e02d" },
    { date: "2026-11-29", digest: "dcd5d10f47fd50d6" },
  ],
  table7: [
    { date: "2026-11-29", digest: "538fbf5a25d3a4cf" },
    { date: "2026-11-29", digest: "079d7f44e23878c5" },
  ],
  table10: [
    { date: "2026-11-29", digest: "3d80421cf3f3a737" },
    { date: "2026-11-29", digest: "902919e2139c3eac" },
  ],
  table11: [
    { date: "2026-11-29", digest: "0a26b3f679b13c8b" },
    { date: "2026-11-29", digest: "7d7bd65e3ee139aa" },
  ],
  table12: [
    { date: "2026-11-29", digest: "a3d1774ffac0b4b6" },
    { date: "2026-11-29", digest: "98086d73f441dd77" },
  ],
  figure5: [
    { date: "2026-11-29", digest: "ec1e2a1282cc44b9" },
    { date: "2026-11-29", digest: "08c764917a6bf98c" },
  ],
};
