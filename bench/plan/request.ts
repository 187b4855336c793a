/** What a plan is made for, beside the scenario and the machine. */

/** The server, as far as a plan needs to know it. */
export interface PlanTarget {
  address: string;
  /** 0 where the run starts the server and the port is not yet known. */
  port: number;
  loopback: boolean;
  startedByUs: boolean;
  /** Files that the processes of a server which runs already may hold open, all together; null: unknown or unlimited. */
  serverOpenFiles: number | null;
  /** Its processes where they run on this machine already; null or empty: unknown, or not here. */
  serverPids: readonly number[] | null;
  /** CPUs that a server which runs already may use; null: unknown. */
  serverCpus: readonly number[] | null;
}

export interface PlanOptions {
  /** Generator processes; left out: as many as are of use. */
  workers?: number | undefined;
  pin?: "auto" | "off" | undefined;
  /** Cores for a server that the run starts, one if left out. */
  serverCores?: number | undefined;
  /** Source addresses to use instead of those that the plan finds. */
  localAddresses?: readonly string[] | undefined;
  /**
   * A number that differs from run to run, such as the process id. It moves the source addresses: the last run's
   * ports stay in TIME_WAIT for a minute, and the kernel searches long among them.
   */
  run?: number | undefined;
}

/** Something that this machine does not allow: the fact with its figure, and how to raise it. */
export interface Problem {
  fact: string;
  remedy: string;
}

/** True when the server's processes run on this machine, whether or not they were found. */
export function runsHere({ startedByUs, loopback, serverPids }: PlanTarget): boolean {
  return startedByUs || loopback || (serverPids?.length ?? 0) > 0;
}
