import assert from "node:assert/strict";
import { test } from "node:test";
import { Times } from "../../../../bench/generator/times.js";
import { toHistogram } from "../../../../bench/recorder/tally.js";

const countOf = (sparse: Float64Array) => toHistogram([sparse]).totalCount;

test("a second holds all of its values, the window only those inside", () => {
  const times = new Times();
  times.record(10, 1, false);
  times.record(20, 2, true);
  assert.equal(countOf(times.endSecond()), 3);
  times.record(30, 3, true);
  times.record(20, 4, true);
  assert.equal(countOf(times.endSecond()), 7);
  assert.deepEqual([...times.window()], [20, 6, 30, 3]);
});

test("values of the second that has not ended are in the window, once", () => {
  const times = new Times();
  times.record(5, 1, true);
  times.endSecond();
  times.record(6, 1, true);
  assert.deepEqual([...times.window()], [5, 1, 6, 1]);
  assert.deepEqual([...times.window()], [5, 1, 6, 1]);
});

test("a second without values is empty", () => {
  const times = new Times();
  times.record(5, 1, true);
  assert.deepEqual([...times.endSecond()], [5, 1]);
  assert.deepEqual([...times.endSecond()], []);
  times.record(7, 1, false);
  assert.deepEqual([...times.endSecond()], [7, 1]);
});

test("a second with values inside and outside the window holds both", () => {
  const times = new Times();
  times.record(5, 1, true);
  times.record(5, 2, false);
  times.record(9, 4, false);
  const second = toHistogram([times.endSecond()]);
  assert.equal(second.totalCount, 7);
  assert.equal(second.getValueAtPercentile(40), 5);
  assert.equal(second.getValueAtPercentile(100), 9);
});
