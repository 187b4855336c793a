import assert from "node:assert/strict";
import { test } from "node:test";
import { Coordinator, type LoadObserver, type LoadOutcome } from "../../../bench/generator/coordinator.js";
import { toHistogram } from "../../../bench/recorder/tally.js";
import { type ScenarioInput, scenarioSchema } from "../../../bench/scenario/scenario.js";
import { startLiar } from "../../honesty/drive.js";
import { generatorPids, NEEDS_PROC } from "../../honesty/generators.js";

const QUIET: LoadObserver = { onProgress() {}, onConnected() {}, onWindowOpens() {}, onWindowCloses() {} };

function coordinate(port: number, workers: number, input: ScenarioInput, observer: Partial<LoadObserver> = {}) {
  const scenario = scenarioSchema.parse({
    connections: 12,
    warmupMs: 100,
    durationMs: 500,
    messageTimeoutMs: 5_000,
    ...input,
  });
  return new Coordinator(
    {
      scenario,
      plan: {
        workers: Array.from({ length: workers }, (_, index) => ({
          index,
          connections: Math.floor(scenario.connections / workers) + (index < scenario.connections % workers ? 1 : 0),
          localAddresses: [],
          cpus: null,
        })),
        serverCpus: null,
        pacing: "timer",
        openFilesLimit: null,
        notes: [],
      },
      target: { address: "127.0.0.1", port, authority: `127.0.0.1:${port}`, resource: "/ws" },
    },
    { ...QUIET, ...observer },
  );
}

function assertBalanced({ counters, lost, inFlight }: LoadOutcome): void {
  assert.equal(counters.scheduled, counters.sent + counters.unsent);
  assert.equal(counters.sent, counters.received + lost + inFlight);
}

test("several processes share the connections and the rate, and add up to one schedule", async (t) => {
  const liar = await startLiar(t);
  const outcome = await coordinate(liar.port, 3, { loop: { kind: "open", ratePerSecond: 1_000 } }).run();
  const counts = await liar.confess();
  assertBalanced(outcome);
  assert.equal(counts.handshakes, 12);
  assert.equal(outcome.counters.scheduled, 600, "1,000 a second for 100 ms and 500 ms");
  assert.equal(counts.messages, 600);
  assert.equal(toHistogram(outcome.response).totalCount, 500, "those due in the window, and no other");
  assert.equal(toHistogram(outcome.service).totalCount, 500);
  assert.equal(toHistogram(outcome.lag).totalCount, 500);
  assert.equal(toHistogram(outcome.handshake).totalCount, 12);
  assert.equal(outcome.workers.length, 3);
});

test("shares that do not divide evenly keep the whole rate", async (t) => {
  const liar = await startLiar(t);
  const scenario: ScenarioInput = { connections: 5, loop: { kind: "open", ratePerSecond: 1_000 }, warmupMs: 0 };
  const outcome = await coordinate(liar.port, 2, scenario).run();
  assertBalanced(outcome);
  assert.ok(Math.abs(outcome.counters.scheduled - 500) <= 2, `${outcome.counters.scheduled} of 500`);
});

test("a closed loop keeps just the messages in flight that it was told to", async (t) => {
  const liar = await startLiar(t, ["--mute"]);
  const loop = { kind: "closed", inFlight: 7 } as const;
  const outcome = await coordinate(liar.port, 2, { loop, connections: 5, messageTimeoutMs: 1_000 }).run();
  const counts = await liar.confess();
  assertBalanced(outcome);
  assert.equal(counts.messages, 5 * 7);
  assert.equal(outcome.lost, 5 * 7);
});

test("an open loop goes on sending by its schedule, whatever the server does", async (t) => {
  const liar = await startLiar(t, ["--mute"]);
  const scenario: ScenarioInput = { loop: { kind: "open", ratePerSecond: 2_000 }, messageTimeoutMs: 100 };
  const outcome = await coordinate(liar.port, 1, scenario).run();
  const counts = await liar.confess();
  assertBalanced(outcome);
  assert.deepEqual([outcome.counters.sent, counts.messages, outcome.lost], [1_200, 1_200, 1_200]);
});

