import assert from "node:assert/strict";
import { test } from "node:test";
import { startEcholot } from "../../tools/echolot.js";
import { holdExchange, startGoServer } from "../../tools/go-peers.js";
import { requireTool } from "../../tools/toolchain.js";

const MEBIBYTE = 2 ** 20;

for (const client of ["gws-client", "gorilla-client"] as const) {
  for (const deflate of ["without", "with"] as const) {
    test(`a ${client} ${deflate} permessage-deflate gets every message, pong and close code back`, async (t) => {
      const go = await requireTool(t, "go");
      if (go === undefined) return;
      const { url } = await startEcholot(t);
      const report = await holdExchange(t, go, client, url, deflate === "with" ? ["-deflate"] : []);
      assert.deepEqual(report.faults, []);
      assert.equal(report.extensions.startsWith("permessage-deflate"), deflate === "with", report.extensions);
      // Seven messages one by one, two of them of 1 MiB, then a hundred at once, then a ping and a close.
      assert.equal(report.messages, 107);
      assert.ok(report.bytes > 2 * MEBIBYTE);
      assert.equal(report.pongs, 1);
      assert.equal(report.closeCode, 4000);
    });
  }
}

test("the exchange passes on gorilla's server and names the article's server for echoes out of order", async (t) => {
  const go = await requireTool(t, "go");
  if (go === undefined) return;
  const gorilla = await startGoServer(t, go, "gorilla-server", ["-deflate"]);
  const passed = await holdExchange(t, go, "gorilla-client", gorilla.url, ["-deflate"]);
  assert.deepEqual(passed.faults, []);
  assert.match(passed.extensions, /^permessage-deflate/);
  const article = await startGoServer(t, go, "article-server");
  const failed = await holdExchange(t, go, "gorilla-client", article.url);
  assert.match(failed.faults.join(), /burst \d+: /);
});
