import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseCgroupFolders,
  parseCpuList,
  parseCpuQuota,
  parseOpenFiles,
  parsePortRange,
  parseStatusField,
} from "../../../../bench/plan/procfs.js";

test("a CPU list holds single CPUs and ranges", () => {
  assert.deepEqual(parseCpuList("0-2,5,8-9\n"), [0, 1, 2, 5, 8, 9]);
  assert.deepEqual(parseCpuList("3"), [3]);
  assert.deepEqual(parseCpuList("\n"), []);
});

test("a field of a status file is found by its whole name", () => {
  const status = "Name:\tnode\nVmRSS:\t   42608 kB\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n";
  assert.equal(parseStatusField(status, "Cpus_allowed_list"), "0-1");
  assert.equal(parseStatusField(status, "Cpus_allowed"), "3");
  assert.equal(parseStatusField(status, "VmRSS"), "42608 kB");
  assert.equal(parseStatusField(status, "VmSwap"), null);
});

test("open files have a soft and a hard limit, or none", () => {
  const limits = (line: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             96365                96365                processes \n${line}\n`;
  assert.deepEqual(
    parseOpenFiles(limits("Max open files            1024                 524288               files     ")),
    {
      soft: 1_024,
      hard: 524_288,
    },
  );
  assert.deepEqual(
    parseOpenFiles(limits("Max open files            1024                 unlimited            files     ")),
    {
      soft: 1_024,
      hard: null,
    },
  );
  assert.deepEqual(parseOpenFiles(""), { soft: null, hard: null });
});

test("a port range is two numbers", () => {
  assert.deepEqual(parsePortRange("32768\t60999\n"), { first: 32_768, last: 60_999 });
  assert.equal(parsePortRange(""), null);
});

test("a cgroup's CPU quota is a share of its period", () => {
  assert.equal(parseCpuQuota("150000 100000\n"), 1.5);
  assert.equal(parseCpuQuota("max 100000\n"), null);
  assert.equal(parseCpuQuota(""), null);
});

test("the limits of a process are those of its cgroup and of all above it", () => {
  assert.deepEqual(parseCgroupFolders("0::/kubepods.slice/pod7\n"), ["kubepods.slice/pod7", "kubepods.slice", ""]);
  assert.deepEqual(parseCgroupFolders("0::/\n"), [""]);
  assert.deepEqual(parseCgroupFolders("4:memory:/jobs\n0::/a\n"), ["a", ""]);
  assert.deepEqual(parseCgroupFolders("4:memory:/jobs\n"), []);
});
