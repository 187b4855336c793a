import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type LoadProgress, load, type Result, type ScenarioInput } from "../../bench/index.js";
import { startEcholot } from "../tools/echolot.js";
import { assertReason, startLiar } from "./drive.js";
import { generatorPids, NEEDS_PROC } from "./generators.js";

const RATE = 5_000;
const WARMUP_MS = 1_000;
/**
 * Two seconds of 15 make p90 500 ms by arithmetic, and the catching up afterwards takes 40 to 60 ms: half a second more
 * leaves room for it between the bounds below.
 */
const WINDOW_MS = 15_500;
const FREEZE_MS = 2_000;
/** Seconds of the window that are left when the process is stopped: it lies in the middle. */
const FREEZE_AT_SECONDS_LEFT = 9;
/** Other programs that take more than this of the machine also delay the catching up after the freeze. */
const QUIET_CORES = 0.3;
/** A disturbed run is repeated; when that one is disturbed too, its times may be longer by this factor. */
const ATTEMPTS = 2;
const DISTURBED_STRETCH = 1.25;

const SCENARIO: ScenarioInput = {
  connections: 1_000,
  loop: { kind: "open", ratePerSecond: RATE },
  warmupMs: WARMUP_MS,
  durationMs: WINDOW_MS,
};

/** Runs the load and stops the process for two seconds in the middle of the window. @returns with how long it stood */
async function loadAndFreeze(url: string, victim: () => number): Promise<{ result: Result; frozenMs: number }> {
  let thawed: Promise<number> | null = null;
  const onProgress = ({ phase, secondsLeft }: LoadProgress) => {
    if (phase === "measure" && secondsLeft < FREEZE_AT_SECONDS_LEFT) thawed ??= freeze(victim());
  };
  const result = await load(SCENARIO, { url }, { workers: 1, onProgress });
  assert.ok(thawed !== null, "the window came to its middle");
  return { result, frozenMs: await thawed };
}

function freeze(pid: number): Promise<number> {
  process.kill(pid, "SIGSTOP");
  const stoppedMs = performance.now();
  return new Promise((resolve) => {
    setTimeout(() => {
      process.kill(pid, "SIGCONT");
      resolve(performance.now() - stoppedMs);
    }, FREEZE_MS);
  });
}

interface Figures {
  meanMs: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
  above100MsShare: number;
}

/** What messages sent by the schedule wait, when nothing is answered for so long and all that has piled up at once then. */
function simulate(frozenMs: number): Figures {
  const gapMs = 1_000 / RATE;
  const freezeMs = WINDOW_MS / 2;
  const waits = Array.from({ length: (RATE * WINDOW_MS) / 1_000 }, (_, n) => {
    const dueMs = n * gapMs;
    return dueMs < freezeMs || dueMs >= freezeMs + frozenMs ? 0 : freezeMs + frozenMs - dueMs;
  }).sort((a, b) => a - b);
  const at = (share: number) => waits[Math.ceil(share * waits.length) - 1]!;
  return {
    meanMs: waits.reduce((sum, wait) => sum + wait, 0) / waits.length,
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    maxMs: at(1),
    above100MsShare: waits.filter((wait) => wait > 100).length / waits.length,
  };
}

function figuresOf(latency: Result["latency"]["response"]): Figures {
  const { meanNs, p90Ns, p99Ns, maxNs, above100MsShare } = latency!;
  return { meanMs: meanNs / 1e6, p90Ms: p90Ns / 1e6, p99Ms: p99Ns / 1e6, maxMs: maxNs / 1e6, above100MsShare };
}

function breachOf(what: string, value: number, from: number, to: number): string[] {
  return value >= from && value <= to ? [] : [`${what} is ${value.toFixed(3)}, allowed are ${from} to ${to}`];
}

function assertWithin(what: string, value: number, from: number, to: number): void {
  assert.deepEqual(breachOf(what, value, from, to), []);
}

/** Where response time is not what the freeze makes it. */
function breachesOf(found: Figures, simulated: Figures, stretch: number): string[] {
  return [
    ...breachOf("p90", found.p90Ms, 400, 520 * stretch),
    ...breachOf("mean", found.meanMs, 120, 140 * stretch),
    ...breachOf("p99", found.p99Ms, 1_800, 1_900 * stretch),
    ...breachOf("max", found.maxMs, 1_950, 2_100 * stretch),
    ...breachOf("share above 100 ms", found.above100MsShare, 0.12, 0.14 * stretch),
    ...breachOf("p90 to the simulation's", found.p90Ms / simulated.p90Ms, 0.98, 1.13 * stretch),
    ...breachOf("mean to the simulation's", found.meanMs / simulated.meanMs, 0.98, 1.07 * stretch),
    ...breachOf("p99 to the simulation's", found.p99Ms / simulated.p99Ms, 0.98, 1.07 * stretch),
    ...breachOf("max to the simulation's", found.maxMs / simulated.maxMs, 0.98, 1.07 * stretch),
  ];
}

