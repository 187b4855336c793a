import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readAllowedCpus, readMachine } from "../../../../bench/plan/machine.js";
import { pinnedCommand, pinnedFork } from "../../../../bench/plan/pinning.js";

test("a command without CPUs stays as it is", () => {
  assert.deepEqual(pinnedCommand(["node", "x.js"], null), ["node", "x.js"]);
  assert.deepEqual(pinnedFork(null), { execPath: process.execPath, execArgv: process.execArgv });
});

test("a command with CPUs goes through taskset", () => {
  assert.deepEqual(pinnedCommand(["node", "x.js"], [0, 2]), ["taskset", "-c", "0,2", "node", "x.js"]);
});

const { canPin } = readMachine();

test("a forked child is pinned under its own process id and talks over IPC", {
  skip: canPin ? false : "taskset (package util-linux) is missing",
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "echolot-"));
  const script = join(folder, "child.cjs");
  writeFileSync(script, "process.on('message', (m) => process.send([m, process.argv[2]]));");
  const cpu = readAllowedCpus("self")!.at(-1)!;
  const child = fork(script, ["argument"], pinnedFork([cpu]));
  try {
    child.send("question");
    assert.deepEqual((await once(child, "message"))[0], ["question", "argument"]);
    assert.deepEqual(readAllowedCpus(child.pid!), [cpu]);
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});
