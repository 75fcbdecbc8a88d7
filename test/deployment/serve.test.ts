// abkd serve: what it answers, and what it refuses and how.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Desk } from "../../src/deployment/questions.ts";
import { startServer } from "../../src/deployment/server.ts";
import { syntheticGraph } from "../../src/graph/synthetic.ts";
import type { PreparedGraph } from "../../src/student/student.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { loadStudent } from "../../src/training/load-student.ts";
import { encodeModel } from "../../src/training/model-file.ts";
import { start } from "../cli/abkd.ts";
import { CONFIGS, modelOf, oddGraph } from "../student/models.ts";

startEngine("wasm", { threads: 1 });
const graph = oddGraph();
const model = modelOf(CONFIGS[0]!, graph);
const served = { model: "a model", graph: "odd", nodes: 50, features: 9, classes: 4 };
const desk = new Desk(model, graph, 2);
let server: Awaited<ReturnType<typeof startServer>>;
let prepared: PreparedGraph;
before(async () => {
  server = await startServer(desk, served, 0);
  prepared = (await loadStudent(model)).prepare(graph);
});
after(() => server.close());

/** An answer, or why there is none. */
interface Body {
  readonly id: string;
  readonly class: number;
  readonly probability: number;
  readonly top: readonly object[];
  readonly error: string;
}

async function asked(
  body: unknown,
  init: RequestInit = {},
): Promise<{ status: number; body: Body & readonly Body[] }> {
  const response = await fetch(`${server.address}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...init,
  });
  return { status: response.status, body: (await response.json()) as Body & readonly Body[] };
}

/** Sends a request whose parts fetch() would not send. */
function raw(options: {
  path?: string;
  headers?: Record<string, string>;
  method?: string;
}): Promise<{
  status: number | undefined;
  body: string;
}> {
  const { port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port, ...options }, async (answer) => {
      let body = "";
      for await (const part of answer) body += part;
      resolve({ status: answer.statusCode, body });
    });
    sent.on("error", reject).end();
  });
}

test("a node, a new node, a list: the student's own numbers, in the order of the questions", async () => {
  const features = [0, 1, 0, 2.5, 0, 0, 1, 0, 0];
  const all = prepared.predict();
  const added = prepared.predict([50], [{ features, neighbours: [3, 7] }]);
  const node = await asked({ node: 12, id: "twelve" });
  assert.equal(node.status, 200);
  assert.equal(node.body.id, "twelve");
  assert.equal(node.body.class, all.classes[12]);
  assert.ok(Math.abs(node.body.probability - all.probabilities[12 * 4 + all.classes[12]!]!) < 1e-6);
  assert.equal(node.body.top.length, 2);
  const list = await asked([{ features, neighbours: [3, 7] }, { node: 99 }, { node: 12 }]);
  assert.equal(list.status, 200);
  assert.equal(list.body[0]!.class, added.classes[0]);
  assert.ok(Math.abs(list.body[0]!.probability - Math.max(...added.probabilities)) < 1e-6);
  assert.match(list.body[1]!.error, /the graph has no node 99; 0 to 49/);
  assert.equal(list.body[2]!.class, all.classes[12]);
  const about = await (await fetch(server.address)).json();
  assert.deepEqual(about, { ...served, ask: "POST /predict" });
});

test("a GAT is served as other kinds are: a node, and a new one that changes its neighbours' attention", async (t) => {
  const gat = modelOf(CONFIGS.find(({ kind }) => kind === "gat")!, graph);
  const own = await startServer(new Desk(gat, graph, 1), served, 0);
  t.after(() => own.close());
  const added = { features: [0, 1, 0, 2.5, 0, 0, 1, 0, 0], neighbours: [3, 7] };
  const student = (await loadStudent(gat)).prepare(graph);
  const known = student.predict([12]);
  const found = student.predict([50], [added]);
  const reply = await fetch(`${own.address}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ node: 12 }, added]),
  });
  const answers = (await reply.json()) as Body[];
  for (const [k, { classes, probabilities }] of [known, found].entries()) {
    assert.equal(answers[k]!.class, classes[0]);
    assert.ok(Math.abs(answers[k]!.probability - Math.max(...probabilities)) < 1e-6);
  }
});

