import assert from "node:assert/strict";
import { test } from "node:test";
import { startEcholot } from "../../tools/echolot.js";
import { startProcess } from "../../tools/process.js";
import { requireTool } from "../../tools/toolchain.js";

test("websocat gets each line back, and ends without an error when its input ends", async (t) => {
  const websocat = await requireTool(t, "websocat");
  if (websocat === undefined) return;
  const { url } = await startEcholot(t);
  const client = await startProcess(t, websocat, [url]);
  for (const line of ["Hello Server!", "收到伺服器訊息 🚀", "x".repeat(20_000)]) {
    client.stdin.write(`${line}\n`);
    await client.waitForLine(new RegExp(`^${line}$`));
  }
  assert.equal(client.stdout.length, 3);
  client.stdin.end();
  assert.deepEqual(await client.exit, { code: 0, signal: null }, client.output());
});

test("websocat sends a binary message and gets the same bytes back", async (t) => {
  const websocat = await requireTool(t, "websocat");
  if (websocat === undefined) return;
  const { url } = await startEcholot(t);
  const bytes = Buffer.from("\x00\x01 binary \xfe\xff", "latin1").toString("base64");
  // websocat writes and reads a binary message as one line of Base64.
  const client = await startProcess(t, websocat, ["--binary", "--base64", url]);
  client.stdin.write(`${bytes}\n`);
  assert.equal(await client.waitForLine(/./), bytes);
});
