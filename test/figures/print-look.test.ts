// Figures for print: true sizes of text, proportions, long labels, and what is refused.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { baseAxis, baseLayout, type Figure } from "../../src/figures/figure.ts";
import { forPrint, printWidth } from "../../src/figures/print-look.ts";
import { saveFigure } from "../../src/figures/save.ts";

const SCREEN = { width: 900, height: 400 };
/** CSS pixels of 8 points, and what a screen's 13 pixels become. */
const TEXT = (8 * 96) / 72;
const SCALE = TEXT / 13;

const near = (actual: unknown, expected: number): void =>
  assert.ok(Math.abs(Number(actual) - expected) < 1e-9, `${actual}, not ${expected}`);

const figure: Figure = {
  data: [
    {
      type: "scatter",
      name: "one",
      x: [10, 20],
      y: [1, 2],
      error_x: { type: "data", array: [5, 6], width: 4, thickness: 2 },
      marker: { size: [7, 9], line: { width: 2 } },
      width: 3,
    } as never,
    { type: "scatter", name: "two", x: [1], y: [1] },
  ],
  layout: {
    ...baseLayout("A title that is much too long for one line of a printed column of text"),
    width: 900,
    xaxis: { ...baseAxis("x"), range: [0, 30], tickvals: [10, 20] },
    yaxis: {
      ...baseAxis(""),
      tickvals: [0, 1],
      ticktext: ["short", "Geometric KD, parametric kernel, published weights"],
    },
  },
};

describe("a figure for print", () => {
  it("has widths in the units that journals name", () => {
    near(printWidth("2.54cm".replace("2.54", "25.4")), 960);
    near(printWidth("85 mm"), (85 / 25.4) * 96);
    near(printWidth("3.25in"), 312);
    near(printWidth("240pt"), 320);
    for (const wrong of ["8.5", "8,5cm", "-8cm", "1cm", "2m", "1e9cm", "8.5cm;", ""])
      assert.throws(() => printWidth(wrong), /a figure's width in print is a number with a unit/);
  });

  it("has its text in points, lengths in proportion, and data as they are", () => {
    const { data, layout, size } = forPrint(figure, SCREEN, { width: "8.5cm" });
    assert.equal(size.width, 321);
    near(layout.font?.size, TEXT);
    near(layout.xaxis?.title?.font?.size, TEXT);
    near(layout.xaxis?.ticklen, 4 * SCALE);
    assert.deepEqual(layout.xaxis?.range, [0, 30]);
    assert.deepEqual(layout.xaxis?.tickvals, [10, 20]);
    const {
      x,
      width,
      error_x: error,
      marker,
    } = data[0] as unknown as {
      readonly x: number[];
      readonly width: number;
      readonly error_x: { array: number[]; width: number; thickness: number };
      readonly marker: { size: number[]; line: { width: number } };
    };
    assert.deepEqual({ x, width, array: error.array }, { x: [10, 20], width: 3, array: [5, 6] });
    near(error.width, 4 * SCALE);
    near(error.thickness, 2 * SCALE);
    near(marker.size[1], 9 * SCALE);
    near(marker.line.width, 2 * SCALE);
    const large = forPrint(figure, SCREEN, { width: "17cm", points: 12 });
    near(large.layout.font?.size, 16);
  });

  it("breaks long labels in two, and the title where it is too wide", () => {
    const { layout } = forPrint(figure, SCREEN, { width: "8.5cm" });
    const [short, long] = layout.yaxis!.ticktext as string[];
    assert.equal(short, "short");
    assert.equal(long!.split("<br>").length, 2);
    assert.equal(long!.replace("<br>", " "), "Geometric KD, parametric kernel, published weights");
    const title = String(layout.title?.text);
    assert.ok(title.includes("<br>"));
    assert.ok(title.split("<br>").every((line) => line.replaceAll(/<[^>]*>/g, "").length < 45));
    assert.ok(Number(layout.margin?.t) > 56 * SCALE);
  });

  it("stands its legend above where it is narrow, and leaves the title to the caption", () => {
    const narrow = forPrint(figure, SCREEN, { width: "8.5cm", title: false });
    assert.equal(narrow.layout.legend?.orientation, "h");
    assert.equal(narrow.layout.title, undefined);
    const wide = forPrint(figure, SCREEN, { width: "17cm", title: false });
    assert.equal(wide.layout.legend, undefined);
    assert.deepEqual(wide.layout.yaxis?.ticktext, figure.layout.yaxis?.ticktext);
    assert.ok(wide.size.height < forPrint(figure, SCREEN, { width: "17cm" }).size.height);
  });

  it("takes serif, sans-serif and an installed font's name, and no other text", () => {
    const family = (font: string) =>
      forPrint(figure, SCREEN, { width: "8.5cm", font }).layout.font?.family;
    assert.match(String(family("serif")), /Times.*serif$/);
    assert.equal(family("Linux Libertine O"), '"Linux Libertine O"');
    for (const wrong of ['x", url(y)', "", "a;b"]) {
      assert.throws(() => family(wrong), /a font is serif, sans-serif or an installed font's name/);
    }
  });

  it("is refused by saveFigure before a browser is looked for", async () => {
    const save = (print: object) => saveFigure(figure, "never.svg", { print: print as never });
    await assert.rejects(save({}), /saveFigure: print/);
    await assert.rejects(save({ width: "8.5" }), /a number with a unit/);
    await assert.rejects(save({ width: "8.5cm", points: 400 }), /4 to 24 points/);
  });
});