test("what cannot be answered is refused with its code and a reason in one line", async () => {
  const many = Array.from({ length: 1001 }, () => ({ node: 1 }));
  const cases: [unknown, RequestInit, number, RegExp][] = [
    [{ node: 50 }, {}, 400, /no node 50/],
    [{ node: "../../etc/passwd" }, {}, 400, /no node "\.\./],
    [{ node: 1, features: [] }, {}, 400, /either a node or features/],
    [{ features: [1] }, {}, 400, /1 features instead of 9/],
    [{ features: { toString: 1 } }, {}, 400, /feature toString is 1/],
    [{ features: { length: 3 } }, {}, 400, /3 features instead of 9/],
    [{ features: { 0: "1" } }, {}, 400, /feature 0 is "1"/],
    [{ features: { 0: 1 }, neighbours: [0, -1] }, {}, 400, /no node -1/],
    [{ features: { 0: 1 }, neighbours: { length: 1e9 } }, {}, 400, /neighbours are a list/],
    [{ features: { 0: 1 }, neighbours: new Array(10_001).fill(0) }, {}, 400, /at most 10000/],
    ["{", {}, 400, /./],
    ['{"__proto__": {"node": 1}}', {}, 400, /./],
    ["null", {}, 400, /a question is an object/],
    [many, {}, 413, /1001 questions; at most 1000/],
    [`"${"x".repeat(2 << 20)}"`, {}, 413, /more than 1048576 bytes; send fewer/],
    [
      "node=1",
      { headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
      /questions are JSON: send them with/,
    ],
    [
      '{"node": 5}',
      { headers: { "content-type": "text/plain" } },
      415,
      /questions are JSON: send them with/,
    ],
  ];
  for (const [body, init, status, message] of cases) {
    const found = await asked(body, init);
    assert.equal(found.status, status, JSON.stringify(body).slice(0, 60));
    assert.match(found.body.error, message);
    assert.doesNotMatch(found.body.error, /\n/);
  }
});

test("no path leads to a file, and only this machine's names are served", async () => {
  for (const path of [
    "/package.json",
    "/../package.json",
    "/%2e%2e/package.json",
    "/predict/x",
    "//etc/passwd",
  ]) {
    const { status, body } = await raw({ path });
    assert.equal(status, 404, path);
    assert.match(body, /^\{"error":"no such address for GET; POST \/predict, or GET \/"\}$/);
  }
  const host = await raw({ path: "/", headers: { host: "evil.example" } });
  assert.equal(host.status, 403);
  const preflight = await raw({
    ...{ path: "/predict", method: "OPTIONS" },
    headers: { origin: "http://evil.example", "access-control-request-method": "POST" },
  });
  assert.equal(preflight.status, 404, "a page of another site may not ask");
  const { port } = new URL(server.address);
  const others = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4");
  for (const { address } of others) {
    const socket = connect({ host: address, port: Number(port) });
    const end = await new Promise<string>((resolve) => {
      socket
        .on("connect", () => resolve("connected"))
        .on("error", (error) => resolve(error.message));
    });
    socket.destroy();
    assert.match(end, /ECONNREFUSED/, "it listens on the loopback address only");
  }
});

test("when too many questions wait, further ones are told to come later, and all others are answered", async (t) => {
  const slow = {
    answer() {
      const end = performance.now() + 0.5;
      while (performance.now() < end);
      return { class: 0, probability: 1 };
    },
  };
  const own = await startServer(slow as unknown as Desk, served, 0);
  t.after(() => own.close());
  const ask = (count: number): Promise<Response> =>
    fetch(`${own.address}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Array.from({ length: count }, () => ({ node: 1 }))),
    });
  const replies = await Promise.all(Array.from({ length: 16 }, () => ask(1000)));
  const refused = replies.filter(({ status }) => status === 503);
  assert.ok(refused.length >= 1, "16,000 questions do not all wait");
  assert.equal(refused[0]!.headers.get("retry-after"), "1");
  assert.match(await refused[0]!.text(), /10000 questions are waiting; ask again later/);
  const answered = replies.filter(({ status }) => status === 200);
  assert.equal(answered.length + refused.length, 16);
  for (const reply of answered) assert.equal(((await reply.json()) as Body[]).length, 1000);
  assert.equal((await ask(1)).status, 200, "it answers again afterwards");
});

test("abkd serve says where it listens, answers, and ends on SIGTERM", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "abkd-serve-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "student.safetensors");
  writeFileSync(file, encodeModel(modelOf(CONFIGS[2]!, syntheticGraph(2310))));
  const running = start(["serve", file, "--dataset", "synthetic", "--port", "0"]);
  const line = await new Promise<string>((resolve) => {
    running.process.stdout!.once("data", (bytes: Buffer) => resolve(bytes.toString()));
  });
  const address = /GCN 3L-6H on synthetic: (http:\/\/127\.0\.0\.1:\d+\/predict) /.exec(line)?.[1];
  assert.ok(address, line);
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"node": 5}',
  });
  assert.equal(answer.status, 200);
  const taken = await start([
    "serve",
    file,
    "--dataset",
    "synthetic",
    "--port",
    new URL(address).port,
  ]).outcome;
  assert.equal(taken.code, 2);
  assert.match(
    taken.stderr,
    /cannot listen on port \d+: another program uses it; name another --port/,
  );
  running.process.kill("SIGTERM");
  assert.equal((await running.outcome).code, 0);
});

test("features that were standardised by numbers that are not known allow questions about known nodes alone", () => {
  const made = new Desk(model, { ...graph, featuresMade: "standardised" });
  assert.deepEqual(made.answer({ node: 3 }), new Desk(model, graph).answer({ node: 3 }));
  assert.throws(
    () => made.answer({ features: new Array(9).fill(1) }),
    /kept no means and deviations: import its files again/,
  );
});
