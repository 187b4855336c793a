import assert from "node:assert/strict";
import { test } from "node:test";
import { Heartbeat, type HeartbeatTimes } from "../../../../src/websocket/heartbeat.js";

/** A heartbeat on a clock that the test moves, and what it did: "12.5 expire 3". */
function start(times: HeartbeatTimes, capacity?: number) {
  let nowMs = 1_000_000;
  const startMs = nowMs;
  const events: string[] = [];
  const stamp = (what: string, slot: number) => events.push(`${(nowMs - startMs) / 1000} ${what} ${slot}`);
  const heartbeat: Heartbeat = new Heartbeat(
    times,
    {
      ping: (slot) => stamp("ping", slot),
      expire: (slot) => {
        stamp("expire", slot);
        heartbeat.remove(slot);
      },
    },
    nowMs,
    capacity,
  );
  return {
    heartbeat,
    events,
    seen: (slot: number) => {
      heartbeat.lastSeenTick[slot] = heartbeat.tick;
    },
    pass: (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += heartbeat.tickMs;
        heartbeat.advance(nowMs);
        heartbeat.expireDue();
      }
    },
    stall: (ms: number) => {
      nowMs += ms;
      heartbeat.advance(nowMs);
      heartbeat.expireDue();
    },
  };
}

test("a silent connection expires once, not before its time-out and at most a tick after it", () => {
  const { heartbeat, events, pass } = start({ timeoutMs: 15_000 });
  const slot = heartbeat.add();
  pass(60_000);
  assert.deepEqual(events, [`15.05 expire ${slot}`]);
});

test("a sign of life moves the end to a time-out after it", () => {
  const { heartbeat, events, seen, pass } = start({ timeoutMs: 15_000 });
  const slot = heartbeat.add();
  pass(14_000);
  seen(slot);
  pass(10_000);
  seen(slot);
  pass(60_000);
  assert.deepEqual(events, [`39.05 expire ${slot}`]);
});

test("with pings, silence is answered with one ping, and a sign of life starts it anew", () => {
  const { heartbeat, events, seen, pass } = start({ timeoutMs: 15_000, pingAfterMs: 10_000 });
  const slot = heartbeat.add();
  pass(10_500);
  seen(slot);
  pass(60_000);
  assert.deepEqual(events, [`10 ping ${slot}`, `20.5 ping ${slot}`, `25.55 expire ${slot}`]);
});

test("a busy connection is never pinged", () => {
  const { heartbeat, events, seen, pass } = start({ timeoutMs: 15_000, pingAfterMs: 10_000 });
  const slot = heartbeat.add();
  for (let i = 0; i < 100; i++) {
    pass(3_000);
    seen(slot);
  }
  assert.deepEqual(events, []);
});

test("a removed connection does nothing more, and its slot serves the next one from the start", () => {
  const { heartbeat, events, pass } = start({ timeoutMs: 1_000 });
  const first = heartbeat.add();
  pass(900);
  heartbeat.remove(first);
  const second = heartbeat.add();
  assert.equal(second, first);
  pass(900);
  assert.deepEqual(events, []);
  pass(1_000);
  assert.deepEqual(events, [`1.95 expire ${second}`]);
});

test("connections of one bucket come and go without harm to each other", () => {
  const { heartbeat, events, seen, pass } = start({ timeoutMs: 1_000 });
  const slots = Array.from({ length: 5 }, () => heartbeat.add());
  heartbeat.remove(slots[4]);
  heartbeat.remove(slots[0]);
  heartbeat.remove(slots[2]);
  pass(500);
  seen(slots[1]);
  pass(2_000);
  assert.deepEqual(events, ["1.05 expire 3", "1.55 expire 1"]);
});

test("it grows beyond its first capacity and keeps what it knew", () => {
  const { heartbeat, events, seen, pass } = start({ timeoutMs: 1_000 }, 2);
  const slots = Array.from({ length: 9 }, () => heartbeat.add());
  assert.deepEqual(slots, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  pass(500);
  for (const slot of slots.slice(0, 8)) seen(slot);
  pass(550);
  assert.deepEqual(events, ["1.05 expire 8"]);
  pass(5_000);
  assert.equal(events.length, 9);
});

test("a standstill of the process takes at most a tenth of the time-out from the peers", () => {
  const { heartbeat, events, pass, stall } = start({ timeoutMs: 15_000, pingAfterMs: 10_000 });
  const slot = heartbeat.add();
  pass(1_000);
  stall(3_600_000);
  assert.deepEqual(events, []);
  pass(7_500);
  assert.deepEqual(events, [`3608.5 ping ${slot}`]);
});

test("after a short delay all that came due in it is done, each by its own deadline", () => {
  const { heartbeat, events, pass, stall } = start({ timeoutMs: 15_000 });
  heartbeat.add();
  pass(100);
  heartbeat.add();
  pass(14_000);
  stall(1_200);
  assert.deepEqual(events, ["15.3 expire 0", "15.3 expire 1"]);
});

test("long time-outs use longer ticks, so that the wheel stays small, and stay exact to a thousandth", () => {
  const { heartbeat, events, pass } = start({ timeoutMs: 900_000 });
  const slot = heartbeat.add();
  pass(2_000_000);
  assert.equal(heartbeat.tickMs, 450);
  assert.deepEqual(events, [`900.45 expire ${slot}`]);
});

test("ten thousand connections with random traffic expire exactly a time-out after their last sign of life", () => {
  const { heartbeat, events, seen, pass } = start({ timeoutMs: 2_000, pingAfterMs: 1_300 });
  let state = 42;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const slots = Array.from({ length: 10_000 }, () => heartbeat.add());
  const lastSeenMs = slots.map(() => 0);
  for (let nowMs = 0; nowMs < 6_000; nowMs += 50) {
    for (const slot of slots) {
      // Below the time-out between two signs of life, until each falls silent for good.
      if (nowMs - lastSeenMs[slot] < 1_900 && random() < 0.01 && nowMs < 3_000) {
        lastSeenMs[slot] = nowMs;
        seen(slot);
      }
    }
    pass(50);
  }
  const expired = events.filter((event) => event.includes("expire"));
  assert.equal(expired.length, slots.length);
  for (const event of expired) {
    const [atSeconds, , slot] = event.split(" ").map(Number);
    assert.equal(Math.round(atSeconds * 1000), lastSeenMs[slot] + 2_050, event);
  }
});
