import type { Measured } from "./result.js";

/** What was full: a process's event loop by its own account, or the cores that processes share. */
export interface GeneratorLoad {
  readonly share: number;
  readonly of: "event loop" | "core";
}

/**
 * How full the busiest generator was in the window, 0 to 1.
 *
 * An event loop is busy from the moment it has work until it waits for more. That counts the time in which another
 * program held its core, so it may exceed the CPU time used. Processes pinned to the same cores compete for them, so their CPU time is added up: two of them that each use half
 * of one core are full. A pacer that spins uses its core whether there is work or not: then only its own account counts.
 */
export function generatorLoad(run: Measured): GeneratorLoad {
  const spins = run.scenario.loop.kind === "open" && run.plan.pacing === "spin";
  const groups = new Map<string, { processes: number; cores: number; cpuSeconds: number }>();
  let eventLoop = 0;
  let core = 0;
  for (const process of run.generator) {
    eventLoop = Math.max(eventLoop, process.busyShare);
    const place = process.cpus === null ? `process ${process.pid}` : process.cpus.join();
    const group = groups.get(place) ?? { processes: 0, cores: process.cpus?.length ?? 1, cpuSeconds: 0 };
    group.processes += 1;
    group.cpuSeconds += process.userSeconds + process.systemSeconds;
    groups.set(place, group);
  }
  if (!spins && run.windowMs > 0) {
    for (const { processes, cores, cpuSeconds } of groups.values()) {
      const usable = Math.min(processes, cores) * (run.windowMs / 1_000);
      core = Math.max(core, cpuSeconds / usable);
    }
  }
  return core > eventLoop ? { share: Math.min(1, core), of: "core" } : { share: eventLoop, of: "event loop" };
}

/** The cores that the server used and could have used; null when its cost was not measured. */
export function serverLoad(run: Measured): { usedCores: number; usableCores: number; share: number } | null {
  if (run.server === null) return null;
  const allowedCores = run.plan.serverCpus?.length ?? run.manifest.cores;
  const usableCores = Math.max(1, Math.min(run.server.busyThreads, allowedCores));
  return { usedCores: run.server.cores, usableCores, share: Math.min(1, run.server.cores / usableCores) };
}

/** Cores that all generator processes used together. */
export function generatorCores(run: Measured): number {
  if (run.windowMs <= 0) return 0;
  const cpuSeconds = run.generator.reduce((sum, process) => sum + process.userSeconds + process.systemSeconds, 0);
  return cpuSeconds / (run.windowMs / 1_000);
}

/** True when the server runs on the generators' machine. */
export function sharesMachine(run: Measured): boolean {
  return run.server !== null || run.manifest.server.startedByUs || isLoopback(run.manifest.server.address);
}

/** True when every generator process and the server are pinned to cores that the other side does not use. */
export function pinnedApart(run: Measured): boolean {
  const { serverCpus } = run.plan;
  return (
    serverCpus !== null && run.generator.every(({ cpus }) => cpus?.every((cpu) => !serverCpus.includes(cpu)) ?? false)
  );
}

/** RFC 1122, 3.2.1.3 (127/8) and RFC 4291, 2.5.3 (::1). */
export function isLoopback(address: string): boolean {
  return /^(\[?::1\]?|127\.\d+\.\d+\.\d+|\[?::ffff:127\.[\d.]+\]?|localhost)(:\d+)?$/i.test(address);
}
