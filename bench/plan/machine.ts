import { spawnSync } from "node:child_process";
import os from "node:os";
import { readProcFile } from "./proc-files.js";
import {
  parseCgroupFolders,
  parseCpuList,
  parseCpuQuota,
  parseOpenFiles,
  parsePortRange,
  parseStatusField,
} from "./procfs.js";

/** What this machine offers a run. */
export interface Machine {
  platform: string;
  kernel: string;
  cpuModel: string;
  /** Logical CPUs of the whole machine. */
  cpuCount: number;
  /** CPUs that this process may use, those of one physical core together; null: this system does not say. */
  cores: number[][] | null;
  /** Cores' worth of time that the cgroup allows; null: no limit known. */
  cpuQuotaCores: number | null;
  /** True when processes can be pinned to CPUs. */
  canPin: boolean;
  memoryBytes: number;
  /** What programs can still allocate. */
  availableMemoryBytes: number;
  /** The hard limit, to which Node raises its own at the start; null: unlimited or unknown. */
  openFilesLimit: number | null;
  /** Ports that the kernel gives to outgoing connections; null: this system does not say. */
  portRange: { first: number; last: number } | null;
  /** What TCP may hold in all its buffers before it drops; null: this system does not say. */
  tcpMemoryBytes: number | null;
  /** Connections that the packet filter can follow, over which it drops packets; null: it follows none. */
  conntrackLimit: number | null;
}

/** A page of memory as the kernel counts it in tcp_mem, on x86-64 and most arm64 kernels. */
const PAGE_BYTES = 4_096;

/** Reads the facts afresh; takes some milliseconds, for it tries `taskset`. Off Linux, what only Linux tells is null. */
export function readMachine(): Machine {
  const cpus = os.cpus();
  const cores = readCores();
  return {
    platform: process.platform,
    kernel: `${os.type()} ${os.release()}`,
    cpuModel: cpus[0]?.model.trim() ?? "unknown",
    cpuCount: cpus.length,
    cores,
    cpuQuotaCores: readCpuQuota(),
    canPin: cores !== null && tasksetWorks(cores[0]![0]!),
    memoryBytes: os.totalmem(),
    availableMemoryBytes: process.availableMemory(),
    openFilesLimit: parseOpenFiles(readProcFile("/proc/self/limits") ?? "").hard,
    portRange: parsePortRange(readProcFile("/proc/sys/net/ipv4/ip_local_port_range") ?? ""),
    tcpMemoryBytes: readTcpMemory(),
    conntrackLimit: Number(readProcFile("/proc/sys/net/netfilter/nf_conntrack_max") ?? 0) || null,
  };
}

/** Files that a process may hold open as it runs now; null: unlimited, gone or unknown. */
export function readOpenFilesLimit(pid: number): number | null {
  return parseOpenFiles(readProcFile(`/proc/${pid}/limits`) ?? "").soft;
}

/** CPUs that a process may use; null: gone or unknown. */
export function readAllowedCpus(pid: number | "self"): number[] | null {
  const list = parseStatusField(readProcFile(`/proc/${pid}/status`) ?? "", "Cpus_allowed_list");
  return list === null ? null : parseCpuList(list);
}

function readCores(): number[][] | null {
  const allowed = readAllowedCpus("self");
  if (allowed === null) return null;
  const byCore = new Map<string, number[]>();
  for (const cpu of allowed) {
    const core = readProcFile(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`) ?? String(cpu);
    byCore.set(core, [...(byCore.get(core) ?? []), cpu]);
  }
  return [...byCore.values()];
}

/** The least of the limits of this process's cgroup and those above it. */
function readCpuQuota(): number | null {
  const quotas = parseCgroupFolders(readProcFile("/proc/self/cgroup") ?? "")
    .map((folder) => parseCpuQuota(readProcFile(`/sys/fs/cgroup/${folder}/cpu.max`) ?? ""))
    .filter((quota) => quota !== null);
  return quotas.length === 0 ? null : Math.min(...quotas);
}

function readTcpMemory(): number | null {
  const most = readProcFile("/proc/sys/net/ipv4/tcp_mem")?.trim().split(/\s+/)[2];
  return most === undefined ? null : Number(most) * PAGE_BYTES;
}

/** Tried, not looked up: a sandbox may have the program and forbid what it does. */
function tasksetWorks(cpu: number): boolean {
  return spawnSync("taskset", ["-c", String(cpu), "true"], { stdio: "ignore" }).status === 0;
}
