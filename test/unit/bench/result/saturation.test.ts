import assert from "node:assert/strict";
import { test } from "node:test";
import { generatorLoad, isLoopback, pinnedApart, serverLoad } from "../../../../bench/result/saturation.js";
import { closedRun, GENERATOR } from "../../../tools/sample-run.js";

test("loopback is 127/8 and ::1, with a port or without, and nothing that only looks like it", () => {
  for (const address of ["127.0.0.1", "127.8.9.10:6666", "::1", "[::1]:6666", "::ffff:127.0.0.1", "localhost:80"]) {
    assert.equal(isLoopback(address), true, address);
  }
  for (const address of ["128.0.0.1", "10.127.0.0", "::10", "127.example.org", "localhost.example.org", ""]) {
    assert.equal(isLoopback(address), false, address);
  }
});

test("the load of processes on one core adds up, on cores of their own it does not, and it never exceeds 1", () => {
  const run = closedRun();
  const third = { ...GENERATOR, userSeconds: 1, systemSeconds: 2.334, busyShare: 0.4 };
  run.generator = [third, { ...third, pid: 2 }];
  assert.equal(generatorLoad(run).of, "core");
  assert.ok(Math.abs(generatorLoad(run).share - 0.667) < 0.001);
  run.generator = [third, { ...third, pid: 2, cpus: [2] }];
  assert.deepEqual(generatorLoad(run), { share: 0.4, of: "event loop" });
  run.generator = [{ ...third, systemSeconds: 20 }];
  assert.deepEqual(generatorLoad(run), { share: 1, of: "core" });
});

test("an event loop that waits for a core which others hold is busy beyond its CPU time", () => {
  const run = closedRun();
  run.generator = [{ ...GENERATOR, userSeconds: 2, systemSeconds: 4.8, busyShare: 0.94 }];
  assert.deepEqual(generatorLoad(run), { share: 0.94, of: "event loop" });
});

test("one process with two cores to choose from can fill only one", () => {
  const run = closedRun();
  run.generator = [{ ...GENERATOR, cpus: [1, 2], userSeconds: 3, systemSeconds: 6.9, busyShare: 0 }];
  assert.ok(generatorLoad(run).share > 0.98);
});

test("a server can use as many cores as it has busy threads and is allowed to use", () => {
  const run = closedRun();
  run.manifest.cores = 8;
  run.plan.serverCpus = null;
  run.server!.busyThreads = 3;
  assert.deepEqual(serverLoad(run), { usedCores: 0.9, usableCores: 3, share: 0.9 / 3 });
  run.plan.serverCpus = [0, 1];
  assert.equal(serverLoad(run)?.usableCores, 2);
  run.server!.busyThreads = 0;
  assert.equal(serverLoad(run)?.usableCores, 1);
});

test("pinned apart are only processes that all have cores, and none of the server's", () => {
  const run = closedRun();
  assert.equal(pinnedApart(run), true);
  run.generator.push({ ...GENERATOR, cpus: null });
  assert.equal(pinnedApart(run), false);
  run.generator[1]!.cpus = [0, 1];
  assert.equal(pinnedApart(run), false);
});
