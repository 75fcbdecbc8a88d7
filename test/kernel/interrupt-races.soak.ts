// Interrupts at the worst moments, 420 times.
import { testRaces } from "./interrupt-races.ts";

testRaces({ native: 100, order: 100, locks: 60, timers: 160, timeout: 600_000 });
