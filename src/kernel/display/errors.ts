// Shortens stacks to what a cell's author can use.
import { fileURLToPath } from "node:url";
import { runStart } from "../code-points.ts";

const KERNEL = fileURLToPath(new URL("..", import.meta.url));
const FRAMES = 6;
/** A stack frame, and what inspection put after it: " {" before the error's properties, a comma. */
const STACK_LINE =
  /^(\s+(?:at .*?(?::\d+:\d+|<anonymous>|native|index \d+)\)?|\.{3} \d+ lines matching cause .*\.{3}))(\s*[{}[\],]*)$/;

let nameCells = (line: string): string => line;

/** Sets the function that makes a stack line name cells and places as typed. */
export function setCellNames(rename: (line: string) => string): void {
  nameCells = rename;
}

/** Shortens each stack in a text: it drops frames of the kernel and of Node, and keeps six at most. */
export function shortStacks(text: string): string {
  const kept: string[] = [];
  let frames = 0;
  let left = 0;
  const endStack = () => {
    if (left > 0) kept.splice(-1, 1, ...moreFrames(kept.at(-1)!, left));
    frames = 0;
    left = 0;
  };
  for (const line of text.split("\n")) {
    const match = STACK_LINE.exec(line);
    if (!match) {
      endStack();
      kept.push(line);
      continue;
    }
    const [, frame = "", closing = ""] = match;
    const isNode = /[( ]node:/.test(frame.slice(frame.lastIndexOf(" ")));
    const useless = isNode || /^\s+\.|<anonymous>\)?$/.test(frame) || frame.includes(KERNEL);
    if (!useless && ++frames <= FRAMES) {
      kept.push(`${nameCells(frame)}${closing}`);
      continue;
    }
    if (!useless) left++;
    if (kept.length > 0) kept[kept.length - 1] += closing;
  }
  endStack();
  return kept.join("\n");
}

function moreFrames(last: string, left: number): string[] {
  const frame = last.slice(0, runStart(last, /[{}[\],]/)).trimEnd();
  return [frame, `${/^\s*/.exec(frame)?.[0]}... ${left} more${last.slice(frame.length)}`];
}
