import { readAllowedCpus, readOpenFilesLimit } from "../plan/machine.js";
import { readProcFile } from "../plan/proc-files.js";
import { processTree } from "./listeners.js";

/** What can be seen from outside of a server that runs on this machine. */
export interface ServerFacts {
  /** The processes given and all that descend from them. */
  pids: number[];
  /** Of the first process. */
  command: string[] | null;
  /** Files that they may hold open, all together; null: unlimited or unknown. */
  openFiles: number | null;
  /** CPUs that any of them may use; null: unknown. */
  cpus: number[] | null;
}

export function inspectServer(roots: readonly number[]): ServerFacts {
  const pids = processTree(roots);
  const limits = pids.map(readOpenFilesLimit);
  const cpus = [...new Set(pids.flatMap((pid) => readAllowedCpus(pid) ?? []))].sort((a, b) => a - b);
  return {
    pids,
    command: roots.length === 0 ? null : readCommand(roots[0]!),
    openFiles:
      limits.length === 0 || limits.includes(null) ? null : limits.reduce<number>((sum, each) => sum + each!, 0),
    cpus: cpus.length === 0 ? null : cpus,
  };
}

function readCommand(pid: number): string[] | null {
  const words = readProcFile(`/proc/${pid}/cmdline`);
  return words === null || words === "" ? null : words.replace(/\0$/, "").split("\0");
}
