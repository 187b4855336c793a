import { build, type Histogram } from "hdr-histogram-js";

/**
 * Counts of values in HdrHistogram's own buckets (Tene, https://hdrhistogram.org: 3 significant digits, unit 1), so that
 * the hot path pays a shift and an addition: hdr-histogram-js takes about 110 ns a value (logarithms), this about a tenth
 * of that (bench/micro). Everything after the count (percentiles, merging, encoding) is hdr-histogram-js', see {@link toHistogram}.
 */

/** 2 x 10^3 rounded up to a power of two: values below are counted exactly. */
const SUB_BUCKETS = 2_048;
const HALF = SUB_BUCKETS / 2;
const HALF_BITS = 10;
/** About 39 hours in nanoseconds: the longest run with its drain. */
export const HIGHEST_VALUE = 2 ** 47 - 1;
const BUCKETS = 47 - HALF_BITS;
const LENGTH = (BUCKETS + 1) * HALF;
const POWER_OF_TWO = Float64Array.from({ length: BUCKETS + 1 }, (_, exponent) => 2 ** exponent);
const BIT_21 = 2 ** 21;
const BIT_31 = 2 ** 31;

/** Index of the bucket that holds `value`, an integer from 0 to {@link HIGHEST_VALUE}. */
export function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value;
  if (value < BIT_31) {
    const shift = 21 - Math.clz32(value);
    return (shift << HALF_BITS) + (value >>> shift);
  }
  const shift = 42 - Math.clz32(value / BIT_21);
  return (shift << HALF_BITS) + Math.floor(value / POWER_OF_TWO[shift]!);
}

/** Lowest value that the bucket holds: the inverse of {@link bucketOf}. */
export function lowestValueOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = (bucket >> HALF_BITS) - 1;
  return (HALF + (bucket & (HALF - 1))) * POWER_OF_TWO[shift]!;
}

/** Non-empty buckets and their counts, in turn: [bucket, count, bucket, count, ...]. What processes exchange. */
export type SparseCounts = Float64Array;

export class Tally {
  readonly #counts = new Float64Array(LENGTH);
  #lowest = LENGTH;
  #highest = -1;

  /**
   * @param valueNs nanoseconds; a fraction is cut off, values outside 0 to {@link HIGHEST_VALUE} count at its end
   * @param count   how many times
   */
  record(valueNs: number, count: number): void {
    const value = valueNs <= 0 ? 0 : valueNs >= HIGHEST_VALUE ? HIGHEST_VALUE : Math.floor(valueNs);
    const bucket = bucketOf(value);
    this.#counts[bucket]! += count;
    if (bucket < this.#lowest) this.#lowest = bucket;
    if (bucket > this.#highest) this.#highest = bucket;
  }

  /** Adds another tally's counts to this one and empties the other. */
  absorb(other: Tally): void {
    for (let i = other.#lowest; i <= other.#highest; i++) this.#counts[i]! += other.#counts[i]!;
    if (other.#lowest < this.#lowest) this.#lowest = other.#lowest;
    if (other.#highest > this.#highest) this.#highest = other.#highest;
    other.clear();
  }

  clear(): void {
    if (this.#highest >= 0) this.#counts.fill(0, this.#lowest, this.#highest + 1);
    this.#lowest = LENGTH;
    this.#highest = -1;
  }

  toSparse(): SparseCounts {
    let filled = 0;
    for (let i = this.#lowest; i <= this.#highest; i++) if (this.#counts[i] !== 0) filled++;
    const sparse = new Float64Array(filled * 2);
    let at = 0;
    for (let i = this.#lowest; i <= this.#highest; i++) {
      if (this.#counts[i] === 0) continue;
      sparse[at++] = i;
      sparse[at++] = this.#counts[i]!;
    }
    return sparse;
  }
}

/** An HdrHistogram of the values of any number of processes: counts add up, nothing is averaged. */
export function toHistogram(parts: Iterable<SparseCounts>): Histogram {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_VALUE,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });
  for (const sparse of parts)
    for (let i = 0; i < sparse.length; i += 2)
      histogram.recordValueWithCount(lowestValueOf(sparse[i]!), sparse[i + 1]!);
  return histogram;
}
