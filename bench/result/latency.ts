import { encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import type { Latency } from "./result.js";

const HUNDRED_MS_NS = 100e6;

/**
 * The figures of a distribution.
 * @returns null for an empty one: no data has no percentile
 */
export function summarise(histogram: Histogram): Latency | null {
  const count = histogram.totalCount;
  if (count === 0) return null;
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile);
  return {
    count,
    minNs: at(0),
    meanNs: histogram.mean,
    p50Ns: at(50),
    p90Ns: at(90),
    p99Ns: at(99),
    p999Ns: at(99.9),
    p9999Ns: at(99.99),
    maxNs: at(100),
    above100MsShare: 1 - countUpTo(histogram, HUNDRED_MS_NS) / count,
    histogram: encodeIntoCompressedBase64(histogram),
  };
}

/** Values not above `limitNs`, to the histogram's resolution. */
function countUpTo(histogram: Histogram, limitNs: number): number {
  let count = 0;
  for (const bucket of histogramBuckets(histogram)) if (bucket.value <= limitNs) count += bucket.count;
  return count;
}

/** The non-empty buckets, lowest first: the value iterated to, and its count. */
export function* histogramBuckets(histogram: Histogram): Generator<{ value: number; count: number }> {
  const iterator = (histogram as unknown as RecordedValues).recordedValuesIterator;
  iterator.reset();
  while (iterator.hasNext()) {
    const step = iterator.next();
    yield { value: step.valueIteratedTo, count: step.countAtValueIteratedTo };
  }
}

/** hdr-histogram-js' iterator over recorded values, which its types leave out. */
interface RecordedValues {
  recordedValuesIterator: {
    reset(): void;
    hasNext(): boolean;
    next(): { valueIteratedTo: number; countAtValueIteratedTo: number };
  };
}
