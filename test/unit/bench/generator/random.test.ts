import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, uniform } from "../../../../bench/generator/random.js";

test("the same seed gives the same numbers, another seed others", () => {
  const take = (seed: number) => Array.from({ length: 100 }, seededRandom(seed));
  assert.deepEqual(take(1), take(1));
  assert.notDeepEqual(take(1), take(2));
  assert.deepEqual(take(2 ** 32 + 1), take(1), "a seed has 32 bits");
});

test("numbers are unsigned 32-bit integers that fill their range", () => {
  const random = seededRandom(3);
  const seen = Array.from({ length: 10_000 }, random);
  assert.ok(seen.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32));
  const quarters = [0, 1, 2, 3].map(
    (quarter) => seen.filter((value) => Math.floor(value / 2 ** 30) === quarter).length,
  );
  for (const count of quarters) assert.ok(count > 2_300 && count < 2_700, `${quarters}`);
});

test("uniform numbers reach 0 and stay below 1", () => {
  assert.equal(
    uniform(() => 0),
    0,
  );
  assert.ok(uniform(() => 0xffff_ffff) < 1);
  assert.equal(
    uniform(() => 0x8000_0000),
    0.5,
  );
});