function assertNothingLost({ ledger }: Result): void {
  const due = (RATE * (WARMUP_MS + WINDOW_MS)) / 1_000;
  const { scheduled, sent, unsent, received, lost, inFlight } = ledger;
  assert.deepEqual(
    { scheduled, sent, unsent, received, lost, inFlight },
    { scheduled: due, sent: due, unsent: 0, received: due, lost: 0, inFlight: 0 },
  );
}

function isQuiet({ machine }: Result): boolean {
  return machine !== null && machine.foreignCores + machine.stealCores < QUIET_CORES;
}

test("the arithmetic of a freeze is that of the schedule", () => {
  const { meanMs, p90Ms, p99Ms, maxMs, above100MsShare } = simulate(2_000);
  assertWithin("mean", meanMs, 129, 129.1);
  assertWithin("p90", p90Ms, 449.9, 450.3);
  assertWithin("p99", p99Ms, 1_844.9, 1_845.3);
  assertWithin("max", maxMs, 1_999.9, 2_000);
  assertWithin("share above 100 ms", above100MsShare, 0.1225, 0.1227);
});

test("a server that stands still for two seconds shows as two seconds in which messages waited", async (t) => {
  const { url, server } = await startEcholot(t);
  for (let attempt = 1; ; attempt++) {
    const { result, frozenMs } = await loadAndFreeze(url, () => server.pid);
    assertNothingLost(result);
    const oldestMs = Math.max(...result.intervals.map((interval) => interval.oldestUnansweredMs));
    assert.ok(oldestMs > 900, `a line of the progress shows the freeze while it lasts: ${oldestMs} ms`);
    const found = figuresOf(result.latency.response);
    tell(t, { ...found, frozenMs });
    const breaches = breachesOf(found, simulate(frozenMs), 1);
    if (breaches.length === 0) return;
    if (isQuiet(result)) assert.fail(breaches.join("; "));
    t.diagnostic(
      `disturbed by ${result.machine?.foreignCores.toFixed(2)} cores' work of others: ${breaches.join("; ")}`,
    );
    if (attempt < ATTEMPTS) continue;
    assert.deepEqual(breachesOf(found, simulate(frozenMs), DISTURBED_STRETCH), []);
    return;
  }
});

test("a server that stands still for more than a cycle of messages is accused of nothing once it has answered them", async (t) => {
  const { url, server } = await startLiar(t);
  let thawed: Promise<number> | null = null;
  const scenario: ScenarioInput = {
    connections: 1,
    loop: { kind: "open", ratePerSecond: 3_000 },
    warmupMs: 0,
    durationMs: 5_000,
    messageTimeoutMs: 500,
  };
  const onProgress = ({ phase }: LoadProgress) => {
    if (phase === "measure") thawed ??= freeze(server.pid);
  };
  const { ledger } = await load(scenario, { url }, { workers: 1, onProgress });
  await thawed;
  const { sent, received, lost, duplicated, reordered, unexpected, corrupted, late } = ledger;
  assert.deepEqual(
    { sent, received, lost, duplicated, reordered, unexpected, corrupted },
    { sent: 15_000, received: 15_000, lost: 0, duplicated: 0, reordered: 0, unexpected: 0, corrupted: 0 },
  );
  assert.ok(late > 4_096, `${late} answers came after the time-out`);
});

test("a generator that stands still for two seconds still sends every message, and says that the run is void", {
  skip: NEEDS_PROC,
}, async (t) => {
  const { url } = await startEcholot(t);
  const { result, frozenMs } = await loadAndFreeze(url, () => generatorPids()[0]!);
  assertNothingLost(result);
  assertWithin("the rate achieved", result.sentPerSecond, RATE * 0.98, RATE * 1.02);
  const response = figuresOf(result.latency.response);
  const lag = figuresOf(result.latency.lag);
  const service = figuresOf(result.latency.service);
  const simulated = simulate(frozenMs);
  tell(t, { ...response, lagP99Ms: lag.p99Ms, serviceP99Ms: service.p99Ms, frozenMs });

  // The overdue messages go out and are answered one after the other: times are those of the freeze or longer.
  for (const figures of [response, lag]) {
    assertWithin("p90 to the simulation's", figures.p90Ms / simulated.p90Ms, 0.95, 3);
    assertWithin("mean to the simulation's", figures.meanMs / simulated.meanMs, 0.95, 2.5);
    assertWithin("p99 to the simulation's", figures.p99Ms / simulated.p99Ms, 0.95, 1.7);
    assertWithin("max to the simulation's", figures.maxMs / simulated.maxMs, 0.95, 1.7);
    assert.ok(figures.above100MsShare >= 0.12);
  }
  assert.ok(service.p99Ms < response.p99Ms / 2, "the server is not to blame");

  assert.equal(result.verdict.kind, "void");
  assertReason(result, "generator-stalled", "void", /2\.\d+ s/);
  assertReason(result, "generator-lag", "void", /after their due time/);
  assert.equal(result.verdict.faulty, false);
});

function tell(t: TestContext, figures: Record<string, number>): void {
  t.diagnostic(
    Object.entries(figures)
      .map(([name, value]) => `${name} ${value.toFixed(3)}`)
      .join(", "),
  );
}
