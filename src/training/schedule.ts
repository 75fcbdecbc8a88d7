// The learning rate per epoch.
import type { TrainingConfig } from "./run.ts";

/**
 * Returns what every learning rate is multiplied by in an epoch: the warm-up's factor times the schedule's.
 *
 *     warm-up:      min(1, epoch / warmUp)
 *     step:         factor^floor((epoch - 1) / every), as torch.optim.lr_scheduler.StepLR
 *     linear:       1 - (epoch - 1) / epochs
 *
 * @param epoch counted from 1
 */
export function rateFactor({ epochs, warmUp, schedule }: TrainingConfig, epoch: number): number {
  const warm = warmUp === undefined ? 1 : Math.min(1, epoch / warmUp);
  if (schedule === undefined) return warm;
  if (schedule.name === "linear") return warm * (1 - (epoch - 1) / epochs);
  return warm * schedule.factor ** Math.floor((epoch - 1) / schedule.every);
}
