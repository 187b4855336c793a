import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf } from "../../../../bench/report/layout.js";
import { renderTerminal } from "../../../../bench/report/terminal.js";
import type { Measured } from "../../../../bench/result/result.js";
import { type Evidence, judge } from "../../../../bench/result/verdict.js";
import { closedRun, latencyOf, openRun } from "../../../tools/sample-run.js";

const ESCAPE = "\x1b";

function render(
  run: Measured,
  options: { width?: number; color?: boolean; savedAs?: string } = {},
  evidence: Partial<Evidence> = {},
) {
  const result = { ...run, verdict: judge(run, evidence) };
  return renderTerminal(result, { color: false, width: 100, ...options });
}

/** Runs of every kind, with the longest words that a server may bring in. */
function everyKind(): Measured[] {
  const faulty = closedRun();
  Object.assign(faulty.ledger, {
    received: faulty.ledger.sent - 1_078,
    lost: 1_078,
    corrupted: 12,
    duplicated: 7,
    reordered: 40,
  });
  faulty.connections.openAtEnd = 993;
  faulty.connections.endings = { [`close 1011 ${"回".repeat(60)}`]: 6, [`${ESCAPE}[31mreset`]: 1 };
  const slow = openRun();
  slow.latency.response = latencyOf(20_000, 1, 900_000);
  slow.receivedPerSecond = 9_000;
  const stalled = openRun();
  stalled.generator[0]!.maxStallMs = 2_004;
  const remote = openRun();
  remote.server = null;
  remote.machine = null;
  remote.plan.serverCpus = null;
  remote.plan.notes = ["This system is not Linux: no pinning, and the server's cost is not measured."];
  remote.manifest.server = {
    ...remote.manifest.server,
    url: `wss://example.org/${"x".repeat(150)}`,
    address: "192.0.2.7",
    startedByUs: false,
  };
  return [closedRun(), openRun(), faulty, slow, stalled, remote];
}

test("the verdict comes first", () => {
  const firsts = everyKind().map((run) => render(run).split("\n")[0]!.split("  ")[0]);
  assert.deepEqual(firsts, ["✔ VALID", "✔ VALID", "! SUSPECT", "! SUSPECT", "✘ VOID", "✔ VALID"]);
  const faulty = closedRun();
  faulty.ledger.duplicated = 1;
  assert.match(render(faulty), /^✘ FAULTY /);
});

test("a valid run in closed loop is told at a glance, and its latency with its limits", () => {
  const text = render(closedRun());
  assert.match(text, /^✔ VALID {6}Nothing was lost, and nothing spoils the figures\.\n/);
  assert.match(
    text,
    /closed loop, 1 message in flight on each of 1,000 connections\n +125 B binary · 2 s warm-up · 10 s measured/,
  );
  assert.match(text, /Result +89,811 messages\/s · response p50 11\.2 ms · p99 13\.2 ms · max 13\.2 ms\n/);
  assert.match(
    text.replaceAll(/\s+/g, " "),
    /Little's law: 1,000 connections × 1 in flight ÷ 89,811 messages\/s = 11\.1 ms/,
  );
  assert.match(text, /coordinated omission/);
  assert.match(text, /1,078,312 sent = 1,078,312 answered \+ 0 lost \+ 0 in flight · in order, byte for byte/);
  assert.match(text, /Server cost {2}10\.0 µs CPU a message \(68% of it in the kernel\) · 0\.90 of 1 core/);
  assert.match(text, /Load cost +9\.80 µs CPU a message · event loop busy 88% · longest stall 14\.0 ms/);
  assert.match(text, /No network \(loopback\)/);
});

test("closed loop has one row of times, open loop three with their meaning", () => {
  assert.doesNotMatch(render(closedRun()), /\n {2}(service|lag) /);
  const text = render(openRun());
  for (const row of ["response", "service", "lag"]) assert.match(text, new RegExp(`\\n {2}${row} +\\d`));
  assert.match(text, /counts from the moment a message was due/);
  assert.match(text, /Result +at 20,000 messages\/s · response p50/);
  assert.doesNotMatch(text, /Little/);
});

