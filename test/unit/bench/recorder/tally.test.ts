import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "hdr-histogram-js";
import { bucketOf, HIGHEST_VALUE, lowestValueOf, Tally, toHistogram } from "../../../../bench/recorder/tally.js";

/** The bucket layout of hdr-histogram-js, which its public type leaves out. */
interface Layout {
  countsArrayLength: number;
  countsArrayIndex(value: number): number;
  lowestEquivalentValue(value: number): number;
}

const LAYOUT = toHistogram([]) as unknown as Layout;

function assertSameBucket(value: number): void {
  const bucket = bucketOf(value);
  if (bucket !== LAYOUT.countsArrayIndex(value)) assert.equal(bucket, LAYOUT.countsArrayIndex(value), `of ${value}`);
  const lowest = lowestValueOf(bucket);
  if (lowest !== LAYOUT.lowestEquivalentValue(value))
    assert.equal(lowest, LAYOUT.lowestEquivalentValue(value), `of ${value}`);
}

/** A generator of the same numbers each time (Lehmer, Park and Miller 1988). */
function numbers(): () => number {
  let state = 20_260_101;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test("small values and all values near a power of two lie in HdrHistogram's buckets", () => {
  for (let value = 0; value <= 10_000; value++) assertSameBucket(value);
  for (let exponent = 11; exponent < 47; exponent++) {
    for (let distance = -2_100; distance <= 2_100; distance++) {
      const value = 2 ** exponent + distance;
      if (value >= 0) assertSameBucket(value);
    }
  }
});

test("values spread over all magnitudes lie in HdrHistogram's buckets", () => {
  const random = numbers();
  for (let i = 0; i < 200_000; i++) assertSameBucket(Math.floor(2 ** (random() * 47)));
});

test("each bucket begins where HdrHistogram's begins, to the last", () => {
  for (let bucket = 0; bucket < LAYOUT.countsArrayLength; bucket++) {
    const lowest = lowestValueOf(bucket);
    assertSameBucket(lowest);
    assert.equal(bucketOf(lowest), bucket);
    if (bucket > 0) assert.equal(bucketOf(lowest - 1), bucket - 1);
  }
  assert.equal(bucketOf(HIGHEST_VALUE), LAYOUT.countsArrayLength - 1);
});

test("a tally becomes the histogram that hdr-histogram-js makes of the same values", () => {
  const random = numbers();
  const tally = new Tally();
  const theirs = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_VALUE,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });
  for (let i = 0; i < 50_000; i++) {
    const value = Math.floor(2 ** (random() * 40));
    const count = 1 + Math.floor(random() * 5);
    tally.record(value, count);
    theirs.recordValueWithCount(value, count);
  }
  const ours = toHistogram([tally.toSparse()]);
  assert.equal(ours.totalCount, theirs.totalCount);
  assert.equal(ours.mean, theirs.mean);
  for (const percentile of [0, 1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 99.999, 100]) {
    assert.equal(ours.getValueAtPercentile(percentile), theirs.getValueAtPercentile(percentile), `p${percentile}`);
  }
});

test("parts of several processes make the same histogram as all values in one", () => {
  const random = numbers();
  const all = new Tally();
  const parts = [new Tally(), new Tally(), new Tally()];
  for (let i = 0; i < 30_000; i++) {
    const value = 2 ** (random() * 35);
    all.record(value, 1);
    parts[i % 3]!.record(value, 1);
  }
  const single = toHistogram([all.toSparse()]);
  const merged = toHistogram(parts.map((part) => part.toSparse()));
  assert.equal(single.totalCount, 30_000);
  assert.deepEqual(merged.summary, single.summary);
  assert.equal(merged.outputPercentileDistribution(), single.outputPercentileDistribution());
});

test("a tally that absorbs another has the counts of both and leaves the other empty", () => {
  const first = new Tally();
  const second = new Tally();
  first.record(10, 1);
  first.record(1_000_000, 2);
  second.record(5, 3);
  second.record(1_000_000, 4);
  second.record(2e9, 5);
  first.absorb(second);
  assert.deepEqual([...first.toSparse()], [5, 3, 10, 1, bucketOf(1_000_000), 6, bucketOf(2e9), 5]);
  assert.deepEqual([...second.toSparse()], []);
  second.record(7, 1);
  first.absorb(second);
  assert.deepEqual([...first.toSparse()].slice(0, 4), [5, 3, 7, 1]);
});

test("a cleared tally is empty and counts from there", () => {
  const tally = new Tally();
  tally.record(3, 1);
  tally.record(1e12, 1);
  tally.clear();
  assert.deepEqual([...tally.toSparse()], []);
  tally.record(4, 2);
  assert.deepEqual([...tally.toSparse()], [4, 2]);
});

test("values outside the range count at its end, and fractions are cut off", () => {
  const tally = new Tally();
  tally.record(-1, 1);
  tally.record(-1e9, 1);
  tally.record(2.999, 1);
  tally.record(HIGHEST_VALUE, 1);
  tally.record(HIGHEST_VALUE + 1, 1);
  tally.record(1e300, 1);
  tally.record(Number.POSITIVE_INFINITY, 1);
  assert.deepEqual([...tally.toSparse()], [0, 2, 2, 1, LAYOUT.countsArrayLength - 1, 4]);
});

test("no values make an empty histogram", () => {
  assert.equal(toHistogram([]).totalCount, 0);
  assert.equal(toHistogram([new Tally().toSparse()]).totalCount, 0);
});
