// abkd methods: what can be distilled how.
import { Command } from "commander";
import { type AnyMethod, findMethod, methods } from "../distillation/registry.ts";
import { describeOption, methodFlag } from "./method-options.ts";

export function methodsCommand(): Command {
  return new Command("methods")
    .description("Lists the distillation methods, their options, defaults and presets.")
    .argument("[method...]", "those of that name; all by default")
    .option("--json", "as JSON")
    .action((names: readonly string[], { json }: { json?: boolean }) => {
      const shown = names.length > 0 ? names.map(findMethod) : methods;
      process.stdout.write(json ? methodsJson(shown) : methodsText(shown));
    });
}

function methodsJson(shown: readonly AnyMethod[]): string {
  const listed = shown.map(
    ({ name, summary, version, needsTeacher, defaults, options, presets }) => ({
      ...{ name, summary, version, needsTeacher, defaults, options, presets },
    }),
  );
  return `${JSON.stringify(listed, null, 2)}\n`;
}

function methodsText(shown: readonly AnyMethod[]): string {
  const blocks = shown.map((method) => {
    const lines = [`${method.name}: ${method.summary}`];
    for (const [name, info] of Object.entries(method.options)) {
      const value = String(method.defaults[name]);
      lines.push(`  ${methodFlag(method, name)} ${value}`, `      ${describeOption(info)}`);
    }
    for (const [name, preset] of Object.entries(method.presets)) {
      const values = Object.entries(preset).map(([option, value]) => `${option} ${value}`);
      lines.push(`  --preset ${name}: ${values.join(", ")}`);
    }
    return lines.join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}
