// abkd predict --questions: answers about nodes, a line of JSON for a line of JSON.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileError, writeAtomic } from "../base/files.ts";
import { JsonError, parseJson } from "../base/json.ts";
import { printableJson, printableLine } from "../base/printable.ts";
import { Desk } from "../deployment/questions.ts";
import type { Graph } from "../graph/graph.ts";
import { StudentError } from "../student/rows.ts";
import type { ModelFile } from "../training/model-file.ts";
import { tell } from "./output.ts";

interface QuestionOptions {
  /** A file, or - for standard input. */
  readonly questions: string;
  /** Standard output if left out. */
  readonly output?: string;
  readonly top?: number | undefined;
}

/**
 * Answers each line as it comes. A question that cannot be answered has the answer {"error": ...}, and the
 * exit code is then 1.
 * @throws FileError; StudentError for a model or a graph that does not fit
 */
export async function answerQuestions(
  model: ModelFile,
  graph: Graph,
  { questions, output, top }: QuestionOptions,
): Promise<void> {
  const desk = new Desk(model, graph, top);
  const lines: string[] = [];
  const write = (line: string): void => {
    if (output === undefined) process.stdout.write(line);
    else lines.push(line);
  };
  let [number, wrong] = [0, 0];
  try {
    const input = questions === "-" ? process.stdin : createReadStream(questions);
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (line.trim() === "") continue;
      const answer = answerOf(desk, line, number);
      if ("error" in answer) wrong++;
      write(`${printableJson(JSON.stringify(answer))}\n`);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw fileError("read", questions, cause, 2);
  }
  if (output !== undefined) writeAtomic(output, lines.join(""));
  if (wrong === 0) return;
  tell(`${wrong} of ${number} questions could not be answered; each has its reason in its place`);
  process.exitCode = 1;
}

function answerOf(desk: Desk, line: string, number: number): object {
  try {
    return desk.answer(parseJson(line));
  } catch (error) {
    if (!(error instanceof StudentError || error instanceof JsonError)) throw error;
    const what = error instanceof JsonError ? `the line ${error.message}` : error.message;
    return { line: number, error: printableLine(what) };
  }
}
