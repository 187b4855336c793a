import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type LoadReport, runLoad } from "../../tools/echolot.js";
import { type GoServer, startGoServer } from "../../tools/go-peers.js";
import { requireTool } from "../../tools/toolchain.js";

const CONNECTIONS = 50;

/** Loads a Go server for a moment; whatever the order, every message must be accounted for. */
async function loadGoServer(
  t: TestContext,
  name: GoServer,
  serverFlags: readonly string[],
  loadFlags: readonly string[],
): Promise<LoadReport | undefined> {
  const go = await requireTool(t, "go");
  if (go === undefined) return undefined;
  const { url } = await startGoServer(t, go, name, serverFlags);
  const shape = ["--connections", String(CONNECTIONS), "--warmup", "200ms", "--duration", "2s"];
  const report = await runLoad(t, [url, ...shape, ...loadFlags]);
  const { connections, ledger, verdict } = report;
  assert.equal(connections.established, CONNECTIONS);
  assert.ok(ledger.received > CONNECTIONS * 10);
  assert.equal(ledger.received, ledger.sent);
  assert.deepEqual([ledger.lost, ledger.corrupted, ledger.duplicated], [0, 0, 0]);
  assert.equal(verdict.faulty, false);
  return report;
}

const namesReordering = ({ verdict }: LoadReport) => verdict.reasons.some(({ code }) => code === "messages-reordered");

test("echolot load finds that the article's server answers ten messages in flight out of order, and loses none", async (t) => {
  const report = await loadGoServer(t, "article-server", [], ["--in-flight", "10"]);
  if (report === undefined) return;
  assert.ok(report.ledger.reordered > 0);
  assert.ok(namesReordering(report));
});

test("echolot load sees no reordering from the article's server with one message in flight", async (t) => {
  const report = await loadGoServer(t, "article-server", [], ["--in-flight", "1"]);
  if (report === undefined) return;
  assert.equal(report.ledger.reordered, 0);
  assert.ok(!namesReordering(report));
});

test("echolot load sees gorilla's server answer ten messages in flight in order", async (t) => {
  const report = await loadGoServer(t, "gorilla-server", [], ["--in-flight", "10", "--type", "text"]);
  if (report === undefined) return;
  assert.equal(report.ledger.reordered, 0);
  assert.ok(!namesReordering(report));
});

for (const [name, flags] of [["article-server", []] as const, ["gorilla-server", ["-deflate"]] as const]) {
  test(`echolot load --deflate gets compressed echoes of 1 KiB from the ${name}`, async (t) => {
    const report = await loadGoServer(t, name, flags, ["--deflate", "--payload", "1024"]);
    if (report === undefined) return;
    assert.ok(report.ledger.compressed > 0);
    assert.deepEqual(
      Object.keys(report.connections.extensions).map((extension) => extension.split(";")[0]),
      ["permessage-deflate"],
    );
  });
}
