/** Node cannot pin itself: a process that is to be pinned is started through `taskset`, which it then replaces. */

/** The command, pinned to the CPUs; as it is where they are null. */
export function pinnedCommand(command: readonly string[], cpus: readonly number[] | null): string[] {
  return cpus === null ? [...command] : ["taskset", "-c", cpus.join(","), ...command];
}

/** Options of `child_process.fork` for a child that is pinned to the CPUs; its IPC channel works as usual. */
export function pinnedFork(cpus: readonly number[] | null): { execPath: string; execArgv: string[] } {
  const [execPath, ...execArgv] = pinnedCommand([process.execPath, ...process.execArgv], cpus);
  return { execPath: execPath!, execArgv };
}
