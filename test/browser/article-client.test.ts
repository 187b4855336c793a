import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { WebSocket } from "ws";
import { listeningPort, startEcholot } from "../tools/echolot.js";
import { isPortFree } from "../tools/process.js";
import { requireTool } from "../tools/toolchain.js";

const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The article's JavaScript client; only its port is an argument. */
const articleClient = (port: number) => `
const socket = new WebSocket("ws://localhost:${port}/ws");

socket.onopen = function() {
    console.log("WebSocket 連線已建立");
    socket.send("Hello Server!");
};

socket.onmessage = function(event) {
    console.log("收到伺服器訊息:", event.data);
};

socket.onclose = function() {
    console.log("WebSocket 連線已關閉");
};
`;

async function openBrowser(t: TestContext): Promise<Browser | undefined> {
  const executablePath = await requireTool(t, "chromium");
  if (executablePath === undefined) return undefined;
  const browser = await chromium.launch({ executablePath, args: BROWSER_FLAGS });
  t.after(() => browser.close());
  return browser;
}

/** What a page prints to its console, from its first line on. */
class PageConsole {
  readonly lines: string[] = [];
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    page.on("console", (message) => this.lines.push(message.text()));
  }

  async waitFor(text: string): Promise<void> {
    if (!this.lines.includes(text)) {
      await this.#page.waitForEvent("console", (message) => message.text() === text);
    }
  }
}

/** Opens a page with the script, from an HTTP server of the test's own. */
async function openPage(t: TestContext, browser: Browser, script: string) {
  const pages = createServer((_, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8").end(`<!doctype html><script>${script}</script>`);
  }).listen(0, "127.0.0.1");
  await once(pages, "listening");
  t.after(() => {
    pages.close();
    pages.closeAllConnections();
  });
  const page = await browser.newPage();
  const log = new PageConsole(page);
  await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}/`);
  return { page, log };
}

test("the article's JavaScript client gets its echo in Chromium, compressed, and closes cleanly", async (t) => {
  const browser = await openBrowser(t);
  if (browser === undefined) return;
  const { server } = await startEcholot(t, ["--browser-port", "0"]);
  const { page, log } = await openPage(t, browser, articleClient(await listeningPort(server, "browserPort")));
  await log.waitFor("WebSocket 連線已建立");
  await log.waitFor("收到伺服器訊息: Hello Server!");
  assert.match(await page.evaluate<string>("socket.extensions"), /^permessage-deflate/);
  const closed = page.evaluate<{ code: number; wasClean: boolean }>(`new Promise((resolve) => {
    socket.addEventListener("close", ({ code, wasClean }) => resolve({ code, wasClean }));
    socket.close(1000);
  })`);
  assert.deepEqual(await closed, { code: 1000, wasClean: true });
  await log.waitFor("WebSocket 連線已關閉");
});

test("Chromium gets a compressed message of 1 MiB and a binary one back unchanged", async (t) => {
  const browser = await openBrowser(t);
  if (browser === undefined) return;
  const { server } = await startEcholot(t, ["--browser-port", "0"]);
  const port = await listeningPort(server, "browserPort");
  const { page } = await openPage(t, browser, "");
  const equal = await page.evaluate<boolean[]>(`new Promise((resolve, reject) => {
    const socket = new WebSocket("ws://localhost:${port}/ws");
    socket.binaryType = "arraybuffer";
    const text = "an echo sounder ".repeat(65536);
    const bytes = new Uint8Array(65536).map((_, index) => (index * 31) >> 3);
    const equal = [];
    socket.onerror = () => reject(new Error("the connection failed"));
    socket.onopen = () => { socket.send(text); socket.send(bytes); };
    socket.onmessage = ({ data }) => {
      const got = typeof data === "string" ? data : new Uint8Array(data);
      equal.push(typeof data === "string" ? got === text : got.every((byte, index) => byte === bytes[index]));
      if (equal.length === 2) resolve(equal);
    };
  })`);
  assert.deepEqual(equal, [true, true]);
});

test("Chromium refuses the article's port 6666, which the Fetch standard calls bad, whether or not it is served", async (t) => {
  const browser = await openBrowser(t);
  if (browser === undefined) return;
  // Another program may hold the fixed port; the refusal is the browser's in any case.
  if (await isPortFree(6666)) {
    await startEcholot(t, ["--port", "6666"]);
    const client = new WebSocket("ws://127.0.0.1:6666/ws");
    t.after(() => client.terminate());
    await once(client, "open");
    client.send("Hello Server!");
    const [echo] = await once(client, "message");
    assert.equal(String(echo), "Hello Server!");
  }
  const { page, log } = await openPage(t, browser, articleClient(6666));
  await log.waitFor("WebSocket 連線已關閉");
  assert.ok(!log.lines.includes("WebSocket 連線已建立"), log.lines.join("\n"));
  assert.match(log.lines.join("\n"), /WebSocket connection to 'ws:\/\/localhost:6666\/ws' failed/);
  await assert.rejects(page.goto("http://localhost:6666/"), /ERR_UNSAFE_PORT/);
});
