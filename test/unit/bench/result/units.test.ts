import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMany,
  formatMessageRate,
  formatNs,
  formatRate,
  formatShare,
} from "../../../../bench/result/units.js";

test("a measured time has three digits and the unit that suits it, also where rounding reaches the next one", () => {
  const times: readonly (readonly [number, string])[] = [
    [0, "0 ns"],
    [850, "850 ns"],
    [999.6, "1.00 µs"],
    [12_340, "12.3 µs"],
    [9_999, "10.0 µs"],
    [999_600, "1.00 ms"],
    [1_234_567, "1.23 ms"],
    [99_960_000, "100 ms"],
    [1_859_000_000, "1.86 s"],
    [123_400_000_000, "123 s"],
    [5_000_000_000_000, "5,000 s"],
  ];
  for (const [ns, text] of times) assert.equal(formatNs(ns), text);
});

test("a chosen time has no idle zeros", () => {
  const times: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [519.4, "519 ms"],
    [1_000, "1 s"],
    [10_003, "10 s"],
    [2_500, "2.5 s"],
    [90_000, "90 s"],
    [300_000, "5 min"],
    [86_400_000, "24 h"],
  ];
  for (const [ms, text] of times) assert.equal(formatDuration(ms), text);
});

test("a share is 0% or 100% only when it is", () => {
  const shares: readonly (readonly [number, string])[] = [
    [0, "0%"],
    [0.000_01, "<0.01%"],
    [0.001_9, "0.19%"],
    [0.012, "1.2%"],
    [0.0999, "10%"],
    [0.126, "13%"],
    [0.996, "99.6%"],
    [0.999_99, ">99.9%"],
    [1, "100%"],
  ];
  for (const [share, text] of shares) assert.equal(formatShare(share), text);
});

test("counts have separators, rates a decimal only where it tells, bytes binary units", () => {
  assert.equal(formatCount(1_078_312), "1,078,312");
  assert.equal(formatRate(88_412.4), "88,412");
  assert.equal(formatRate(12.54), "12.5");
  assert.equal(formatRate(99.97), "100");
  assert.equal(formatRate(0.97), "1");
  assert.equal(formatRate(0.0412), "0.041");
  assert.equal(formatRate(0), "0");
  assert.equal(formatMessageRate(1.02), "1 message/s");
  assert.equal(formatMessageRate(0), "0 messages/s");
  assert.equal(formatMessageRate(1_200), "1,200 messages/s");
  assert.equal(formatMany(1, "process", "processes"), "1 process");
  assert.equal(formatMany(1_200, "process", "processes"), "1,200 processes");
  assert.equal(formatBytes(125), "125 B");
  assert.equal(formatBytes(1_126), "1.1 KiB");
  assert.equal(formatBytes(16 * 1_024), "16 KiB");
  assert.equal(formatBytes(1_048_400), "1 MiB");
  assert.equal(formatBytes(92e6), "88 MiB");
  assert.equal(formatBytes(-2_048), "-2 KiB");
});
