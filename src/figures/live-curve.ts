// A learning curve that grows during training.
import type { Data } from "plotly.js-dist";
import { plain } from "../base/markup.ts";
import { notebookDisplay } from "../display/host.ts";
import type { EpochEvent, Observer, TrainingEvent } from "../training/observer.ts";
import { shortRunName, trainingLine } from "../training/progress.ts";
import { baseAxis, baseLayout, type Figure, styleOf } from "./figure.ts";
import { Plot } from "./plot.ts";

/** The time between two drawings: the front end lays out the whole figure each time. */
const MILLISECONDS = 1000;

/** More points than the figure has pixels would only make the notebook larger. */
const MOST_POINTS = 500;

interface Run {
  name: string;
  readonly epochs: EpochEvent[];
}

/**
 * Returns an observer for train() and runTrials() that draws loss and accuracy over epochs in the running cell,
 * about once a second, with a picture at the end. Outside notebooks it prints a line of text.
 *
 *     const outcome = await train(task, { observer: liveCurve() });
 */
export function liveCurve(): Observer {
  return notebookDisplay() ? liveFigure() : trainingLine();
}

function liveFigure(): Observer {
  const plot = new Plot(figureOf([]), {});
  const runs = new Map<string, Run>();
  const active = new Set<string>();
  let drawn = Number.NEGATIVE_INFINITY;

  const runOf = (id: string): Run => {
    const run = runs.get(id) ?? { name: "", epochs: [] };
    runs.set(id, run);
    return run;
  };
  const draw = (): void => {
    const now = performance.now();
    if (now - drawn < MILLISECONDS) return;
    drawn = now;
    plot.updateLive(figureOf([...runs.values()]));
  };
  return (event: TrainingEvent) => {
    switch (event.type) {
      case "start":
        runOf(event.id).name = shortRunName(event.config, event.asTeacher);
        break;
      case "epoch":
        active.add(event.id);
        runOf(event.id).epochs.push(event);
        draw();
        break;
      case "end":
        active.delete(event.id);
        // The cell waits for the picture and shows its errors.
        if (active.size === 0) void plot.update(figureOf([...runs.values()]));
        break;
    }
  };
}

/** Draws accuracy above and loss below; for a single run also training accuracy and validation loss. */
function figureOf(runs: readonly Run[]): Figure {
  const data = runs.flatMap((run, index) => {
    const epochs = thin(run.epochs);
    const { colour } = styleOf("", index);
    const trace = (name: string, lower: boolean, value: (event: EpochEvent) => number) =>
      ({
        type: "scatter",
        mode: "lines",
        uid: `${index}-${name}`,
        name: run.name ? `${plain(run.name)}: ${name}` : name,
        x: epochs.map(({ epoch }) => epoch),
        y: epochs.map((event) => Number(value(event).toPrecision(5))),
        ...(lower && { yaxis: "y2" }),
        line: { color: colour, width: 1.5, ...(!name.startsWith("validation") && { dash: "dot" }) },
      }) satisfies Partial<Data>;
    const validation = trace("validation accuracy", false, (event) => 100 * event.valAccuracy);
    const loss = trace("training loss", true, (event) => event.loss);
    if (runs.length > 1) return [validation, { ...loss, showlegend: false }];
    return [
      validation,
      trace("training accuracy", false, (event) => 100 * event.trainAccuracy),
      trace("validation loss", true, (event) => event.valLoss),
      loss,
    ];
  });
  return {
    data,
    layout: {
      ...baseLayout("Training"),
      xaxis: { ...baseAxis("epoch"), anchor: "y2" },
      yaxis: { ...baseAxis("accuracy (%)"), domain: [0.54, 1] },
      yaxis2: { ...baseAxis("loss"), domain: [0, 0.46] },
      // A reader's zoom survives while the curve grows, if the front end changes a figure in place
      // (JupyterLab draws it anew: src/kernel/display/plotly.ts).
      uirevision: "training",
    },
  };
}

/** Picks epochs evenly, including the last. */
function thin(epochs: readonly EpochEvent[]): readonly EpochEvent[] {
  const stride = Math.ceil(epochs.length / MOST_POINTS);
  return epochs.filter((_, k) => k % stride === 0 || k === epochs.length - 1);
}
