import assert from "node:assert/strict";
import { test } from "node:test";
import { machineUse, parseMachineStat } from "../../../../bench/target/machine-load.js";

const STAT = `cpu  14421 3 4758 213267 1513 7 100 44 0 0
cpu0 6298 0 1784 108916 108 0 15 16 0 0
cpu1 8123 3 2973 104351 1404 7 84 27 0 0
intr 1234 0 9
ctxt 5678
`;

test("the machine's line holds idle, waiting and stolen time of all CPUs", () => {
  assert.deepEqual(parseMachineStat(STAT, 5), {
    atMs: 5,
    cpus: 2,
    idleSeconds: 2_132.67,
    iowaitSeconds: 15.13,
    stealSeconds: 0.44,
  });
});

test("busy is what is neither idle nor waiting nor stolen, and foreign what of that is not ours", () => {
  const before = { atMs: 1_000, cpus: 2, idleSeconds: 10, iowaitSeconds: 1, stealSeconds: 2 };
  const after = { atMs: 3_000, cpus: 2, idleSeconds: 11, iowaitSeconds: 1.25, stealSeconds: 2.25 };
  assert.deepEqual(machineUse(before, after, 2), {
    cores: 2,
    busyCores: 1.25,
    stealCores: 0.125,
    iowaitCores: 0.125,
    foreignCores: 0.25,
  });
});

test("counters that run backwards and rounding make no negative figures", () => {
  const before = { atMs: 0, cpus: 1, idleSeconds: 10, iowaitSeconds: 5, stealSeconds: 0 };
  const after = { atMs: 1_000, cpus: 1, idleSeconds: 11.01, iowaitSeconds: 4, stealSeconds: 0 };
  assert.deepEqual(machineUse(before, after, 0.02), {
    cores: 1,
    busyCores: 0,
    stealCores: 0,
    iowaitCores: 0,
    foreignCores: 0,
  });
});