test("a single message at a time is a round trip, not a queue", () => {
  const run = closedRun();
  run.scenario.connections = 1;
  Object.assign(run.connections, { requested: 1, established: 1, openAtEnd: 1 });
  const text = render(run);
  assert.match(text, /closed loop, 1 message in flight on 1 connection\n/);
  assert.match(text, /the round trip without a queue/);
  assert.doesNotMatch(text, /Little/);
});

test("a throughput that the generator bounds is an at least, also where others took the rest of its core", () => {
  const run = closedRun();
  run.generator[0] = { ...run.generator[0]!, userSeconds: 2, systemSeconds: 4.8, busyShare: 0.94 };
  assert.match(render(run), /Result +at least 89,811 messages\/s/);
  assert.match(render(run), /event loop busy 94%/);
});

test("Little's law is left out where messages were lost: it does not hold for what waits for a time-out", () => {
  const run = closedRun();
  run.ledger.lost = 1;
  run.ledger.received -= 1;
  const text = render(run).replaceAll(/\s+/g, " ");
  assert.doesNotMatch(text, /Little/);
  assert.match(text, /coordinated omission.* Use --rate/);
});

test("a handshake's quantile that cannot be given is left out", () => {
  const handshakes = (count: number) => {
    const run = closedRun();
    run.latency.handshake = latencyOf(count, 1, 2);
    return /handshake [^·\n]*/.exec(render(run))![0].trim();
  };
  assert.equal(handshakes(1), "handshake 1.00 ms");
  assert.equal(handshakes(99), "handshake p50 1.50 ms");
  assert.equal(handshakes(100), "handshake p50 1.50 ms, p99 1.99 ms");
});

test("memory a connection is told from 500 connections on, where it grew", () => {
  const run = closedRun();
  assert.match(render(run), /1\.1 KiB RSS a connection · 57 MiB RSS in all/);
  run.server!.rssPerConnectionBytes = -40;
  assert.doesNotMatch(render(run), /RSS a connection/);
  run.server!.rssPerConnectionBytes = 1_126;
  for (const [established, shown] of [
    [499, false],
    [500, true],
  ] as const) {
    Object.assign(run.connections, { requested: established, established, openAtEnd: established });
    assert.equal(/RSS a connection/.test(render(run)), shown, `${established}`);
  }
});

test("one message a second is one message", () => {
  const run = openRun();
  run.scenario.loop = { kind: "open", ratePerSecond: 1, arrivals: "fixed" };
  run.sentPerSecond = run.receivedPerSecond = 1;
  assert.match(render(run), /open loop, 1 message\/s at fixed gaps/);
  assert.match(render(run), /Result +at 1 message\/s/);
});

test("a queue that grows shows both rates", () => {
  assert.match(render(everyKind()[3]!), /Result +9,000 of 20,000 messages\/s answered/);
});

test("a void run shows no throughput and no latency as its result, but reasons, messages and connections", () => {
  const run = openRun();
  run.generator[0]!.maxStallMs = 2_004;
  const text = render(run, { savedAs: "results/local/x/result.json" });
  assert.match(text, /void {7}A generator process stood still\./);
  assert.match(text, /→ Keep other programs off its core/);
  assert.match(text, /Messages +240,000 sent/);
  assert.match(text, /Connections +1,000 of 1,000 established/);
  assert.match(text, /Saved +results\/local\/x\/result\.json/);
  assert.doesNotMatch(text, /Result|Latency|p50|p99|response|µs|Server cost|Load cost|Try/);
});

test("notes stand behind the figures, and every reason has its fact and its remedy", () => {
  const run = closedRun();
  run.ledger.reordered = 40;
  const text = render(run);
  assert.match(text, /figures\. 1 note below\.\n/);
  assert.ok(text.indexOf("Note ") > text.indexOf("Load cost"));
  assert.match(text, /Answers came in another order than the messages\. 40 of 1,078,312 answers/);
  assert.match(text, /→ Clients must match answers by an id/);
});

test("the ledger names each anomaly with its count, aligned", () => {
  const text = render(everyKind()[2]!);
  assert.match(text, /1,078,312 sent = 1,077,234 answered \+ 1,078 lost \+ 0 in flight\n/);
  assert.match(text, /\n {13}12 of the answers corrupted.*\n {13}40 of the answers out of order.*\n {14}7 duplicates/);
  assert.doesNotMatch(text, /byte for byte/);
});

