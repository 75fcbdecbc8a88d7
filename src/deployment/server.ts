// Answers questions about nodes over HTTP, on this machine only.
import Fastify, { type FastifyInstance } from "fastify";
import { printableLine } from "../base/printable.ts";
import { StudentError } from "../student/rows.ts";
import type { Answer, Desk } from "./questions.ts";

const ADDRESS = "127.0.0.1";
/** Larger requests are refused: 413. */
const MOST_BYTES = 1 << 20;
/** Questions in one request; more are refused. */
const MOST_QUESTIONS = 1000;
/** Questions that may wait; while they do, further ones are refused: 503. */
const MOST_WAITING = 10_000;
/** How long questions are answered before new requests are read, in milliseconds. */
const TURN = 10;

/** What a question is answered with: the answer, or why there is none. */
type Reply = Answer | { readonly error: string };

interface Job {
  readonly questions: readonly unknown[];
  readonly replies: Reply[];
  readonly resolve: (replies: Reply[]) => void;
}

/** The waiting questions, answered in turn; in between, requests are read and answers sent. */
class Queue {
  readonly #desk: Desk;
  readonly #jobs: Job[] = [];
  #waiting = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Returns undefined if too many are waiting. */
  ask(questions: readonly unknown[]): Promise<Reply[]> | undefined {
    if (this.#waiting + questions.length > MOST_WAITING) return undefined;
    return new Promise((resolve) => {
      if (this.#jobs.length === 0) setImmediate(this.#answerSome);
      this.#waiting += questions.length;
      this.#jobs.push({ questions, replies: [], resolve });
    });
  }

  readonly #answerSome = (): void => {
    const end = performance.now() + TURN;
    while (this.#jobs.length > 0 && performance.now() < end) {
      const { questions, replies, resolve } = this.#jobs[0]!;
      if (replies.length < questions.length) {
        replies.push(this.#answer(questions[replies.length]));
        this.#waiting--;
      }
      if (replies.length < questions.length) continue;
      this.#jobs.shift();
      resolve(replies);
    }
    if (this.#jobs.length > 0) setImmediate(this.#answerSome);
  };

  #answer(question: unknown): Reply {
    try {
      return this.#desk.answer(question);
    } catch (error) {
      if (error instanceof StudentError) return { error: printableLine(error.message) };
      process.stderr.write(`abkd: internal error, please report it\n${(error as Error).stack}\n`);
      return { error: "an internal error; the server's own output says more" };
    }
  }
}

/** What `GET /` says about the server. */
export interface Served {
  /** The model, in a few words. */
  readonly model: string;
  readonly graph: string;
  readonly nodes: number;
  readonly features: number;
  readonly classes: number;
}

/**
 * Starts to serve: `POST /predict` takes a question or a list of up to 1,000 and gives an answer or a list in
 * their order (a question without an answer has `{"error": ...}`: 400 if it was sent alone); `GET /` describes
 * the server. Only programs of this machine reach it, no page of another site, and no request names a file.
 *
 * @param port 0 for any free one
 * @returns the server, whose `address` is where it listens, and which close() ends
 */
export async function startServer(
  desk: Desk,
  served: Served,
  port: number,
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const queue = new Queue(desk);
  const server = Fastify({
    bodyLimit: MOST_BYTES,
    requestTimeout: 30_000,
    forceCloseConnections: true,
  });
  refuseOtherHosts(server);
  server.setNotFoundHandler(async ({ method }, reply) =>
    reply.code(404).send({ error: `no such address for ${method}; POST /predict, or GET /` }),
  );
  server.setErrorHandler(async (error: Error & { statusCode?: number }, _, reply) => {
    const code = error.statusCode ?? 500;
    const told = REFUSED[code] ?? printableLine(error.message);
    if (code < 500) return reply.code(code).send({ error: told });
    process.stderr.write(`abkd: internal error, please report it\n${error.stack}\n`);
    return reply.code(500).send({ error: "an internal error; the server's own output says more" });
  });
  // Read as text, questions would be no questions.
  server.removeContentTypeParser("text/plain");
  server.get("/", async () => ({ ...served, ask: "POST /predict" }));
  server.post("/predict", async ({ body }, reply) => {
    const several = Array.isArray(body);
    const questions: readonly unknown[] = several ? body : [body];
    if (questions.length > MOST_QUESTIONS) {
      const error = `${questions.length} questions; at most ${MOST_QUESTIONS} are taken at a time`;
      return reply.code(413).send({ error });
    }
    const replies = await queue.ask(questions);
    if (!replies) {
      const error = `${MOST_WAITING} questions are waiting; ask again later`;
      return reply.code(503).header("retry-after", "1").send({ error });
    }
    if (several) return replies;
    const [only] = replies;
    return reply.code("error" in only! ? 400 : 200).send(only);
  });
  const address = await server.listen({ host: ADDRESS, port });
  return { address, close: async () => server.close() };
}

/** What to do about a request that is refused before its questions are read. */
const REFUSED: Readonly<Record<number, string>> = {
  413: `the request has more than ${MOST_BYTES} bytes; send fewer questions at a time`,
  415: "questions are JSON: send them with the header content-type: application/json",
};

/** A page elsewhere may have a name of its own lead here (DNS rebinding), but cannot change what Host says. */
function refuseOtherHosts(server: FastifyInstance): void {
  server.addHook("onRequest", async ({ headers }, reply) => {
    if (/^(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(headers.host ?? "")) return;
    await reply
      .code(403)
      .send({ error: "only this machine is served: ask localhost or 127.0.0.1" });
  });
}
