import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import os from "node:os";
import { test } from "node:test";
import { readAllowedCpus, readMachine, readOpenFilesLimit } from "../../../../bench/plan/machine.js";

const onLinux = { skip: process.platform === "linux" ? false : "the facts are of Linux" };

test("the facts agree with what the shell says", onLinux, () => {
  const machine = readMachine();
  const shell = (command: string) => execFileSync("sh", ["-c", command], { encoding: "utf8" }).trim();
  assert.equal(machine.cores!.flat().length, Number(shell("nproc")));
  assert.equal(String(machine.openFilesLimit ?? "unlimited"), shell("ulimit -Hn"));
  assert.equal(`Linux ${shell("uname -r")}`, machine.kernel);
  assert.equal(machine.cpuCount, os.cpus().length);
  assert.ok(machine.portRange!.first < machine.portRange!.last);
  assert.ok(machine.availableMemoryBytes > 0 && machine.availableMemoryBytes <= machine.memoryBytes);
  assert.equal(machine.canPin, shell("taskset -c 0-1023 true 2>&1 && echo yes || echo no") === "yes");
});

test("a process's own limits are told", onLinux, () => {
  assert.ok((readOpenFilesLimit(process.pid) ?? Infinity) > 100);
  assert.deepEqual(readAllowedCpus(process.pid), readAllowedCpus("self"));
});

test("of a process that is gone nothing is known", () => {
  assert.equal(readOpenFilesLimit(2 ** 30), null);
  assert.equal(readAllowedCpus(2 ** 30), null);
});