test("failures and endings are grouped, the most frequent first, and the many rare ones summed up", () => {
  const run = closedRun();
  run.connections.established = run.connections.openAtEnd = 980;
  run.connections.failures = { timeout: 2, refused: 8 };
  for (let i = 0; i < 10; i++) run.connections.failures[`odd ${i}`] = 1;
  const text = render(run);
  assert.match(
    text,
    /\n {2}failed {5}8 × refused\n {13}2 × timeout\n {13}1 × odd 0\n {13}1 × odd 1\n {13}1 × odd 2\n {13}7 × 7 other reasons\n/,
  );
});

test("a quantile without values beyond it is not shown", () => {
  const run = closedRun();
  run.latency.response = latencyOf(500, 1, 2);
  assert.match(render(run), /\n {2}response +1\.50 ms +1\.90 ms +1\.99 ms +- +- +2\.00 ms +1\.50 ms +0%\n/);
});

test("a pause shows in the course of the window", () => {
  const run = openRun();
  run.intervals[4] = { ...run.intervals[4]!, received: 0, p50Ns: null, p90Ns: null, p99Ns: null, maxNs: null };
  run.intervals[5]!.maxNs = 2e9;
  const text = render(run);
  assert.match(text, /answered {3}▇▇▇▇▁▇▇▇▇▇ {2}0 to 20,000 a second\n/);
  assert.match(text, /slowest {4}▁▁▁▁ ▇▁▁▁▁ {2}13\.2 ms to 2\.00 s\n/);
});

test("a long run's seconds share bars", () => {
  const run = openRun();
  const second = run.intervals[0]!;
  run.intervals = Array.from({ length: 600 }, (_, i) => ({ ...second, startMs: i * 1_000, endMs: (i + 1) * 1_000 }));
  assert.match(render(run), /answered {3}▇{30} {2}20,000 to 20,000 a second, 20 s a bar\n/);
});

test("deflate shows what was agreed on and the bytes on the wire", () => {
  const run = closedRun();
  run.scenario.deflate = true;
  run.connections.extensions = { "permessage-deflate; server_no_context_takeover": 1_000 };
  run.ledger.compressed = run.ledger.received;
  const text = render(run);
  assert.match(text, /agreed on {2}1,000 × permessage-deflate; server_no_context_takeover/);
  assert.match(text, /100% of the answers compressed · on the wire 131 B out and 127 B back a message/);
});

test("no line is wider than the terminal, at any width from 80 on, with colour or without", () => {
  for (const run of everyKind()) {
    for (const width of [80, 81, 97, 100, 119, 120, 200]) {
      const text = render(run, { width, savedAs: `results/local/${"y".repeat(120)}/result.json` });
      for (const line of text.split("\n")) assert.ok(columnsOf(line) <= width, `${width}: ${line}`);
      const colored = render(run, { width, color: true, savedAs: `results/local/${"y".repeat(120)}/result.json` });
      const stripped = colored.replaceAll(new RegExp(`${ESCAPE}\\[[\\d;]*m`, "g"), "");
      assert.equal(stripped.replaceAll(/ +$/gm, ""), text);
    }
  }
});

test("without colour there is no control character but the line feed, whatever the server sent", () => {
  for (const run of everyKind()) assert.doesNotMatch(render(run), /[^\P{Cc}\n]/u);
});

