// What the kernel says about itself.
import { createRequire } from "node:module";
import { NAME, VERSION } from "../base/own-package.ts";
import { type Content, PROTOCOL_VERSION } from "./wire.ts";

/** Returns the content of kernel_info_reply. */
export function kernelInfo(): Content {
  const require = createRequire(import.meta.url);
  const typescript = require("typescript/package.json") as { version: string };
  return {
    status: "ok",
    protocol_version: PROTOCOL_VERSION,
    implementation: NAME,
    implementation_version: VERSION,
    language_info: {
      name: "typescript",
      version: typescript.version,
      // JupyterLab's registry knows TypeScript by this MIME type and this name.
      mimetype: "application/typescript",
      codemirror_mode: "typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      nbconvert_exporter: "script",
    },
    banner: `TypeScript ${typescript.version} on Node.js ${process.versions.node}; ${NAME} ${VERSION}`,
    debugger: true,
    supported_features: ["debugger"],
    help_links: [
      { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
      { text: "Node.js", url: "https://nodejs.org/docs/latest-v24.x/api/" },
    ],
  };
}
