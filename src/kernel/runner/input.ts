// Questions to the user: `prompt` and `confirm` block until the answer, `input` returns a promise.

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { FrameWriter } from "../frames.ts";
import { store, wait } from "../originals.ts";
import { critical } from "./critical.ts";
import { type Run, runOf } from "./run.ts";
import { WORD } from "./shared.ts";
import { sheltered } from "./shelter.ts";

interface InputOptions {
  /** Hides what is typed. */
  readonly password?: boolean;
}

export class Input {
  readonly #frames: FrameWriter;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #answers: MessagePort;
  /** Questions asked by `input`; only the first is shown. */
  #questions: { run: Run; ask: () => void; answer: (value: string) => void }[] = [];

  constructor(frames: FrameWriter, words: Int32Array<SharedArrayBuffer>, answers: MessagePort) {
    this.#frames = frames;
    this.#words = words;
    this.#answers = answers;
  }

  install(): void {
    const prompt = (message: unknown = "", initial?: unknown): string => {
      const answer = this.#wait(String(message));
      return answer === "" && initial !== undefined ? String(initial) : answer;
    };
    const confirm = (message: unknown = "") =>
      /^y(es)?$/i.test(this.#wait(`${message} [y/N] `).trim());
    const input = (message: unknown = "", { password = false }: InputOptions = {}) =>
      this.#later(String(message), password);
    for (const [name, value] of Object.entries({ prompt, confirm, input })) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }

  /** Takes an answer to `input`; `prompt` and `confirm` get theirs while they block this thread. */
  answer(value: string): void {
    this.#questions.shift()?.answer(value);
    this.#questions[0]?.ask();
  }

  /** Forgets the questions of a run that was interrupted or has ended. */
  forget(run: Run): void {
    store(this.#words, WORD.asking, 0);
    this.#questions = this.#questions.filter((question) => question.run !== run);
  }

  #wait(prompt: string): string {
    const run = asking("prompt");
    if (this.#questions.length > 0) throw new Error("prompt: another question is still open");
    while (receiveMessageOnPort(this.#answers)); // answers to questions that were interrupted
    store(this.#words, WORD.asking, 1);
    this.#ask(run, prompt, false);
    wait(this.#words, WORD.asking, 1);
    return String(receiveMessageOnPort(this.#answers)?.message ?? "");
  }

  async #later(prompt: string, password: boolean): Promise<string> {
    const run = asking("input");
    const { promise, resolve } = Promise.withResolvers<string>();
    const ask = () => this.#ask(run, prompt, password);
    this.#questions.push({ run, ask, answer: resolve });
    if (this.#questions.length === 1) ask();
    return promise;
  }

  #ask({ cell }: Run, prompt: string, password: boolean): void {
    const event = { type: "input", cell, prompt, password } as const;
    sheltered(() => critical(() => this.#frames.event(event)));
  }
}

/** Returns the run that asks. @throws Error if no cell runs or the front end takes no input */
function asking(name: string): Run {
  const run = runOf();
  if (!run || run.finished) throw new Error(`${name}: no cell is running`);
  if (!run.command.allowInput) {
    throw new Error(`${name}: this front end takes no input (allow_stdin is false)`);
  }
  return run;
}
