import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { ServerMeter } from "../../../bench/target/account.js";
import { Burner } from "./burner.js";

/** A thread that runs may be behind by a tick of the scheduler (4 ms at 250 Hz), here the child's main thread. */
const FINE_SECONDS = 0.008;
/** Ticks are 10 ms, cut at both ends, of user and of system time. */
const TICK_SECONDS = 0.03;

describe("a server's cost", { skip: process.platform === "linux" ? false : "the accounts are Linux's" }, () => {
  let burner = new Burner();
  let idle = 0;

  beforeEach(async () => {
    await burner.end();
    burner = new Burner();
    idle = (await burner.tell({ kind: "burn", ms: 1 })).cpuSeconds;
  });
  after(() => burner.end());

  function near(actual: number, expected: number, tolerance: number): void {
    assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} s measured, ${expected} s used`);
  }

  test("is what the process itself counts, finer than a clock tick", async () => {
    const meter = new ServerMeter([burner.pid]);
    meter.windowStart();
    const { cpuSeconds } = await burner.tell({ kind: "burn", ms: 303 });
    meter.windowEnd();
    const cost = meter.cost(1_000, 0)!;
    const used = cpuSeconds - idle;
    near(cost.userSeconds + cost.systemSeconds, used, FINE_SECONDS);
    near(cost.cpuPerMessageUs! / 1e6, used / 1_000, FINE_SECONDS / 1_000);
    assert.ok(cost.systemSeconds > 0.01 && cost.userSeconds > 0.01, "the burner spends both kinds of time");
    assert.ok(cost.cores > 0.1 && cost.cores <= 1.1, `${cost.cores} cores`);
    assert.deepEqual([cost.pids, cost.vanishedPids, cost.busyThreads], [[burner.pid], [], 1]);
  });

  test("counts threads that were busy, and not those that were not", async () => {
    const meter = new ServerMeter([burner.pid]);
    meter.windowStart();
    const { cpuSeconds } = await burner.tell({ kind: "threads", ms: 300, threads: 2, after: "stay" });
    meter.windowEnd();
    const cost = meter.cost(0, 0)!;
    near(cost.userSeconds + cost.systemSeconds, cpuSeconds - idle, FINE_SECONDS * 2);
    assert.ok(cost.busyThreads === 2 || cost.busyThreads === 3, `${cost.busyThreads} busy threads`);
    assert.equal(cost.cpuPerMessageUs, null);
  });

  test("holds the time of threads that ended in the window", async () => {
    const meter = new ServerMeter([burner.pid]);
    meter.windowStart();
    const { cpuSeconds } = await burner.tell({ kind: "threads", ms: 200, threads: 2, after: "end" });
    meter.windowEnd();
    const cost = meter.cost(1, 0)!;
    near(cost.userSeconds + cost.systemSeconds, cpuSeconds - idle, TICK_SECONDS);
  });

  test("holds the time of a child that was started in the window", async () => {
    const meter = new ServerMeter([burner.pid]);
    meter.windowStart();
    const { pid, cpuSeconds } = await burner.tell({ kind: "child", ms: 200 });
    meter.windowEnd();
    const cost = meter.cost(1, 0)!;
    assert.deepEqual(cost.pids, [burner.pid, pid]);
    assert.ok(cost.userSeconds + cost.systemSeconds >= cpuSeconds - FINE_SECONDS);
  });

  test("holds the growth of memory, for each connection", async () => {
    const meter = new ServerMeter([burner.pid]);
    meter.sampleBefore();
    await burner.tell({ kind: "allocate", bytes: 64 * 2 ** 20 });
    meter.sampleConnected();
    meter.windowStart();
    await burner.tell({ kind: "allocate", bytes: 32 * 2 ** 20 });
    meter.windowEnd();
    const cost = meter.cost(1, 1_024)!;
    assert.ok(cost.rssPerConnectionBytes! >= 65_000 && cost.rssPerConnectionBytes! < 75_000);
    assert.ok(cost.rssEndBytes - cost.rssConnectedBytes >= 31 * 2 ** 20);
    assert.equal(meter.cost(1, 0)!.rssPerConnectionBytes, null);
  });

  test("is unknown when the server has gone, and says which process has", async () => {
    const second = new Burner();
    try {
      const { cpuSeconds: before } = await second.tell({ kind: "burn", ms: 1 });
      const both = new ServerMeter([burner.pid, second.pid]);
      const one = new ServerMeter([burner.pid]);
      both.windowStart();
      one.windowStart();
      await burner.end();
      const { cpuSeconds } = await second.tell({ kind: "burn", ms: 50 });
      both.windowEnd();
      one.windowEnd();
      assert.equal(one.cost(1, 0), null);
      const cost = both.cost(1, 0)!;
      assert.deepEqual([cost.pids, cost.vanishedPids], [[second.pid], [burner.pid]]);
      near(cost.userSeconds + cost.systemSeconds, cpuSeconds - before, FINE_SECONDS);
    } finally {
      await second.end();
    }
  });

  test("of a window that never was is unknown", () => {
    assert.equal(new ServerMeter([burner.pid]).cost(1, 1), null);
  });
});
