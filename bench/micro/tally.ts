import { build } from "hdr-histogram-js";
import { HIGHEST_VALUE, Tally } from "../recorder/tally.js";

// What a recorded value costs: the tally of the hot path beside hdr-histogram-js. `node dist/bench/micro/tally.js`

const VALUES = Float64Array.from({ length: 1 << 16 }, (_, i) => 10_000 + ((i * 2_654_435_761) % 30_000_000));
const ROUNDS = 40;

function nsPerValue(record: (valueNs: number) => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    for (const value of VALUES) record(value);
    least = Math.min(least, ((performance.now() - startMs) * 1e6) / VALUES.length);
  }
  return least;
}

const tally = new Tally();
const histogram = build({
  lowestDiscernibleValue: 1,
  highestTrackableValue: HIGHEST_VALUE,
  numberOfSignificantValueDigits: 3,
  bitBucketSize: 64,
});
const tallyNs = nsPerValue((value) => tally.record(value, 1));
const histogramNs = nsPerValue((value) => histogram.recordValueWithCount(value, 1));
console.log(
  `tally ${tallyNs.toFixed(1)} ns a value, hdr-histogram-js ${histogramNs.toFixed(1)} ns: ${(histogramNs / tallyNs).toFixed(1)} times`,
);
