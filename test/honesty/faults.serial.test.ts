import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReasonCode, Result, ScenarioInput } from "../../bench/index.js";
import { assertLedger, assertReason, CLOSED, drive, OPEN, startLiar } from "./drive.js";
import type { Counts } from "./servers/lying.js";

/** Patience for an answer: long enough that a busy machine loses none, but where each lost one holds up a closed loop. */
const PATIENT_MS = 1_500;
const IMPATIENT_MS = 400;

/** One fault in so many messages: an open loop sends fewer in the same time. */
const LOOPS = [
  { name: "closed", loop: CLOSED, every: 1_000, messageTimeoutMs: IMPATIENT_MS },
  { name: "open", loop: OPEN, every: 100, messageTimeoutMs: PATIENT_MS },
] as const;

interface Fault {
  readonly what: string;
  readonly flag: string;
  /** What the server counted. */
  readonly count: keyof Counts;
  /** What the ledger must say of it, given that count. */
  ledger(count: number): Partial<Result["ledger"]>;
  readonly reason: ReasonCode;
  readonly severity: "fault" | "note";
}

const FAULTS: readonly Fault[] = [
  {
    what: "dropped",
    flag: "--drop",
    count: "dropped",
    ledger: (lost) => ({ lost }),
    reason: "messages-lost",
    severity: "fault",
  },
  {
    what: "with one byte corrupted",
    flag: "--corrupt",
    count: "corrupted",
    ledger: (corrupted) => ({ corrupted }),
    reason: "messages-corrupted",
    severity: "fault",
  },
  {
    what: "cut short",
    flag: "--truncate",
    count: "truncated",
    ledger: (corrupted) => ({ corrupted }),
    reason: "messages-corrupted",
    severity: "fault",
  },
  {
    what: "sent twice",
    flag: "--duplicate",
    count: "duplicated",
    ledger: (duplicated) => ({ duplicated }),
    reason: "messages-duplicated",
    severity: "fault",
  },
  {
    what: "swapped with the next",
    flag: "--reorder",
    count: "reordered",
    ledger: (reordered) => ({ reordered }),
    reason: "messages-reordered",
    severity: "note",
  },
  {
    what: "with the other opcode",
    flag: "--wrong-opcode",
    count: "wrongOpcode",
    ledger: (wrongOpcode) => ({ wrongOpcode }),
    reason: "opcode-wrong",
    severity: "fault",
  },
  {
    what: "followed by a frame that nobody asked for",
    flag: "--unasked",
    count: "unasked",
    ledger: (unexpected) => ({ unexpected }),
    reason: "messages-unexpected",
    severity: "fault",
  },
];

for (const { name, loop, every, messageTimeoutMs } of LOOPS) {
  for (const fault of FAULTS) {
    test(`${name} loop: one echo in ${every} ${fault.what} is found, named and counted exactly`, async (t) => {
      const liar = await startLiar(t, [fault.flag, String(every)]);
      const isLoss = fault.count === "dropped";
      const result = await drive(liar.url, { loop, messageTimeoutMs: isLoss ? messageTimeoutMs : PATIENT_MS });
      const counts = await liar.confess();
      const count = counts[fault.count] as number;
      assert.ok(count > 0, `the server lied in ${counts.messages} messages`);
      assertLedger(result, counts, fault.ledger(count));
      assertReason(result, fault.reason, fault.severity, startsWith(count));
      assert.equal(result.verdict.faulty, fault.severity === "fault");
    });
  }

  test(`${name} loop: an echo that goes to another connection is missed on one and unexpected on the other`, async (t) => {
    const liar = await startLiar(t, ["--misroute", String(every)]);
    const result = await drive(liar.url, { loop, messageTimeoutMs });
    const { misrouted } = await liar.confess();
    assert.ok(misrouted > 0);
    assert.equal(result.ledger.lost, misrouted);
    // Where the other connection has lately sent that very message of the cycle, its echo is there a second one.
    assert.equal(result.ledger.unexpected + result.ledger.duplicated, misrouted);
    assert.ok(result.verdict.faulty);
  });

  test(`${name} loop: a server that greets each connection is said to do so`, async (t) => {
    const liar = await startLiar(t, ["--greet"]);
    const result = await drive(liar.url, { loop, messageTimeoutMs: PATIENT_MS });
    assertLedger(result, await liar.confess(), { unexpected: 10 });
    assertReason(result, "messages-unexpected", "fault", /^10 .*one for each connection/);
  });
}

