// The short form of interrupt-races.soak.ts.
import { testRaces } from "./interrupt-races.ts";

testRaces({ native: 30, order: 30, locks: 24, timers: 24, timeout: 120_000 });
