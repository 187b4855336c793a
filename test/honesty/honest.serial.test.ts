import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScenarioInput } from "../../bench/index.js";
import { startEcholot } from "../tools/echolot.js";
import { assertLedger, CLOSED, drive, OPEN, startLiar } from "./drive.js";

/** Long enough that a busy machine loses nothing. */
const PATIENT_MS = 5_000;

const HONEST: readonly [what: string, flags: readonly string[], scenario: ScenarioInput][] = [
  ["in a closed loop", [], { loop: CLOSED }],
  ["in an open loop", [], { loop: OPEN }],
  ["in an open loop with exponential arrivals", [], { loop: { ...OPEN, arrivals: "exponential" } }],
  ["with text", [], { loop: CLOSED, payloadType: "text" }],
  ["with empty messages", [], { loop: CLOSED, payloadBytes: 0 }],
  ["with messages of one byte", [], { loop: CLOSED, payloadBytes: 1 }],
  ["with messages of a megabyte", [], { loop: CLOSED, payloadBytes: 1 << 20, connections: 2 }],
  ["with compression", ["--deflate"], { loop: CLOSED, deflate: true }],
  ["with a hundred messages in flight", [], { loop: { kind: "closed", inFlight: 100 } }],
];

for (const [what, flags, scenario] of HONEST) {
  test(`an honest server is not accused of anything ${what}`, async (t) => {
    const honest = await startLiar(t, flags);
    const result = await drive(honest.url, { messageTimeoutMs: PATIENT_MS, durationMs: 500, ...scenario });
    const counts = await honest.confess();
    assertLedger(result, counts, {});
    assert.ok(result.ledger.received > 0);
    assert.equal(result.verdict.faulty, false);
    const { requested, established, openAtEnd, failures, endings } = result.connections;
    assert.deepEqual([established, openAtEnd], [requested, requested]);
    assert.deepEqual([failures, endings], [{}, {}]);
    assert.deepEqual(counts.closes, { 1000: requested }, "each connection is closed with 1000");
    assert.equal(result.ledger.pings + result.ledger.pongs, 0);
  });
}

test("Echolot's own server is not accused of anything, compressed or not", async (t) => {
  const { url } = await startEcholot(t);
  for (const deflate of [false, true]) {
    const payloadBytes = 2_048;
    const scenario = { loop: CLOSED, deflate, payloadBytes, durationMs: 500, messageTimeoutMs: PATIENT_MS };
    const result = await drive(url, scenario);
    const { lost, corrupted, reordered, duplicated, unexpected, wrongOpcode, compressed, received } = result.ledger;
    assert.deepEqual({ lost, corrupted, reordered, duplicated, unexpected, wrongOpcode }, NOTHING);
    assert.equal(compressed, deflate ? received : 0);
    assert.ok(received > 0);
    assert.equal(result.verdict.faulty, false);
  }
});

const NOTHING = { lost: 0, corrupted: 0, reordered: 0, duplicated: 0, unexpected: 0, wrongOpcode: 0 };

test("echoes in fragments are allowed (RFC 6455, 5.4): counted, and no fault", async (t) => {
  const liar = await startLiar(t, ["--fragments", "3"]);
  const result = await drive(liar.url, { loop: CLOSED, messageTimeoutMs: PATIENT_MS });
  const counts = await liar.confess();
  assertLedger(result, counts, {});
  assert.equal(result.ledger.fragmented, counts.fragmented);
  assert.equal(counts.fragmented, counts.messages);
  assert.equal(result.verdict.faulty, false);
});

for (const [name, loop] of [
  ["closed", CLOSED],
  ["open", OPEN],
] as const) {
  test(`${name} loop: each ping is answered with its own payload, and is no fault`, async (t) => {
    const liar = await startLiar(t, ["--ping", "50"]);
    const result = await drive(liar.url, { loop, messageTimeoutMs: PATIENT_MS });
    const counts = await liar.confess();
    assertLedger(result, counts, {});
    assert.ok(counts.pings > 0);
    assert.equal(result.ledger.pings, counts.pings);
    assert.equal(counts.rightPongs, counts.pings);
    assert.equal(counts.wrongPongs, 0);
    assert.equal(result.verdict.faulty, false);
  });

  test(`${name} loop: a constant delay of the server is in every latency`, async (t) => {
    const delayMs = 40;
    const liar = await startLiar(t, ["--delay-ms", String(delayMs)]);
    const result = await drive(liar.url, { loop, messageTimeoutMs: PATIENT_MS });
    assertLedger(result, await liar.confess(), {});
    const { response, service } = result.latency;
    // Node's timers cut the time to whole milliseconds at both ends.
    assert.ok(service!.minNs >= (delayMs - 2) * 1e6, `${service!.minNs} ns`);
    assert.ok(response!.minNs >= service!.minNs);
    assert.ok(response!.p50Ns < 2 * delayMs * 1e6, `${response!.p50Ns} ns`);
  });
}

test("an answer after the message time-out is late, not lost", async (t) => {
  const liar = await startLiar(t, ["--delay-ms", "500"]);
  const result = await drive(liar.url, { loop: OPEN, durationMs: 1_000, warmupMs: 0, messageTimeoutMs: 200 });
  const counts = await liar.confess();
  const { received, late, lost, sent } = result.ledger;
  assert.equal(counts.messages, sent);
  assert.equal(received, late, "every answer that came was late");
  assert.equal(received + lost, sent);
  assert.ok(late > 0 && lost > 0, "the drain ends with the patience: what is under way by then is lost");
  assert.equal(result.ledger.duplicated + result.ledger.unexpected, 0);
});
