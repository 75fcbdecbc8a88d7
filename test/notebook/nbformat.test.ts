// Notebook files: reading, converting, writing as nbformat does, and refusing broken ones.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import {
  type Notebook,
  NotebookError,
  parseNotebook,
  readNotebook,
  serialiseNotebook,
} from "../../src/notebook/nbformat.ts";
import { upgraded } from "../../src/notebook/nbformat-3.ts";
import { python, skipWithout } from "../lab/parts.ts";
import { codeCells, temporaryFolder } from "./files.ts";

const CODE = { cell_type: "code", metadata: {}, source: "", outputs: [], execution_count: null };

function file(fields: object): string {
  return JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [], ...fields });
}

describe("reading a notebook", () => {
  it("joins lines, and keeps unknown fields", () => {
    const notebook = parseNotebook(
      file({
        metadata: { mine: { a: 1 } },
        cells: [
          {
            ...CODE,
            id: "a",
            source: ["let x = 1\n", "x"],
            metadata: { tags: ["t"], own: true },
            outputs: [
              { output_type: "stream", name: "stdout", text: ["1\n", "2"] },
              {
                output_type: "display_data",
                metadata: {},
                data: { "text/plain": ["a\n", "b"], "application/json": ["a", "b"] },
              },
            ],
          },
        ],
      }),
      "x.ipynb",
    );
    const [cell] = codeCells(notebook);
    assert.equal(cell?.source, "let x = 1\nx");
    assert.deepEqual(cell?.outputs, [
      { output_type: "stream", name: "stdout", text: "1\n2" },
      {
        output_type: "display_data",
        metadata: {},
        data: { "text/plain": "a\nb", "application/json": ["a", "b"] },
      },
    ]);
    assert.deepEqual(cell?.metadata, { tags: ["t"], own: true });
    assert.deepEqual(notebook.metadata, { mine: { a: 1 } });
  });

  for (const minor of [0, 1, 2, 3, 4]) {
    it(`converts 4.${minor} to 4.5: adds an id to each cell, the same each time`, () => {
      const text = file({
        nbformat_minor: minor,
        cells: [CODE, CODE, { cell_type: "markdown", metadata: {}, source: "# a" }],
      });
      const once = serialiseNotebook(parseNotebook(text, "x.ipynb"));
      assert.equal(once, serialiseNotebook(parseNotebook(text, "x.ipynb")));
      const { nbformat_minor, cells } = JSON.parse(once) as Notebook;
      assert.equal(nbformat_minor, 5);
      assert.equal(new Set(cells.map(({ id }) => id)).size, 3);
      for (const { id } of cells) assert.match(id, /^[a-zA-Z0-9_-]{1,64}$/);
    });
  }

  it("gives new ids to cells with a repeated or illegal id", () => {
    const cells = ["a", "a", "no spaces", ""].map((id) => ({ ...CODE, id }));
    const ids = codeCells(parseNotebook(file({ cells }), "x.ipynb")).map(({ id }) => id);
    assert.equal(ids[0], "a");
    assert.equal(new Set(ids).size, 4);
    for (const id of ids) assert.match(id, /^[a-zA-Z0-9_-]{1,64}$/);
  });

  const stream = { output_type: "stream", name: "stdout", text: "" };
  const withOutput = (output: object): string => file({ cells: [{ ...CODE, outputs: [output] }] });
  const broken: [what: string, text: string, message: RegExp][] = [
    ["an empty file", "", /^x\.ipynb: not valid JSON, so not a notebook/],
    ["half a file", file({}).slice(0, 30), /not valid JSON, so not a notebook/],
    ["an array", "[]", /it does not hold a JSON object/],
    ["any JSON", "{}", /it has no nbformat/],
    [
      "nbformat 3",
      file({ nbformat: 3 }),
      /nbformat 3 instead of 4; convert it: abkd notebook convert FILE/,
    ],
    [
      "nbformat 4.6",
      file({ nbformat_minor: 6 }),
      /nbformat 4\.6; versions 4\.0 to 4\.5 are supported/,
    ],
    ["no metadata", file({ metadata: null }), /its metadata is not an object/],
    ["no cells", file({ cells: {} }), /its cells are not an array/],
    [
      "a cell of another type",
      file({ cells: [CODE, { cell_type: "x" }] }),
      /cell 2: cell_type "x"/,
    ],
    ["a source of numbers", file({ cells: [{ ...CODE, source: [1] }] }), /cell 1: its source/],
    ["no cell metadata", file({ cells: [{ ...CODE, metadata: 1 }] }), /cell 1: its metadata/],
    ["tags as text", file({ cells: [{ ...CODE, metadata: { tags: "a" } }] }), /its tags/],
    ["no outputs", file({ cells: [{ ...CODE, outputs: null }] }), /cell 1: its outputs/],
    ["a count of x", file({ cells: [{ ...CODE, execution_count: "x" }] }), /its execution_count/],
    ["an unknown output", withOutput({ output_type: "y" }), /cell 1: output 1: output_type "y"/],
    ["a stream of null", withOutput({ ...stream, text: null }), /output 1: its text is not text/],
    ["an error without a name", withOutput({ output_type: "error" }), /no ename, evalue or trace/],
    [
      "a display without data",
      withOutput({ output_type: "display_data", metadata: {} }),
      /its data/,
    ],
  ];
  for (const [what, text, message] of broken) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseNotebook(text, "x.ipynb"),
        (error) => error instanceof NotebookError && message.test(error.message),
      );
    });
  }

  it("names a missing file, and a folder", () => {
    using folder = temporaryFolder();
    const missing = path.join(folder.path, "no.ipynb");
    assert.throws(() => readNotebook(missing), /cannot read .*no\.ipynb: there is no such file/);
    assert.throws(() => readNotebook(folder.path), /it is a folder; name a file/);
  });

  it("reads 20 MB of outputs and writes them back", () => {
    const text = "0123456789abcde\n".repeat(1_300_000);
    const outputs = [{ output_type: "stream", name: "stdout", text }];
    const notebook = parseNotebook(file({ cells: [{ ...CODE, id: "a", outputs }] }), "x.ipynb");
    const again = parseNotebook(serialiseNotebook(notebook), "x.ipynb");
    assert.deepEqual(again, notebook);
  });
});