test("the next step is a command that can be pasted: the other loop, with what was not default", () => {
  const closed = closedRun();
  assert.match(render(closed), /Try +npx echolot load --rate 63000 {2}#/);
  closed.scenario.connections = 50;
  closed.scenario.payloadBytes = 2_048;
  closed.scenario.payloadType = "text";
  closed.scenario.deflate = true;
  closed.connections.extensions = { "permessage-deflate": 1_000 };
  closed.manifest.server = { ...closed.manifest.server, startedByUs: false, url: "ws://[::1]:80/a?b='c'&d" };
  assert.match(
    render(closed, { width: 120 }).replaceAll(/\n +/g, " "),
    /Try +npx echolot load 'ws:\/\/\[::1\]:80\/a\?b='\\''c'\\''&d' --connections 50 --payload 2048 --type text --deflate --rate 63000/,
  );
  assert.match(render(openRun()), /Try +npx echolot load {2}# the most that it answers/);
});

test("a timer's share of a short response time is said", () => {
  const run = openRun();
  run.latency.lag = latencyOf(20_000, 0.1, 1.1);
  assert.match(render(run).replaceAll(/\s+/g, " "), /Here 600 µs at p50 is the pacer's timer/);
  run.plan.pacing = "spin";
  assert.doesNotMatch(render(run), /pacer's timer/);
});

test("a server whose cost is unknown, on another machine, is said to be so", () => {
  const text = render(everyKind()[5]!);
  assert.match(text, /Server cost {2}not measured/);
  assert.match(text, /The network's delay is part of every time/);
  assert.match(text, /This system is not Linux/);
});

test("only the window's whole seconds stand in its course, and fewer than three show none", () => {
  const run = openRun();
  const second = run.intervals[0]!;
  run.intervals = [
    { ...second, phase: "warmup", received: 7 },
    ...run.intervals.slice(0, 3),
    { ...second, endMs: second.startMs + 499, received: 1 },
    { ...second, phase: "drain", received: 9 },
  ];
  assert.match(render(run), /answered {3}▇▇▇ {2}20,000 to 20,000 a second\n/);
  run.intervals.splice(1, 1);
  assert.doesNotMatch(render(run), /answered {3}/);
});

test("a window without any answer in its seconds has no slowest ones", () => {
  const run = openRun();
  run.intervals = run.intervals.map((interval) => ({ ...interval, maxNs: null }));
  assert.doesNotMatch(render(run), /slowest/);
});

test("a spinning pacer's CPU time is not divided by messages, a sleeping one's is", () => {
  const run = openRun();
  assert.match(render(run), /Load cost +16\.0 µs CPU a message · core busy 32%/);
  run.plan.pacing = "spin";
  assert.match(render(run), /paced by polling the clock/);
  assert.match(render(run), /Load cost +event loop busy 31%/);
});

test("of several generator processes the longest stall and the memory of all are told", () => {
  const run = closedRun();
  run.generator = [
    { ...run.generator[0]!, cpus: [1], maxStallMs: 31 },
    { ...run.generator[0]!, cpus: [2], maxStallMs: 12 },
  ];
  run.plan.workers.push({ index: 1, connections: 0, localAddresses: [], cpus: [2] });
  const text = render(run);
  assert.match(text, /from 2 processes on CPU 1, 2\n/);
  assert.match(text, /longest stall 31\.0 ms · 175 MiB RSS/);
});

test("a single loss, failure or odd frame is shown and coloured", () => {
  const run = closedRun();
  run.ledger.lost = 1;
  run.ledger.received -= 1;
  run.ledger.unexpected = 1;
  const text = render(run, { color: true });
  assert.ok(text.includes(`answered + ${ESCAPE}[1;31m1 lost${ESCAPE}[0m + 0 in flight`));
  assert.match(text, /1 unexpected frames/);
});

test("what is allowed but worth knowing is told with the messages, only where it was seen", () => {
  const run = closedRun();
  assert.doesNotMatch(render(run), /fragmented|ping/);
  run.ledger.fragmented = run.ledger.received / 4;
  run.ledger.pings = 1;
  assert.match(render(run), /25% of the answers fragmented · 1 ping of the server answered/);
});

test("empty messages are counted, and nothing is said of their bytes", () => {
  const run = closedRun();
  run.scenario.payloadBytes = 0;
  assert.doesNotMatch(render(run), /byte for byte/);
});

test("a refused run says that nothing was sent", () => {
  const run = closedRun();
  Object.assign(run.connections, { established: 0, openAtEnd: 0, failures: { refused: 1_000 } });
  for (const field of Object.keys(run.ledger) as (keyof typeof run.ledger)[]) run.ledger[field] = 0;
  run.latency = { response: null, service: null, lag: null, handshake: null, unanswered: 0 };
  run.receivedPerSecond = run.sentPerSecond = 0;
  run.intervals = [];
  run.generator = [];
  const text = render(run);
  assert.match(text, /^✘ VOID/);
  assert.match(text, /Load +from 1 process\n/);
  assert.match(
    text,
    /Messages +none sent\nConnections +0 of 1,000 established in 519 ms\n {2}failed {5}1,000 × refused\n/,
  );
});
