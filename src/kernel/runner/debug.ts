// The debugger's host on the thread that runs the cells: answers about variables, values and places.
import { stripTypeScriptTypes } from "node:module";
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { compileCell, HELPER } from "../cell/compile.ts";
import type { Modules } from "../cell/modules.ts";
import { unmarked } from "../cell/shadows.ts";
import type { Bundle } from "../channel.ts";
import {
  DebugError,
  type DebugReply,
  type DebugRequest,
  failed,
  numberIn,
  stringIn,
  succeeded,
  type Variable,
} from "../debug/dap.ts";
import {
  type CodePlace,
  HOST,
  type Question,
  type Questions,
  TRACED,
  type TypedPlace,
} from "../debug/questions.ts";
import { bundleOf } from "../display/bundle.ts";
import { textOf } from "../display/text.ts";
import type { FrameWriter } from "../frames.ts";
import { parse, stringify } from "../originals.ts";
import { critical, isCritical } from "./critical.ts";
import { FOLDERS } from "./helper.ts";
import type { Evaluated, Inspector } from "./inspect.ts";
import { inSteps, sheltered } from "./shelter.ts";
import type { Stacks } from "./stacks.ts";
import { lineOf, type Part, propertyOf, Variables } from "./variables.ts";

interface Parts {
  readonly inspector: Inspector;
  readonly modules: Modules;
  readonly stacks: Stacks;
  readonly frames: FrameWriter;
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
/** What comes before a cell's first statement. */
const BEGIN = new RegExp(
  `^"use strict";${HELPER}\\.begin\\(\\);(let [^;=]*;)?(${HELPER}\\.constants\\.free\\([^)]*\\);)?`,
);
const END = `${HELPER}.end();`;

export class DebugHost {
  readonly #parts: Parts;
  readonly #variables = new Variables();
  /** The globals that no cell has made. */
  readonly #own = new Set<string>(Object.getOwnPropertyNames(globalThis));