describe("writing a notebook", () => {
  const odd = "a\nb\r\nc\rd\x0be\x0cf\x1cg\x85h\u2028i\u2029\n\n";
  const notebook = parseNotebook(
    file({
      metadata: { zeta: [], alpha: {}, "10": 1, "9": 2, é: 'ü\u007f\\"', "\u{1F600}": "\uFFFD" },
      cells: [
        { ...CODE, id: "one", source: odd, execution_count: 1 },
        { cell_type: "markdown", id: "two", metadata: {}, source: "" },
        {
          ...CODE,
          id: "three",
          source: "\n",
          outputs: [
            { output_type: "stream", name: "stderr", text: odd },
            {
              output_type: "execute_result",
              execution_count: 2,
              metadata: {},
              data: {
                "text/plain": "a\nb",
                "image/svg+xml": "<svg>\n</svg>",
                "image/png": "iVBORw0KGgo=\n",
                "application/vnd.plotly.v1+json": { data: [{ y: [1, 2.5] }], layout: {} },
              },
            },
            { output_type: "error", ename: "E", evalue: "\u001b[31mv", traceback: ["a\nb", "c"] },
          ],
        },
      ],
    }),
    "x.ipynb",
  );

  it("has sorted keys, an indent of one and a newline at the end", () => {
    const text = serialiseNotebook(notebook);
    assert.ok(
      text.startsWith('{\n "cells": [\n  {\n   "cell_type": "code",\n   "execution_count": 1,'),
    );
    assert.ok(text.endsWith(' "nbformat": 4,\n "nbformat_minor": 5\n}\n'));
    assert.deepEqual(parseNotebook(text, "x.ipynb"), notebook);
  });

  it("is accepted and rewritten to the same bytes by nbformat", {
    skip: skipWithout("python"),
  }, () => {
    using folder = temporaryFolder();
    const [ours, theirs] = ["ours.ipynb", "theirs.ipynb"].map((name) =>
      path.join(folder.path, name),
    ) as [string, string];
    writeFileSync(ours, serialiseNotebook(notebook));
    const program =
      "import nbformat, sys\n" +
      "nb = nbformat.read(sys.argv[1], as_version=4)\n" +
      "nbformat.validate(nb, relax_add_props=False)\n" +
      "nbformat.write(nb, sys.argv[2])\n";
    const { status, stderr } = spawnSync(python, ["-W", "error", "-c", program, ours, theirs], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(theirs, "utf8"), readFileSync(ours, "utf8"));
  });
});

describe("nbformat 3", () => {
  /** What nbformat 5.11.1 makes (lines without their ends are joined by them) of the same notebook, but for ids, the language and orig_nbformat. */
  it("becomes nbformat 4 by nbformat's own rules", () => {
    const old = {
      nbformat: 3,
      nbformat_minor: 0,
      metadata: { name: "old" },
      worksheets: [
        {
          metadata: {},
          cells: [
            { cell_type: "heading", level: 2, metadata: {}, source: ["Two\n", "lines"] },
            {
              cell_type: "code",
              language: "javascript",
              collapsed: true,
              metadata: {},
              input: ["1 +\n", "1"],
              prompt_number: 4,
              outputs: [
                { output_type: "pyout", prompt_number: 4, metadata: {}, text: ["2"], png: "AAAA" },
                {
                  output_type: "display_data",
                  metadata: {},
                  json: '{"a":1}',
                  svg: ["<svg>", "</svg>"],
                },
                { output_type: "stream", stream: "stderr", text: "e" },
                { output_type: "pyerr", ename: "E", evalue: "v", traceback: ["t"] },
              ],
            },
          ],
        },
        { cells: [{ cell_type: "html", source: "<b>" }] },
      ],
    };
    const { nbformat, metadata, cells } = parseNotebook(JSON.stringify(old), "o.ipynb", upgraded);
    assert.deepEqual([nbformat, metadata], [4, { language_info: { name: "javascript" } }]);
    assert.deepEqual(
      cells.map(({ id, ...rest }) => rest),
      [
        { cell_type: "markdown", metadata: {}, source: "## Two lines" },
        {
          cell_type: "code",
          metadata: { collapsed: true },
          source: "1 +\n1",
          execution_count: 4,
          outputs: [
            {
              output_type: "execute_result",
              execution_count: 4,
              metadata: {},
              data: { "text/plain": "2", "image/png": "AAAA" },
            },
            {
              output_type: "display_data",
              metadata: {},
              data: { "application/json": { a: 1 }, "image/svg+xml": "<svg>\n</svg>" },
            },
            { output_type: "stream", name: "stderr", text: "e" },
            { output_type: "error", ename: "E", evalue: "v", traceback: ["t"] },
          ],
        },
        { cell_type: "markdown", metadata: {}, source: "<b>" },
      ],
    );
    assert.equal(new Set(cells.map(({ id }) => id)).size, 3);
  });

  it("is refused where it is broken", () => {
    for (const worksheets of [undefined, 5, [{}], [{ cells: [7] }]]) {
      const text = JSON.stringify({ nbformat: 3, metadata: {}, worksheets });
      assert.throws(() => parseNotebook(text, "o.ipynb", upgraded), NotebookError);
    }
  });
});
