import assert from "node:assert/strict";
import { test } from "node:test";
import { assertReason, drive, startLiar } from "./drive.js";

const REFUSALS: readonly [what: string, upgrade: string, failure: string][] = [
  ["never answers the handshake", "never", "timeout"],
  ["stops in the middle of its answer", "half", "timeout"],
  ["answers another key", "wrong-accept", "wrong Sec-WebSocket-Accept"],
  ["negotiates an extension that nobody offered", "unoffered-extension", "an extension nobody offered"],
  ["answers 404", "404", "status 404"],
  ["answers 503", "503", "status 503"],
];

for (const [what, upgrade, failure] of REFUSALS) {
  test(`a server that ${what} is named on each connection, and the run is void`, async (t) => {
    const liar = await startLiar(t, ["--upgrade", upgrade]);
    const result = await drive(liar.url, {});
    const counts = await liar.confess();
    assert.deepEqual(result.connections.failures, { [failure]: 10 });
    assert.equal(result.connections.established, 0);
    assert.equal(result.latency.response, null, "no data has no percentile");
    assert.equal(result.latency.handshake, null);
    assert.equal(counts.messages, 0);
    assertReason(result, "no-connection", "void", new RegExp(failure));
    assert.equal(result.verdict.kind, "void");
  });
}

test("a server without permessage-deflate is no server for a run with it", async (t) => {
  const liar = await startLiar(t);
  const result = await drive(liar.url, { deflate: true });
  await liar.confess();
  assert.deepEqual(result.connections.failures, { "permessage-deflate not negotiated": 10 });
  assert.deepEqual(result.connections.extensions, { none: 10 });
  assertReason(result, "deflate-missing", "void", /^10 /);
});

test("a server that compresses unasked has negotiated what nobody offered", async (t) => {
  const liar = await startLiar(t, ["--deflate"]);
  const result = await drive(liar.url, {});
  await liar.confess();
  assert.deepEqual(result.connections.failures, { "an extension nobody offered": 10 });
});
