import assert from "node:assert/strict";
import { test } from "node:test";
import { describePlan } from "../../../../bench/plan/describe.js";
import { planRun } from "../../../../bench/plan/preflight.js";
import { cores, foundServer, mac, machine, openLoop, ourServer, scenario } from "./cases.js";

test("a plan for a server of our own is told in a few lines", () => {
  const closed = scenario();
  assert.deepEqual(describePlan(planRun(closed, ourServer(), machine()), closed, ourServer()), [
    "1,000 connections to a server started for this run from 1 generator process (at most 20,000 open files a process)",
    "server on CPU 0; generator on CPU 1",
    "closed loop: each connection keeps 1 message unanswered (125 bytes, binary)",
    "about 12.5 s: 500 ms to connect (2,000 a second), 2 s warm-up, 10 s measured",
  ]);
});

test("a plan with several processes and addresses tells their shares", () => {
  const open = openLoop(20_000, { connections: 20_000, deflate: true, payloadType: "text", durationMs: 300_000 });
  const target = foundServer({ serverCpus: [0] });
  const plan = planRun(open, target, machine({ cores: cores(3) }), { run: 1 });
  assert.deepEqual(describePlan(plan, open, target), [
    "20,000 connections to 127.0.0.1 port 9001 from 2 generator processes, 10,000 each (at most 20,000 open files a process)",
    "from 4 source addresses, 127.64.1.0 to 127.64.1.3, 5,000 connections each",
    "server on CPU 0; generators on CPU 1, 2",
    "open loop: 20,000 messages a second, evenly spaced, kept to the schedule by polling the clock (125 bytes, text, compressed)",
    "about 5.2 min: 10 s to connect (2,000 a second), 2 s warm-up, 5 min measured",
  ]);
});

test("one message a second is one message, and a rate below one is not told as none", () => {
  const told = (ratePerSecond: number) => {
    const open = openLoop(ratePerSecond, { connections: 1 });
    return describePlan(planRun(open, foundServer(), mac()), open, foundServer()).find((line) => /^open/.test(line))!;
  };
  assert.match(told(1), /^open loop: 1 message a second, /);
  assert.match(told(0.02), /^open loop: 0\.02 messages a second, /);
});

test("a plan's notes come last", () => {
  const open = openLoop(500, { connections: 100 });
  const lines = describePlan(planRun(open, foundServer(), mac()), open, foundServer());
  assert.match(lines[1]!, /^open loop: 500 messages a second, evenly spaced, kept to the schedule by timers/);
  assert.deepEqual(
    lines.slice(3).map((line) => line.slice(0, 20)),
    ["note: On darwin noth", "note: Sends are pace"],
  );
});
