import assert from "node:assert/strict";
import { test } from "node:test";
import { goodbyesDue } from "../../../src/shutdown.js";

test("goodbyes are spread evenly over the window, the first at once, all by its end", () => {
  for (const [total, elapsedMs, windowMs, due] of [
    [100, 0, 1_000, 1],
    [100, 495, 1_000, 50],
    [100, 990, 1_000, 100],
    [100, 1_000, 1_000, 100],
    [100, 5_000, 1_000, 100],
    [100, 0, 0, 100],
    [1, 0, 1_000, 1],
    [0, 0, 1_000, 0],
  ] as const) {
    assert.equal(goodbyesDue(total, elapsedMs, windowMs), due, `${total} after ${elapsedMs} of ${windowMs} ms`);
  }
});
