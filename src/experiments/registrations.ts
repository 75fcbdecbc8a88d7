// When each study's claims were registered; written by scripts/register-studies.ts, which only appends.
import type { Registered } from "./registration.ts";

export const registrations: Readonly<Record<string, readonly Registered[]>> = {
  teachers: [
    { date: "2026-11-29", digest: "b70d0b620beba38a" },
    { date: "2026-11-29", digest: "5a238d6ef55d676c" },
  ],
  table3: [
    { date: "2026-11-29", digest: "4b072c07429c5500" },
    { date: "2026-11-29", digest: "cd4d09efbd3e0de3" },
  ],
  table4: [
    { date: "2026-11-29", digest: "6200e1e7d79cfa4d" },
    { date: "2026-11-29", digest: "d18cc46a6e61630d" },
  ],
  table6: [
    { date: "2026-11-29", digest: "aa92ca6fb4c4e02d" },
    { date: "2026-11-29", digest: "e2cda2d29f6f7aa8" },
  ],
  table7: [
    { date: "2026-11-29", digest: "538fbf5a25d3a4cf" },
    { date: "2026-11-29", digest: "a98f8761c7394d7d" },
  ],
  table10: [
    { date: "2026-11-29", digest: "3d80421cf3f3a737" },
    { date: "2026-11-29", digest: "8fb4fbd7718fadde" },
  ],
  table11: [
    { date: "2026-11-29", digest: "0a26b3f679b13c8b" },
    { date: "2026-11-29", digest: "65ed01a9976680c9" },
  ],
  table12: [
    { date: "2026-11-29", digest: "a3d1774ffac0b4b6" },
    { date: "2026-11-29", digest: "77efef6389e438b2" },
  ],
  figure5: [
    { date: "2026-11-29", digest: "ec1e2a1282cc44b9" },
    { date: "2026-11-29", digest: "033b24c5fded3ae6" },
  ],
};
