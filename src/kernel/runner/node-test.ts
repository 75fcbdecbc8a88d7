// node:test as cells import it: the kernel hears of every test and of those that fail.
import nodeTest, { afterEach, suite as nodeSuite, type TestContext } from "node:test";
import { noteFailure, noteTest } from "./tests.ts";

/** A test's context as Node gives it to hooks, with how the test ended. */
interface Ended extends TestContext {
  readonly passed: boolean;
  readonly error: Error | null;
}

const MAY_FAIL = ["todo", "expectFailure"];

type Start = (...given: unknown[]) => Promise<unknown>;

/** The tests that may fail, because they are still to do or are expected to. */
const unfinished = new WeakSet<TestContext>();
let isHeard = false;

/** Hears of the end of every test, in suites as well. */
function hear(): void {
  if (isHeard) return;
  isHeard = true;
  afterEach((context) => {
    const { passed, error, name } = context as Ended;
    if (passed || !error || unfinished.has(context as TestContext)) return;
    // Node wraps what a test throws; the reason of a timeout is a text.
    const { cause } = error;
    noteFailure(name, typeof cause === "object" ? cause : error);
  });
}

/** Wraps a function that starts tests or suites, with its variants. */
function watched<F extends object>(original: F, isUnfinished = false): F {
  const start: Start = (...given) => {
    hear();
    const options = given.find((each) => typeof each === "object" && each !== null);
    const mayFail = isUnfinished || MAY_FAIL.some((name) => options && Reflect.get(options, name));
    const passed = mayFail ? given.map((each) => marking(each)) : given;
    const test = (original as unknown as Start)(...passed);
    noteTest(test);
    return test;
  };
  for (const name of Object.keys(original)) {
    const variant: unknown = Reflect.get(original, name);
    const isVariant = typeof variant === "function" && ["skip", "only", ...MAY_FAIL].includes(name);
    Reflect.set(start, name, isVariant ? watched(variant, MAY_FAIL.includes(name)) : variant);
  }
  return start as unknown as F;
}

/** Wraps a test's function so that its context is known to be unfinished. */
function marking(given: unknown): unknown {
  if (typeof given !== "function") return given;
  const marked = (context: TestContext, ...rest: unknown[]): unknown => {
    unfinished.add(context);
    return given(context, ...rest);
  };
  // Node gives a callback to functions that take two arguments.
  return Object.defineProperty(marked, "length", { value: given.length });
}

export const test = watched(nodeTest);
export const suite = watched(nodeSuite);
export { suite as describe, test as it };

Object.assign(test, { test, it: test, suite, describe: suite });
export default test;

/** The rest of the module as it is; older versions of Node have less. */
export const { after, before, beforeEach, assert, getTestContext, mock, run, snapshot } =
  nodeTest as unknown as Readonly<Record<string, unknown>>;
export const { skip, todo, only, expectFailure } = test as unknown as Readonly<
  Record<string, unknown>
>;
export { afterEach };
