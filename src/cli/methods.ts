// abkd methods: what can be distilled how.
import { Command } from "commander";
import { methods } from "../distillation/registry.ts";
import { describeOption, methodFlag } from "./method-options.ts";
import { print, printJson } from "./output.ts";

export function methodsCommand(): Command {
  return new Command("methods")
    .description("Lists the distillation methods, their options, defaults and presets.")
    .option("--json", "as JSON")
    .action(({ json }: { json?: boolean }) => {
      if (json) printJson(listed());
      else print(methodsText());
    });
}

function listed(): unknown {
  return methods.map(({ name, summary, version, needsTeacher, defaults, options, presets }) => ({
    ...{ name, summary, version, needsTeacher, defaults, options, presets },
  }));
}

function methodsText(): string {
  const blocks = methods.map((method) => {
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
  return blocks.join("\n\n");
}