test("connections are opened at the rate asked for", async (t) => {
  const liar = await startLiar(t);
  const scenario: ScenarioInput = { connections: 50, connectRatePerSecond: 100, durationMs: 100, warmupMs: 0 };
  const outcome = await coordinate(liar.port, 2, scenario).run();
  assert.equal(outcome.established, 50);
  assert.ok(outcome.rampMs >= 490, `the last of 50 is due after 490 ms: ${outcome.rampMs}`);
});

test("the observer hears of each step in turn", async (t) => {
  const liar = await startLiar(t);
  const heard: string[] = [];
  await coordinate(
    liar.port,
    2,
    { durationMs: 2_000 },
    {
      onConnected: (established) => void heard.push(`connected ${established}`),
      onWindowOpens: () => void heard.push("opens"),
      onWindowCloses: () => void heard.push("closes"),
      onProgress: ({ phase }) => {
        if (phase === "measure" && heard.at(-1) !== "measure") heard.push("measure");
      },
    },
  ).run();
  assert.deepEqual(heard.slice(0, 3), ["connected 12", "opens", "measure"]);
  assert.ok(heard.includes("closes"));
});

test("an interrupt ends the window, drains, and keeps the books balanced", async (t) => {
  const liar = await startLiar(t, ["--busy-after", "500"]);
  const coordinator = coordinate(liar.port, 2, { durationMs: 60_000 });
  const run = coordinator.run();
  await liar.server.waitForLine(/^busy$/);
  coordinator.interrupt();
  const outcome = await run;
  const counts = await liar.confess();
  assertBalanced(outcome);
  assert.equal(outcome.interrupted, true);
  assert.deepEqual([outcome.lost, outcome.inFlight], [0, 0]);
  assert.equal(counts.messages, outcome.counters.sent);
  assert.deepEqual(counts.closes, { 1000: 12 });
});

test("a run that is aborted waits for nothing: what is unanswered is in flight, not lost", async (t) => {
  const liar = await startLiar(t, ["--mute", "--busy-after", "12"]);
  const coordinator = coordinate(liar.port, 2, { durationMs: 60_000, messageTimeoutMs: 600_000 });
  const run = coordinator.run();
  await liar.server.waitForLine(/^busy$/);
  coordinator.interrupt();
  coordinator.abort();
  const outcome = await run;
  assertBalanced(outcome);
  assert.deepEqual([outcome.lost, outcome.inFlight], [0, 12]);
});

test("a generator process that is killed is named, and the others report", { skip: NEEDS_PROC }, async (t) => {
  const liar = await startLiar(t, ["--busy-after", "500"]);
  const coordinator = coordinate(liar.port, 2, { loop: { kind: "open", ratePerSecond: 1_000 }, durationMs: 1_500 });
  const run = coordinator.run();
  await liar.server.waitForLine(/^busy$/);
  const [first] = generatorPids();
  process.kill(first!, "SIGKILL");
  const outcome = await run;
  assert.equal(outcome.generatorFailures.length, 1);
  assert.match(outcome.generatorFailures[0]!, new RegExp(`pid ${first}\\) was ended by SIGKILL`));
  assert.equal(outcome.workers.length, 1);
  assert.ok(outcome.counters.received > 0);
  assertBalanced(outcome);
});

test("an interrupt that comes before the run ends it before anything is sent", async (t) => {
  const liar = await startLiar(t);
  const coordinator = coordinate(liar.port, 2, { connections: 2_000, connectRatePerSecond: 20, durationMs: 60_000 });
  coordinator.interrupt();
  const outcome = await coordinator.run();
  const counts = await liar.confess();
  assert.equal(outcome.interrupted, true);
  assert.equal(counts.messages, 0);
  assert.ok(counts.handshakes < 20, `${counts.handshakes} handshakes of 2,000`);
});
