// Pages of a headless Chromium that have no network, and their prints as PDF with reproducible bytes.
import type { Chromium } from "./chromium.ts";

/** CSS pixels per inch. */
const DOTS = 96;

/** Opens an empty page without network access; returns its session. */
export async function openPage(browser: Chromium): Promise<string> {
  const { targetId } = await browser.send<{ targetId: string }>("Target.createTarget", {
    url: "about:blank",
  });
  const { sessionId } = await browser.send<{ sessionId: string }>("Target.attachToTarget", {
    targetId,
    flatten: true,
  });
  const offline = { offline: true, latency: 0, downloadThroughput: 0, uploadThroughput: 0 };
  await browser.send("Network.enable", {}, sessionId);
  await browser.send("Network.emulateNetworkConditions", offline, sessionId);
  return sessionId;
}

/**
 * Evaluates an expression on a page.
 * @param what whose code it is, for errors
 * @throws {Error} with the first line of what it throws there
 */
export async function evaluate<T>(
  browser: Chromium,
  expression: string,
  page: string,
  what: string,
): Promise<T> {
  const { result, exceptionDetails } = await browser.send<{
    readonly result: { readonly value?: T; readonly description?: string };
    readonly exceptionDetails?: { readonly text: string };
  }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true }, page);
  if (exceptionDetails) {
    const why = result.description?.split("\n")[0] ?? exceptionDetails.text;
    throw new Error(`${what}: ${why}`);
  }
  return result.value as T;
}

/**
 * Prints an HTML page as a PDF.
 * @param size of the paper, in CSS pixels; left out, the page's own `@page` rule decides
 */
export async function printPage(
  browser: Chromium,
  html: string,
  size?: { readonly width: number; readonly height: number },
): Promise<Uint8Array> {
  const page = await openPage(browser);
  try {
    const write = `document.open();document.write(${JSON.stringify(html)});document.close();`;
    await evaluate(browser, `${write}document.fonts.ready.then(() => undefined)`, page, "the page");
    const paper = size && {
      ...{ paperWidth: size.width / DOTS, paperHeight: size.height / DOTS },
      ...{ marginTop: 0, marginBottom: 0, marginLeft: 0, marginRight: 0 },
    };
    const { data } = await browser.send<{ readonly data: string }>(
      "Page.printToPDF",
      { ...paper, printBackground: true, preferCSSPageSize: true },
      page,
    );
    return normalisePdf(Buffer.from(data, "base64"));
  } finally {
    await browser.send("Page.close", {}, page);
  }
}

/** Replaces the time of printing in a PDF; the length stays, since the file contains byte offsets into itself. */
export function normalisePdf(pdf: Uint8Array): Uint8Array {
  const dates = /\/(?:CreationDate|ModDate) \(D:\d{14}/g;
  const text = Buffer.from(pdf).toString("latin1");
  return Buffer.from(
    text.replace(dates, (date) => date.replace(/\d{14}/, "20000101000000")),
    "latin1",
  );
}
