// abkd serve: answers questions about nodes over HTTP, on this machine only.
import { once } from "node:events";
import { Command, Option } from "commander";
import { UserError } from "../base/errors.ts";
import { reasonOf } from "../base/files.ts";
import { Desk } from "../deployment/questions.ts";
import { startServer } from "../deployment/server.ts";
import { modelTitle } from "../models/registry.ts";
import { type ModelGraphOptions, modelAndGraph } from "./model-graph.ts";
import { addModuleOption } from "./modules.ts";
import { integer } from "./numbers.ts";
import { DATASET_FLAG } from "./options.ts";
import { print } from "./output.ts";
import { SignalWatch } from "./signal-watch.ts";

interface ServeOptions extends ModelGraphOptions {
  readonly port: number;
  readonly top: number;
}

export function serveCommand(): Command {
  return addModuleOption(new Command("serve"))
    .description(
      'Answers over HTTP on 127.0.0.1: POST /predict takes {"node": 5}, or {"features": ..., ' +
        '"neighbours": [...]} for a node that is not in the graph, or a list of such. Ctrl-C ends it.',
    )
    .argument("<file>", "safetensors or npz, as abkd export writes them; or a run's folder")
    .option("--dataset <name>", `${DATASET_FLAG} (default: the one it was trained on)`)
    .option("--data <folder>", "look for datasets here first")
    .addOption(
      new Option("--port <n>", "0 for any free one").argParser(integer(0, 65_535)).default(8080),
    )
    .addOption(
      new Option("--top <k>", "how many of the most probable classes an answer has")
        .argParser(integer(1, 1000))
        .default(1),
    )
    .action(serve);
}

async function serve(file: string, { port, top, ...options }: ServeOptions): Promise<void> {
  const { model, graph } = await modelAndGraph(file, options);
  const title = modelTitle(model.config.model);
  const served = { model: title, graph: graph.name, nodes: graph.nodes, ...model.shape };
  const server = await startServer(new Desk(model, graph, top), served, port).catch((cause) => {
    const why = cause.code === "EADDRINUSE" ? "another program uses it" : reasonOf(cause);
    throw new UserError(`cannot listen on port ${port}: ${why}; name another --port`, { cause });
  });
  print(`${title} on ${graph.name}: ${server.address}/predict (Ctrl-C ends it)`);
  const watch = new SignalWatch((signal) => {
    watch.release();
    process.kill(process.pid, signal);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) watch.watch(signal);
  await once(watch.signal, "abort");
  await server.close();
  watch.release();
}
