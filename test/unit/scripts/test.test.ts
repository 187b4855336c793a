import assert from "node:assert/strict";
import { test } from "node:test";
import { closingLines, planTests, type Tally, verdict } from "../../../scripts/test.js";

const PATHS = [
  "honesty/frozen.test.js",
  "integration/heartbeat.test.js",
  "unit/bench/cost.serial.test.js",
  "unit/cli/errors.test.js",
];

const tally = (passed: number, failed: number, skipped: [string, string[]][] = []): Tally => ({
  passed,
  failed,
  skipped: new Map(skipped),
});

test("tests that measure time are set apart to run one at a time", () => {
  assert.deepEqual(planTests(PATHS, []), {
    concurrent: ["integration/heartbeat.test.js", "unit/cli/errors.test.js"],
    serial: ["honesty/frozen.test.js", "unit/bench/cost.serial.test.js"],
  });
});

test("fragments choose the tests whose path holds one of them", () => {
  assert.deepEqual(planTests(PATHS, ["heartbeat", "cost"]), {
    concurrent: ["integration/heartbeat.test.js"],
    serial: ["unit/bench/cost.serial.test.js"],
  });
  assert.deepEqual(planTests(PATHS, ["nothing"]), { concurrent: [], serial: [] });
});

test("a failure fails the run, and so does a run of nothing", () => {
  assert.equal(verdict(tally(3, 0), "allowed"), "passed");
  assert.equal(verdict(tally(3, 1), "allowed"), "failed");
  assert.equal(verdict(tally(0, 0), "allowed"), "failed");
});

test("a skip fails the run only where skips are failures", () => {
  const skipped = tally(3, 0, [["go is missing", ["a gws client is echoed"]]]);
  assert.equal(verdict(skipped, "allowed"), "passed");
  assert.equal(verdict(skipped, "failures"), "failed");
});

test("the closing lines name each reason once with its tests, and end with the total", () => {
  const skipped = tally(5, 1, [
    ["go is missing: get it with apt-get", ["a gws client is echoed", "a gorilla client is echoed"]],
  ]);
  assert.deepEqual(closingLines(skipped, "allowed", 12_340), [
    "skipped: go is missing: get it with apt-get",
    "  a gws client is echoed",
    "  a gorilla client is echoed",
    "took 12.3 s",
    "5 passed, 1 failed, 2 skipped",
  ]);
});
