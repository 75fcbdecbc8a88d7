// Importing this offers the engine to tfjs: `abkd` imports it, and so does the Jupyter kernel when a cell loads tfjs.
import { offerEngine } from "./engine/backend.ts";

offerEngine();
