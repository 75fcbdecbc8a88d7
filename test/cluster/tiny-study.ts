// A module that registers a study of short trials on the synthetic graph: `--module tiny-study.ts`. TINY_EPOCHS
// lengthens the training, TINY_COPIES multiplies the arms, TINY_FATAL adds one whose process dies.

import { registerMethod } from "../../src/distillation/registry.ts";
import { student } from "../../src/distillation/student.ts";
import { baselines, methodArm, searched } from "../../src/experiments/studies/arms.ts";
import { registerStudy } from "../../src/experiments/studies/index.ts";
import type { Arm } from "../../src/experiments/study.ts";
import type { RunConfig } from "../../src/training/run.ts";

const epochs = Number(process.env["TINY_EPOCHS"] ?? 6);
const copies = Number(process.env["TINY_COPIES"] ?? 1);

if (process.env["TINY_FATAL"]) {
  registerMethod({
    ...student,
    name: "fatal",
    create() {
      process.kill(process.pid, "SIGKILL");
      throw new Error("unreachable");
    },
  });
}
const fatal = process.env["TINY_FATAL"] ? [methodArm("fatal", { role: "rival" })] : [];

const small = (config: RunConfig): RunConfig => ({
  ...config,
  model: { ...config.model, ...(!config.method && { layers: 3, width: 8 }) },
  training: { ...config.training, epochs, patience: epochs },
  ...(config.teacher && { teacher: small(config.teacher) }),
});

const arms = [searched, ...baselines, ...fatal].flatMap((arm) =>
  Array.from(
    { length: copies },
    (_, k): Arm => ({
      ...arm,
      id: k === 0 ? arm.id : `${arm.id}-${k}`,
      config: (subject, teacher) =>
        small(arm.config({ ...subject, seed: subject.seed + 100 * k }, teacher)),
    }),
  ),
);

registerStudy({
  ...{ name: "tiny", title: "Tiny", about: [], datasets: ["synthetic"] },
  arms,
  subject: searched.id,
  claims: () => [],
});
