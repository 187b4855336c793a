import { readFileSync } from "node:fs";

/** Seconds of all CPUs since boot, up to a moment of this process's clock. */
export interface MachineSample {
  atMs: number;
  cpus: number;
  idleSeconds: number;
  iowaitSeconds: number;
  stealSeconds: number;
}

/** The machine between two samples, in cores' worth of time. */
export interface MachineUse {
  cores: number;
  busyCores: number;
  stealCores: number;
  iowaitCores: number;
  /** Busy with other than the processes that the caller knows of. */
  foreignCores: number;
}

/** USER_HZ: 100 on every processor that Node runs on. */
const TICKS_A_SECOND = 100;

/** @param text /proc/stat (man 5 proc) */
export function parseMachineStat(text: string, atMs: number): MachineSample {
  const ticks = /^cpu +(.*)$/m.exec(text)![1]!.split(" ").map(Number);
  return {
    atMs,
    cpus: text.match(/^cpu\d/gm)!.length,
    idleSeconds: ticks[3]! / TICKS_A_SECOND,
    iowaitSeconds: ticks[4]! / TICKS_A_SECOND,
    stealSeconds: (ticks[7] ?? 0) / TICKS_A_SECOND,
  };
}

/** Null off Linux. */
export function sampleMachine(): MachineSample | null {
  if (process.platform !== "linux") return null;
  return parseMachineStat(readFileSync("/proc/stat", "utf8"), performance.now());
}

/**
 * Busy time is what is left of the clock's time without idle, waiting and stolen time. The kernel's own busy figures
 * see a CPU only when its timer ticks, and miss what wakes up by timers and is asleep again at the next tick.
 * @param ownCpuSeconds user and system time of the server, the generator and this program between the samples
 */
export function machineUse(before: MachineSample, after: MachineSample, ownCpuSeconds: number): MachineUse {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const cores = (start: number, end: number): number => Math.max(0, end - start) / seconds;
  const stealCores = cores(before.stealSeconds, after.stealSeconds);
  const iowaitCores = cores(before.iowaitSeconds, after.iowaitSeconds);
  const idleCores = cores(before.idleSeconds, after.idleSeconds);
  const busyCores = Math.max(0, after.cpus - idleCores - iowaitCores - stealCores);
  return {
    cores: after.cpus,
    busyCores,
    stealCores,
    iowaitCores,
    foreignCores: Math.max(0, busyCores - ownCpuSeconds / seconds),
  };
}
