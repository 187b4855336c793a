import assert from "node:assert/strict";
import { test } from "node:test";
import {
  exponentialSchedule,
  fixedSchedule,
  type Schedule,
  spreadSchedule,
} from "../../../../bench/generator/pacer.js";
import { seededRandom } from "../../../../bench/generator/random.js";

function* timesOf(schedule: Schedule): Generator<number> {
  for (; schedule.nextNs !== Number.POSITIVE_INFINITY; schedule.advance()) yield schedule.nextNs;
}

test("a fixed schedule is due at equal gaps from its start until its end", () => {
  assert.deepEqual(
    [...timesOf(fixedSchedule(1_000, 1_000 + 1e9, 4, 0))],
    [1_000, 250_001_000, 500_001_000, 750_001_000],
  );
});

test("a message that would be due at the end is not sent", () => {
  assert.equal([...timesOf(fixedSchedule(0, 1e9, 1_000, 0))].length, 1_000);
  assert.equal([...timesOf(fixedSchedule(0, 1e9 + 1, 1_000, 0))].length, 1_001);
  assert.deepEqual([...timesOf(fixedSchedule(0, 0, 1_000, 0))], []);
});

test("a fixed schedule does not drift: after a day the error is below a nanosecond's rounding", () => {
  const rate = 3;
  const seconds = 86_400;
  let n = 0;
  let last = 0;
  for (const at of timesOf(fixedSchedule(0, seconds * 1e9, rate, 0))) {
    const exact = (n * 1e9) / rate;
    if (Math.abs(at - exact) > 0.1) assert.fail(`message ${n} is due at ${at}, exactly ${exact}`);
    last = at;
    n++;
  }
  assert.equal(n, rate * seconds);
  assert.ok(Math.abs(last - (seconds * 1e9 - 1e9 / rate)) < 0.1);
});

test("rates that divide no second evenly send what they should, to one message", () => {
  for (const rate of [0.5, 7, 333.3, 12_345.678, 1e6]) {
    const seconds = 3;
    const count = [...timesOf(fixedSchedule(5e9, 5e9 + seconds * 1e9, rate, 0))].length;
    assert.ok(Math.abs(count - rate * seconds) <= 1, `${rate}/s sent ${count} in ${seconds} s`);
  }
});

test("several processes interleave: together they are one schedule of the whole rate", () => {
  const processes = [0, 1, 2, 3].map((index) => [...timesOf(fixedSchedule(100, 100 + 1e9, 250, index / 4))]);
  const together = processes.flat().sort((a, b) => a - b);
  assert.deepEqual(together, [...timesOf(fixedSchedule(100, 100 + 1e9, 1_000, 0))]);
});

test("a spread begins each of its connections once, whatever the numbers round to", () => {
  for (const startNs of [0, 123_456_789.123, 5e8 + 0.31, 3e10 + 0.7]) {
    for (const spreadNs of [1, 75e6, 333_333_333.25, 500e6]) {
      for (let count = 1; count <= 1_000; count += 7) {
        const times = [...timesOf(spreadSchedule(startNs, spreadNs, count))];
        if (times.length !== count) assert.fail(`${count} over ${spreadNs} ns from ${startNs} came to ${times.length}`);
        assert.ok(times[0]! >= startNs && times.at(-1)! < startNs + spreadNs);
      }
    }
  }
  assert.deepEqual([...timesOf(spreadSchedule(10, 100, 4))], [10, 35, 60, 85]);
  assert.deepEqual([...timesOf(spreadSchedule(10, 100, 0))], []);
});

test("a schedule that has ended stays ended", () => {
  for (const schedule of [fixedSchedule(0, 10, 1e9, 0), exponentialSchedule(0, 10, 1e9, seededRandom(1))]) {
    for (let i = 0; i < 100; i++) schedule.advance();
    assert.equal(schedule.nextNs, Number.POSITIVE_INFINITY);
    schedule.advance();
    assert.equal(schedule.nextNs, Number.POSITIVE_INFINITY);
  }
});

test("gaps of a Poisson process have the mean and the variance of their exponential distribution", () => {
  const rate = 50_000;
  const meanNs = 1e9 / rate;
  const times = [...timesOf(exponentialSchedule(0, 10e9, rate, seededRandom(7)))];
  const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / (gaps.length - 1);
  // Standard errors: mean / sqrt(n) and, with a kurtosis of 9, sqrt(8 / n) of the variance; 4 of each.
  const n = gaps.length;
  assert.ok(Math.abs(mean / meanNs - 1) < 4 / Math.sqrt(n), `mean ${mean} of ${meanNs} ns`);
  assert.ok(Math.abs(variance / meanNs ** 2 - 1) < 4 * Math.sqrt(8 / n), `variance ${variance} of ${meanNs ** 2}`);
  // Memoryless: 1/e of the gaps exceed the mean, 1/e^3 exceed three.
  for (const multiple of [1, 3]) {
    const share = gaps.filter((gap) => gap > multiple * meanNs).length / n;
    assert.ok(Math.abs(share / Math.exp(-multiple) - 1) < 0.03, `${share} above ${multiple} means`);
  }
});

test("a Poisson process counts as many messages as its rate, and starts after a gap", () => {
  const times = [...timesOf(exponentialSchedule(1e9, 6e9, 10_000, seededRandom(11)))];
  // A Poisson count's standard deviation is the root of its mean.
  assert.ok(Math.abs(times.length - 50_000) < 4 * Math.sqrt(50_000), `${times.length}`);
  assert.ok(times[0]! > 1e9 && times.at(-1)! < 6e9);
  assert.ok(times.every((at, i) => i === 0 || at > times[i - 1]!));
});

test("the same seed gives the same arrivals", () => {
  const take = (seed: number) => [...timesOf(exponentialSchedule(0, 1e8, 10_000, seededRandom(seed)))];
  assert.deepEqual(take(5), take(5));
  assert.notDeepEqual(take(5), take(6));
});
