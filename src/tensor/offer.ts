// Loading this gives tfjs the engine: `abkd` does, and the kernel where a cell loads tfjs.
import { offerEngine } from "./engine/backend.ts";

offerEngine();
