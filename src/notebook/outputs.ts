// Builds a cell's outputs from what the kernel publishes, as a front end would.
import type { Message } from "../kernel/wire.ts";
import { isJsonMime, type JsonObject, type MimeBundle, type Output } from "./nbformat.ts";

type Displayed = Extract<Output, { data: MimeBundle }>;

/** The outputs that one run has displayed under an id, by id, in all its cells. */
export type Displays = Map<string, Displayed[]>;

/** Collects the outputs of one cell. */
export class CellOutputs {
  readonly #displays: Displays;
  #outputs: Output[] = [];
  /** Set by clear_output with wait: the next output clears the others. */
  #clearing = false;

  constructor(displays: Displays) {
    this.#displays = displays;
  }

  /** Applies a message of iopub; messages that are not output change nothing. */
  apply({ header, content }: Message): void {
    switch (header.msg_type) {
      case "stream":
        this.#stream(String(content["name"]), String(content["text"]));
        break;
      case "display_data":
        this.#display({ output_type: "display_data", ...bundleOf(content) }, content);
        break;
      case "execute_result": {
        const execution_count = content["execution_count"] as number | null;
        const output = { output_type: "execute_result" as const, execution_count };
        this.#display({ ...output, ...bundleOf(content) }, content);
        break;
      }
      case "update_display_data":
        for (const output of this.#displays.get(displayId(content) ?? "") ?? []) {
          Object.assign(output, bundleOf(content));
        }
        break;
      case "error":
        this.#add({
          output_type: "error",
          ename: String(content["ename"]),
          evalue: String(content["evalue"]),
          traceback: (content["traceback"] as string[] | undefined) ?? [],
        });
        break;
      case "clear_output":
        if (content["wait"] === true) this.#clearing = true;
        else this.#outputs = [];
        break;
    }
  }

  /** The outputs as a notebook file keeps them: an overwritten line shows its last state. */
  get outputs(): Output[] {
    return this.#outputs
      .map((output) =>
        output.output_type === "stream" ? { ...output, text: collapse(output.text) } : output,
      )
      .filter((output) => output.output_type !== "stream" || output.text !== "");
  }

  #stream(name: string, text: string): void {
    const last = this.#clearing ? undefined : this.#outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text += text;
    else this.#add({ output_type: "stream", name, text });
  }

  #display(output: Displayed, content: Message["content"]): void {
    this.#add(output);
    const id = displayId(content);
    if (id === undefined) return;
    const known = this.#displays.get(id);
    if (known) known.push(output);
    else this.#displays.set(id, [output]);
  }

  #add(output: Output): void {
    if (this.#clearing) this.#outputs = [];
    this.#clearing = false;
    this.#outputs.push(output);
  }
}

function displayId(content: Message["content"]): string | undefined {
  return (content["transient"] as { display_id?: string } | undefined)?.display_id;
}

function bundleOf(content: Message["content"]): { data: MimeBundle; metadata: JsonObject } {
  const entries = Object.entries((content["data"] ?? {}) as MimeBundle).map(([mime, value]) => {
    // nbformat allows values other than text for JSON types only.
    const fits = typeof value === "string" || isJsonMime(mime);
    return [mime, fits ? value : JSON.stringify(value)];
  });
  return {
    data: Object.fromEntries(entries) as MimeBundle,
    metadata: (content["metadata"] ?? {}) as JsonObject,
  };
}

/** Returns what a terminal shows of lines that contain \r and \b. */
function collapse(text: string): string {
  if (!/[\r\b]/.test(text)) return text;
  return text
    .replace(/(?<!\r)\r+\n/g, "\n") // match only at the first \r of a series, or each would search for its end
    .split("\n")
    .map((line) => {
      // The last text shows in full; of earlier ones, only what extends beyond it.
      let shown = "";
      for (const typed of line.split("\r").reverse().map(erase)) shown += typed.slice(shown.length);
      return shown;
    })
    .join("\n");
}

function erase(text: string): string {
  if (!text.includes("\b")) return text;
  const kept: string[] = [];
  for (const character of text) {
    if (character === "\b") kept.pop();
    else kept.push(character);
  }
  return kept.join("");
}
