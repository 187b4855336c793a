import assert from "node:assert/strict";
import { test } from "node:test";
import { type MachineSample, machineUse, sampleMachine } from "../../../bench/target/machine-load.js";
import { Burner } from "./burner.js";

const onLinux = { skip: process.platform === "linux" ? false : "the accounts are Linux's" };

test("a busy child is foreign load, until it is counted as ours", onLinux, async () => {
  const burner = new Burner();
  try {
    const { cpuSeconds: before } = await burner.tell({ kind: "burn", ms: 1 });
    const start = sampleMachine() as MachineSample;
    const { cpuSeconds: after } = await burner.tell({ kind: "burn", ms: 1_000 });
    const end = sampleMachine() as MachineSample;
    const ownCpuSeconds = after - before;
    const foreign = machineUse(start, end, 0);
    const own = machineUse(start, end, ownCpuSeconds);
    assert.ok(foreign.foreignCores + foreign.stealCores > 0.85, `${foreign.foreignCores} cores`);
    assert.ok(foreign.busyCores <= foreign.cores + 0.05);
    const counted = ownCpuSeconds / ((end.atMs - start.atMs) / 1_000);
    assert.ok(Math.abs(foreign.foreignCores - own.foreignCores - counted) < 0.05 || own.foreignCores === 0);
  } finally {
    await burner.end();
  }
});