  constructor(parts: Parts) {
    this.#parts = parts;
    const answer = (given: ArrayLike<unknown>): string => {
      // V8 may have interrupted the kernel's own work to ask: the debugger asks again.
      if (isCritical()) return "";
      return sheltered(() => {
        const [question, ...values] = Array.from({ length: given.length }, (_, i) => given[i]);
        return stringify(this.#answer(parse(String(question)) as Question, values));
      });
    };
    Object.defineProperty(globalThis, HOST, { value: answer });
  }

  /** Serves a debug request between cells, or while one awaits. */
  obey(request: number, message: DebugRequest): void {
    const reply = (answer: DebugReply): void =>
      critical(() => this.#parts.frames.event({ type: "debug", request, reply: answer }));
    const fail = (error: unknown): void => {
      if (!(error instanceof DebugError)) reply(failed(message, lineOf(error)));
      else reply(failed(message, error.message));
    };
    try {
      const { command, arguments: fields } = message;
      if (command === "inspectVariables") reply(succeeded(message, { variables: this.#list() }));
      else if (command === "variables") {
        const variables = this.#variables.parts(numberIn(fields, "variablesReference"));
        if (!variables) throw new DebugError("these variables are of an older view: refresh it");
        reply(succeeded(message, { variables }));
      } else if (command === "richInspectVariables") {
        const value = this.#value(stringIn(fields, "variableName"));
        inSteps(this.#view(value, (data) => reply(succeeded(message, { data, metadata: {} }))));
      } else if (command === "evaluate") {
        this.#evaluate(fields, (body) => reply(succeeded(message, body)), fail);
      } else throw new DebugError(`${command} needs a cell that the debugger has stopped`);
    } catch (error) {
      fail(error);
    }
  }

  /** Returns the session's variables, and the globals that cells have made. */
  #list(): Variable[] {
    const { inspector } = this.#parts;
    this.#variables.renew();
    const names = inspector.declared();
    const readers = inspector.peek(`[${names.map((name) => `()=>${name}`).join()}]`)?.value;
    const variables = (Array.isArray(readers) ? readers : []).flatMap((read: () => unknown, i) => {
      try {
        return [this.#named(unmarked(names[i]!), read())];
      } catch {
        return []; // declared by a cell that failed before it had a value
      }
    });
    return [...variables, ...this.#globals()];
  }

  #globals(): Variable[] {
    return Object.getOwnPropertyNames(globalThis).flatMap((name) => {
      if (this.#own.has(name)) return [];
      const property = Object.getOwnPropertyDescriptor(globalThis, name);
      if (!property || !("value" in property)) return [];
      return [this.#named(name, property.value)];
    });
  }

  #named(name: string, value: unknown): Variable {
    return { ...this.#variables.variable(name, value), evaluateName: name };
  }

  #value(name: string): unknown {
    const { inspector, modules } = this.#parts;
    if (!NAME.test(name)) throw new DebugError(`${name.slice(0, 80)} is not a variable's name`);
    const found = inspector.peek(modules.constants.shadows.markedFirst(name));
    if (!found) throw new DebugError(`there is no variable ${name.slice(0, 80)}`);
    return found.value;
  }

  /** Shows a value as a cell does. */
  *#view(value: unknown, show: (data: Bundle) => void): Generator<unknown, void, unknown> {
    show((yield bundleOf(value)) as Bundle);
  }

  #evaluate(
    fields: DebugRequest["arguments"],
    show: (body: object) => void,
    fail: (error: unknown) => void,
  ): void {
    const { inspector, modules } = this.#parts;
    const expression = stringIn(fields, "expression");
    const isLine = fields["context"] !== "repl";
    if (fields["context"] === "hover") {
      const found = inspector.peek(modules.constants.shadows.markedFirst(expression));
      if (!found) throw new DebugError("it has no value, or would change something");
      show(this.#shown(found.value, isLine));
      return;
    }
    const { code } = compileCell(expression, 0, modules.constants, FOLDERS.folder);
    inspector.evaluate(code, (evaluated: Evaluated) => {
      if ("thrown" in evaluated) fail(evaluated.thrown);
      else if ("stopped" in evaluated) fail(new DebugError("it was interrupted"));
      else show(this.#shown(evaluated.value, isLine));
    });
  }

  #shown(value: unknown, isLine: boolean): Questions["value"][1] {
    const result = isLine ? lineOf(value) : textOf(value);
    return { result, variablesReference: this.#variables.reference(value) };
  }

  #answer(question: Question, values: readonly unknown[]): Questions[keyof Questions][1] {
    const { modules, stacks } = this.#parts;
    switch (question.ask) {
      case "cells":
        return question.scripts.map(({ url, length }) => {
          const known = stacks.cell(url);
          const own = known?.compiled.code.length ?? -1;
          const isSame = length === own || length === own + TRACED.length;
          return known && isSame ? { source: known.source, count: known.count } : null;
        });
      case "places":
        return question.places.map((place) => this.#typed(question.url, place));
      case "scope": {
        const parts = merged(values, question.isGlobal ? this.#own : undefined);
        return { reference: this.#variables.scope(parts) };
      }
      case "parts":
        return this.#variables.parts(question.reference) ?? null;
      case "value":
        return this.#shown(values[0], question.isLine);
      case "bundle": {
        const data = bundleOf(values[0]);
        // Nothing that a view waits for can happen now.
        return { data: data instanceof Promise ? { "text/plain": textOf(values[0]) } : data };
      }
      case "code":
        return { code: String(modules.constants.shadows.markedCode(plain(question.expression))) };
      case "stopped":
        this.#variables.clear();
        return {};
    }
  }

  /** Returns where a place in the code is in the text; null for what belongs to no line. */
  #typed(url: string, [line, column]: CodePlace): TypedPlace | null {
    const { modules, stacks } = this.#parts;
    const compiled = stacks.cell(url)?.compiled;
    if (compiled) {
      const text = compiled.code.split("\n", line)[line - 1] ?? "";
      if (line === 1 && column <= (BEGIN.exec(text)?.[0].length ?? 0)) return null;
      if (text.startsWith(END, column - 1)) return null;
    }
    const file = isAbsolute(url) ? pathToFileURL(url).href : url;
    const origin = (at: number) =>
      compiled ? compiled.map(line, at) : modules.place(file, line, at);
    const place = origin(column);
    if (!place) return null;
    const next = origin(column + 1);
    // Text that was added stands for one place as a whole.
    const isAdded = next?.line === place.line && next.column === place.column;
    return { line: place.line, column: place.column, isAdded };
  }
}

/** Returns the variables of several scopes: inner ones hide outer ones. */
function merged(scopes: readonly unknown[], hidden?: ReadonlySet<string>): Part[] {
  const all = new Map<string, Part>();
  for (const scope of scopes) {
    if (typeof scope !== "object" || scope === null) continue;
    for (const key of Object.getOwnPropertyNames(scope)) {
      const name = unmarked(key);
      if (name.startsWith(".") || hidden?.has(name) || all.has(name)) continue;
      all.set(name, propertyOf(scope, key, name));
    }
  }
  return [...all.values()];
}

/** Returns an expression without its types. */
function plain(expression: string): string {
  const code = /^\s*\{/.test(expression) ? `(${expression})` : expression;
  try {
    return stripTypeScriptTypes(code);
  } catch {
    return code; // V8 says what is wrong with it
  }
}