test("a closed loop goes on after each lost echo, also with one message in flight", async (t) => {
  const connections = 4;
  const liar = await startLiar(t, ["--drop", "50"]);
  const result = await drive(liar.url, {
    connections,
    loop: { kind: "closed", inFlight: 1 },
    durationMs: 2_000,
    messageTimeoutMs: 200,
  });
  const counts = await liar.confess();
  assert.ok(counts.dropped > 2 * connections, `each connection lost its share of ${counts.dropped} and went on`);
  assertLedger(result, counts, { lost: counts.dropped });
  assert.equal(result.connections.openAtEnd, connections);
});

test("a lost message stays in the distribution with the age that it reached", async (t) => {
  const liar = await startLiar(t, ["--drop", "100"]);
  const result = await drive(liar.url, { loop: OPEN, warmupMs: 0, messageTimeoutMs: 500 });
  const { messages, dropped } = await liar.confess();
  const { response, unanswered } = result.latency;
  assert.equal(unanswered, dropped);
  assert.equal(response?.count, messages, "answered and lost together are all that were sent");
  assert.ok(response!.maxNs >= 500e6, `the oldest was waited for at least as long as asked: ${response!.maxNs} ns`);
});

const COMPRESSED = [
  ["dropped", "--drop", "dropped", "lost"],
  ["corrupted", "--corrupt", "corrupted", "corrupted"],
  ["cut short", "--truncate", "truncated", "corrupted"],
  ["sent twice", "--duplicate", "duplicated", "duplicated"],
  ["swapped with the next", "--reorder", "reordered", "reordered"],
] as const;

for (const [what, flag, counted, found] of COMPRESSED) {
  test(`a compressed echo that is ${what} is counted exactly`, async (t) => {
    const liar = await startLiar(t, ["--deflate", flag, "100"]);
    const messageTimeoutMs = found === "lost" ? IMPATIENT_MS : PATIENT_MS;
    const result = await drive(liar.url, { loop: CLOSED, deflate: true, durationMs: 500, messageTimeoutMs });
    const counts = await liar.confess();
    assert.ok(counts[counted] > 0);
    assertLedger(result, counts, { [found]: counts[counted] });
    assert.equal(result.ledger.compressed, result.ledger.received);
  });
}

const SIZES: readonly [what: string, scenario: ScenarioInput][] = [
  ["of a single byte", { payloadBytes: 1 }],
  ["of five bytes", { payloadBytes: 5 }],
  ["that take several reads", { payloadBytes: 200_000, connections: 4, loop: { kind: "closed", inFlight: 2 } }],
];

for (const [what, scenario] of SIZES) {
  test(`echoes ${what} that are dropped are counted exactly`, async (t) => {
    const liar = await startLiar(t, ["--drop", "20"]);
    const result = await drive(liar.url, { loop: CLOSED, messageTimeoutMs: IMPATIENT_MS, ...scenario });
    const counts = await liar.confess();
    assert.ok(counts.dropped > 0);
    assertLedger(result, counts, { lost: counts.dropped });
  });
}

test("one wrong byte of two hundred thousand is found", async (t) => {
  const liar = await startLiar(t, ["--corrupt", "10"]);
  const loop = { kind: "closed", inFlight: 2 } as const;
  const result = await drive(liar.url, { connections: 4, loop, payloadBytes: 200_000, messageTimeoutMs: PATIENT_MS });
  const counts = await liar.confess();
  assert.ok(counts.corrupted > 0);
  assertLedger(result, counts, { corrupted: counts.corrupted });
});

function startsWith(count: number): RegExp {
  return new RegExp(`^${count.toLocaleString("en-US")} `);
}
