// Questions about nodes as JSON, for `abkd predict --questions` and `abkd serve`, and their answers.
import { shown } from "../base/arguments.ts";
import { isObject } from "../base/json.ts";
import { printable } from "../base/printable.ts";
import { newNodesFault } from "../datasets/import/features.ts";
import type { Graph } from "../graph/graph.ts";
import { StudentError } from "../student/rows.ts";
import type { Predictions, PreparedGraph } from "../student/student.ts";
import { FittingStudent } from "../training/load-student.ts";
import type { ModelFile } from "../training/model-file.ts";

/** One of a node's most probable classes. */
export interface Ranked {
  /** The class's name, or its number if it has none. */
  readonly class: string | number;
  readonly probability: number;
}

export interface Answer extends Ranked {
  /** The question's own. */
  readonly id?: string | number;
  /** The node asked about, as it was asked. */
  readonly node?: string | number;
  /** The most probable classes, if more than one was asked for. */
  readonly top?: readonly Ranked[];
}

const FORMS = '{"node": 5} or {"features": [...], "neighbours": [3, 17]}';
/** A node with more neighbours is refused: the answer would take long. */
const MOST_NEIGHBOURS = 10_000;

/** Answers questions about one graph. */
export class Desk {
  readonly #graph: PreparedGraph;
  readonly #nodes: ReadonlyMap<string, number> | undefined;
  readonly #classNames: readonly string[] | undefined;
  readonly #top: number;
  readonly #unfit: string | undefined;
  #all: Predictions | undefined;

  /**
   * @param top how many of the most probable classes an answer has; 1: only the first
   * @throws StudentError for a model or a graph that does not fit
   */
  constructor(model: ModelFile, graph: Graph, top = 1) {
    this.#graph = new FittingStudent(model).prepare(graph);
    this.#nodes = graph.nodeNames && new Map(graph.nodeNames.map((name, node) => [name, node]));
    this.#classNames = model.classNames;
    this.#unfit = newNodesFault(graph);
    this.#top = Math.min(top, model.shape.classes);
  }

  /**
   * Answers `{"node": 5}`, about a node of the graph, or `{"features": ..., "neighbours": [...]}`, about one
   * that is not in it; `id` is repeated in the answer.
   * @throws StudentError saying what is wrong with the question
   */
  answer(question: unknown): Answer {
    if (!isObject(question)) throw new StudentError(`a question is an object: ${FORMS}`);
    const { id, node, features, neighbours = [], ...rest } = question;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) {
      throw new StudentError(`a question has no "${printable(unknown, 40)}"; its form: ${FORMS}`);
    }
    if (id !== undefined && typeof id !== "string" && typeof id !== "number") {
      throw new StudentError("a question's id is text or a number");
    }
    if ((node === undefined) === (features === undefined)) {
      throw new StudentError(`a question has either a node or features: ${FORMS}`);
    }
    const own = id === undefined ? {} : { id };
    if (node !== undefined) {
      this.#all ??= this.#graph.predict();
      const known = { node: node as string | number };
      return { ...own, ...known, ...this.ranked(this.#all, this.#nodeOf(node)) };
    }
    if (this.#unfit !== undefined) throw new StudentError(this.#unfit);
    if (!Array.isArray(features) && !isObject(features)) {
      throw new StudentError("features are a list of numbers, or an object of them by column");
    }
    if (!Array.isArray(neighbours)) throw new StudentError("neighbours are a list of nodes");
    if (neighbours.length > MOST_NEIGHBOURS) {
      throw new StudentError(
        `${neighbours.length} neighbours; at most ${MOST_NEIGHBOURS} are taken`,
      );
    }
    const added = {
      features: features as Record<string, number>,
      neighbours: neighbours.map((neighbour) => this.#nodeOf(neighbour)),
    };
    return { ...own, ...this.ranked(this.#graph.predict([this.#graph.graph.nodes], [added]), 0) };
  }

  /** Returns the most probable classes of a row of predictions. */
  ranked({ probabilities }: Predictions, row: number): Ranked & Pick<Answer, "top"> {
    const { classes } = this.#graph.student;
    const shares = probabilities.subarray(row * classes, (row + 1) * classes);
    const order = Array.from(shares.keys()).sort((a, b) => shares[b]! - shares[a]!);
    const top = order.slice(0, this.#top).map((c) => ({
      class: this.#classNames?.[c] ?? c,
      probability: Number(shares[c]!.toPrecision(7)),
    }));
    return { ...top[0]!, ...(this.#top > 1 && { top }) };
  }

  #nodeOf(given: unknown): number {
    const { nodes } = this.#graph.graph;
    const isName = typeof given === "string" || typeof given === "number";
    const found = this.#nodes && isName ? this.#nodes.get(String(given)) : given;
    if (Number.isInteger(found) && Number(found) >= 0 && Number(found) < nodes)
      return Number(found);
    const known = this.#nodes ? "its names are those of the graph's files" : `0 to ${nodes - 1}`;
    throw new StudentError(`the graph has no node ${printable(shown(given))}; ${known}`);
  }
}
