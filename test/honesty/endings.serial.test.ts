import assert from "node:assert/strict";
import { test } from "node:test";
import type { Result } from "../../bench/index.js";
import { assertLedger, assertReason, CLOSED, drive, OPEN, startLiar } from "./drive.js";

const CONNECTIONS = 10;
const ECHOES = 20;

const LOOPS = [
  ["closed", CLOSED],
  ["open", OPEN],
] as const;

function assertAllEnded({ connections }: Result, endings: Record<string, number>): void {
  assert.deepEqual(connections.endings, endings);
  assert.equal(connections.openAtEnd, 0);
  assert.equal(connections.established, CONNECTIONS);
}

for (const [name, loop] of LOOPS) {
  test(`${name} loop: a server that closes early is named with its code, and what it left is lost`, async (t) => {
    const liar = await startLiar(t, ["--end-after", String(ECHOES), "--ending", "close", "--code", "1013"]);
    const result = await drive(liar.url, { loop });
    const counts = await liar.confess();
    assertAllEnded(result, { "close 1013 enough": CONNECTIONS });
    assert.equal(result.ledger.received, CONNECTIONS * ECHOES);
    assertLedger(result, counts, { lost: counts.ignored, unsent: result.ledger.unsent });
    assert.ok(counts.ignored >= CONNECTIONS);
    assert.deepEqual(counts.closes, { 1013: CONNECTIONS }, "the close frame is answered with its code");
    assertReason(result, "connections-ended", "void", /close 1013/);
    assert.equal(result.verdict.kind, "void");
  });

  test(`${name} loop: a server that ends its side without a close frame is named`, async (t) => {
    const liar = await startLiar(t, ["--end-after", String(ECHOES), "--ending", "half-close"]);
    const result = await drive(liar.url, { loop });
    const counts = await liar.confess();
    assertAllEnded(result, { "ended without a close frame": CONNECTIONS });
    assert.equal(result.ledger.received, CONNECTIONS * ECHOES);
    assertLedger(result, counts, { lost: counts.ignored, unsent: result.ledger.unsent });
    assertReason(result, "connections-ended", "void", /ended without a close frame/);
  });

  test(`${name} loop: a reset is noticed, and what was under way is lost`, async (t) => {
    const liar = await startLiar(t, ["--end-after", String(ECHOES), "--ending", "reset"]);
    const result = await drive(liar.url, { loop });
    await liar.confess();
    // Node shows a reset that arrives together with data as a plain end.
    const { reset = 0, "ended without a close frame": ended = 0, ...others } = result.connections.endings;
    assert.equal(reset + ended, CONNECTIONS);
    assert.deepEqual(others, {});
    const { ledger } = result;
    assert.equal(ledger.received, CONNECTIONS * ECHOES);
    assert.equal(ledger.lost, ledger.sent - ledger.received);
    assert.ok(ledger.lost >= CONNECTIONS);
    assert.equal(ledger.scheduled, ledger.sent + ledger.unsent);
    assertReason(result, "connections-ended", "void", /reset|without a close frame/);
  });

  test(`${name} loop: a server that masks its frames breaks the protocol, and nothing of it counts`, async (t) => {
    const liar = await startLiar(t, ["--mask"]);
    const result = await drive(liar.url, { loop });
    await liar.confess();
    assertAllEnded(result, { "protocol: a masked frame from a server (RFC 6455, 5.1)": CONNECTIONS });
    assert.equal(result.ledger.received, 0);
    assert.equal(result.ledger.lost, result.ledger.sent);
    assertReason(result, "connections-ended", "void", /masked frame/);
  });

  test(`${name} loop: a server that reads and never answers makes the run void, not endless`, async (t) => {
    const liar = await startLiar(t, ["--mute"]);
    const result = await drive(liar.url, { loop, durationMs: 3_000, messageTimeoutMs: 200 });
    const counts = await liar.confess();
    assertLedger(result, counts, { lost: counts.messages });
    assert.equal(result.latency.response?.count, result.latency.unanswered, "the unanswered are all there is");
    assertReason(result, "nothing-answered", "void", /no answer came/);
    if (loop.kind === "closed") assert.ok(counts.messages > 2 * CONNECTIONS * CLOSED.inFlight, "the loop went on");
  });

  test(`${name} loop: a server that does not even read makes the run void, not endless`, async (t) => {
    const liar = await startLiar(t, ["--deaf"]);
    const result = await drive(liar.url, { loop, payloadBytes: 10_000 });
    await liar.confess();
    assert.equal(result.ledger.lost, result.ledger.sent);
    assert.equal(result.verdict.kind, "void");
    assertReason(result, "nothing-answered", "void", /no answer came/);
  });
}
