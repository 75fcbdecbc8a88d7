// abkd methods: lists the distillation methods.
import { Command } from "commander";
import { optionName } from "../base/options.ts";
import { readsOfTeacher } from "../distillation/method-tables.ts";
import { type AnyMethod, findMethod, methods } from "../distillation/registry.ts";
import { describeOption } from "./flags.ts";
import { methodFlag } from "./method-options.ts";
import { addModuleOption } from "./modules.ts";
import { print, printJson } from "./output.ts";

export function methodsCommand(): Command {
  return addModuleOption(new Command("methods"))
    .description("Lists the distillation methods, their options, defaults and presets.")
    .argument("[method...]", "the methods to show (default: all)")
    .option("--json", "as JSON")
    .action((names: readonly string[], { json }: { json?: boolean }) => {
      const shown = names.length > 0 ? names.map(findMethod) : methods;
      // JSON leaves functions out.
      if (json) printJson(shown);
      else print(methodsText(shown) + (names.length > 0 ? "" : WITH_PRECISION));
    });
}

const WITH_PRECISION =
  "\n\nEach trains students of low precision too: --precision int8 or int4, see docs/precision.md.";

function takesBatches({ byBatch }: AnyMethod): string {
  if (!byBatch) return "";
  return byBatch === "arcs" ? "; takes --batch with --sampler walks" : "; takes --batch";
}

function methodsText(shown: readonly AnyMethod[]): string {
  const blocks = shown.map((method) => {
    const lines = [
      `${method.name}: ${method.summary}${takesBatches(method)}`,
      ...(method.source === undefined ? [] : [`  published: ${method.source}`]),
      ...(method.needsTeacher ? [`  reads of its teacher: ${readsOfTeacher(method)}`] : []),
    ];
    for (const [name, info] of Object.entries(method.options)) {
      const value = String(method.defaults[name]);
      lines.push(`  ${methodFlag(method, name)} ${value}`, `      ${describeOption(info)}`);
    }
    for (const [name, preset] of Object.entries(method.presets)) {
      const values = Object.entries(preset).map(
        ([key, value]) => `${optionName(method.options, key)} ${value}`,
      );
      lines.push(`  --preset ${name}: ${values.join(", ")}`);
    }
    return lines.join("\n");
  });
  return blocks.join("\n\n");
}
