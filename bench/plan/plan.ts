/** How a scenario is carried out on this machine: pure data, made by the preflight, shown before the run, saved. */

export interface WorkerPlan {
  index: number;
  /** Connections this generator process holds. */
  connections: number;
  /** Source addresses, used in turn; empty: the kernel chooses. */
  localAddresses: string[];
  /** CPUs it is pinned to; null: not pinned. */
  cpus: number[] | null;
}

export interface Plan {
  workers: WorkerPlan[];
  /** CPUs the server is pinned to, by this run where it starts the server, else as it was found; null: not pinned. */
  serverCpus: number[] | null;
  /** How sends are paced, `auto` resolved. */
  pacing: "spin" | "timer";
  /** Files that one generator process may hold open; null: unknown. */
  openFilesLimit: number | null;
  /** Facts a person should know of before the run, such as what this system does not offer. */
  notes: string[];
}
