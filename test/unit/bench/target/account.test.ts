import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ProcessSample, parseSchedstat, parseStat, processUse } from "../../../../bench/target/account.js";

const STAT =
  "9552 (no de) S) S 1 9552 9552 0 -1 4194560 1220 0 0 0 1234 567 8 9 20 0 11 0 118540 1090000000 10650 18446744073709551615\n";

describe("a process's line", () => {
  test("holds user and system ticks and the start, whatever its name is", () => {
    assert.deepEqual(parseStat(STAT), { userTicks: 1_234, systemTicks: 567, startTicks: 118_540 });
  });

  test("of a zombie counts as gone", () => {
    assert.equal(parseStat(STAT.replace(") S 1", ") Z 1")), null);
    assert.equal(parseStat(""), null);
  });

  test("of a thread's scheduler begins with nanoseconds on the CPU", () => {
    assert.equal(parseSchedstat("498062993 71496 1\n"), 498_062_993);
  });
});

describe("a process's use between two samples", () => {
  const sample = (userTicks: number, systemTicks: number, threads: [number, number][] | null): ProcessSample => ({
    pid: 7,
    startTicks: 1,
    userTicks,
    systemTicks,
    threadsNs: threads === null ? null : new Map(threads),
  });
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`);

  test("comes from the threads' nanoseconds, split as the ticks are", () => {
    const before = sample(100, 50, [[7, 1_500e6]]);
    const use = processUse(before, sample(130, 60, [[7, 1_903.5e6]]));
    near(use.userSeconds, 0.4035 * 0.75);
    near(use.systemSeconds, 0.4035 * 0.25);
    assert.deepEqual(use.threadSeconds, [0.4035]);
  });

  test("counts a new thread from its start", () => {
    const use = processUse(
      sample(0, 0, [[7, 5e6]]),
      sample(30, 0, [
        [7, 105e6],
        [8, 200e6],
      ]),
    );
    near(use.userSeconds, 0.3);
    assert.deepEqual(use.threadSeconds, [0.1, 0.2]);
  });

  test("falls back to ticks when an ended thread has taken its nanoseconds with it", () => {
    const before = sample(0, 0, [
      [7, 0],
      [8, 0],
    ]);
    const use = processUse(before, sample(40, 10, [[7, 100e6]]));
    near(use.userSeconds, 0.4);
    near(use.systemSeconds, 0.1);
  });

  test("does not take two ticks of rounding for an ended thread", () => {
    near(processUse(sample(0, 0, [[7, 0]]), sample(12, 0, [[7, 101e6]])).userSeconds, 0.101);
  });

  test("comes from ticks where the kernel counts no nanoseconds", () => {
    const use = processUse(sample(10, 10, null), sample(11, 11, null));
    near(use.userSeconds, 0.01);
    near(use.systemSeconds, 0.01);
    assert.deepEqual(use.threadSeconds, []);
  });

  test("of less than a tick is user time", () => {
    const use = processUse(sample(10, 10, [[7, 200e6]]), sample(10, 10, [[7, 203e6]]));
    near(use.userSeconds, 0.003);
    assert.equal(use.systemSeconds, 0);
  });

  test("of a process that was not there before counts from its start", () => {
    near(processUse(null, sample(20, 0, [[7, 204e6]])).userSeconds, 0.204);
  });
});
