import { listProcFolder, readProcFile } from "../plan/proc-files.js";
import { parseStatusField } from "../plan/procfs.js";
import { processTree } from "./listeners.js";

/** What a process had used when it was looked at. */
export interface ProcessSample {
  pid: number;
  /** Start in clock ticks since boot: tells apart two processes that had the same id. */
  startTicks: number;
  userTicks: number;
  systemTicks: number;
  /** Nanoseconds on a CPU by thread id, ended threads not among them; null where the kernel does not count them. */
  threadsNs: Map<number, number> | null;
}

/** What a process used between two samples. */
export interface ProcessUse {
  userSeconds: number;
  systemSeconds: number;
  /** By thread; empty where the kernel does not count it. */
  threadSeconds: number[];
}

/** USER_HZ: 100 on every processor that Node runs on. */
const TICKS_A_SECOND = 100;
/** User and system time are each cut to whole ticks at both ends. */
const TICKS_OF_ROUNDING = 2;
/** A thread is busy with this share of the busiest one's time or more: collectors and pools tick over below it. */
const BUSY_SHARE = 0.1;

/** Fields of /proc/PID/stat (man 5 proc); null for a process that has ended (a zombie). */
export function parseStat(text: string): Omit<ProcessSample, "pid" | "threadsNs"> | null {
  // The name in parentheses, field 2, may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const field = (number: number): number => Number(fields[number - 3]);
  if (text === "" || state === "Z" || state === "X") return null;
  return { userTicks: field(14), systemTicks: field(15), startTicks: field(22) };
}

/** Nanoseconds on a CPU, the first figure of /proc/PID/task/TID/schedstat. */
export function parseSchedstat(text: string): number {
  return Number(text.split(" ", 1)[0]);
}

/** @returns null when the process has ended */
export function sampleProcess(pid: number): ProcessSample | null {
  const stat = parseStat(readProcFile(`/proc/${pid}/stat`) ?? "");
  return stat === null ? null : { pid, ...stat, threadsNs: sampleThreads(pid) };
}

function sampleThreads(pid: number): Map<number, number> | null {
  const threads = new Map<number, number>();
  for (const tid of listProcFolder(`/proc/${pid}/task`)) {
    const text = readProcFile(`/proc/${pid}/task/${tid}/schedstat`) ?? "";
    if (text !== "") threads.set(Number(tid), parseSchedstat(text));
  }
  return threads.size === 0 ? null : threads;
}

/**
 * The use between two samples; from the start of the process where the first is null.
 *
 * Ticks are 10 ms. The threads' nanoseconds are finer, lag by one scheduler tick at the most, and lack the threads that
 * have ended: where they fall behind the ticks by more than rounding, the ticks count. The split into user and system
 * time follows the ticks, as the kernel's own does.
 */
export function processUse(before: ProcessSample | null, after: ProcessSample): ProcessUse {
  const userTicks = after.userTicks - (before?.userTicks ?? 0);
  const systemTicks = after.systemTicks - (before?.systemTicks ?? 0);
  const threadSeconds = [...(after.threadsNs ?? [])].map(
    ([tid, ns]) => Math.max(0, ns - (before?.threadsNs?.get(tid) ?? 0)) / 1e9,
  );
  const byTicks = (userTicks + systemTicks) / TICKS_A_SECOND;
  const byThreads = threadSeconds.reduce((sum, seconds) => sum + seconds, 0);
  const incomplete = threadSeconds.length === 0 || byThreads < byTicks - TICKS_OF_ROUNDING / TICKS_A_SECOND;
  const seconds = incomplete ? byTicks : byThreads;
  const ticks = userTicks + systemTicks;
  const systemSeconds = ticks === 0 ? 0 : seconds * (systemTicks / ticks);
  return { userSeconds: seconds - systemSeconds, systemSeconds, threadSeconds };
}

/** Resident memory; 0 for a process that has ended. */
export function residentBytes(pid: number): number {
  // The kernel adds VmRSS up from approximate counters a CPU; the sum over the mappings is exact and needs permission.
  const exact = parseStatusField(readProcFile(`/proc/${pid}/smaps_rollup`) ?? "", "Rss");
  const kibibytes = exact ?? parseStatusField(readProcFile(`/proc/${pid}/status`) ?? "", "VmRSS");
  return kibibytes === null ? 0 : Number.parseInt(kibibytes, 10) * 1_024;
}

/** The server's cost in the measured window. */
export interface ServerUse {
  pids: number[];
  /** Those that ended within the window, so that what they used in it is not known. */
  vanishedPids: number[];
  userSeconds: number;
  systemSeconds: number;
  cpuPerMessageUs: number | null;
  cores: number;
  busyThreads: number;
  rssBeforeBytes: number;
  rssConnectedBytes: number;
  rssEndBytes: number;
  rssPerConnectionBytes: number | null;
}

/**
 * Accounts for a server's processes and all that descend from them, from outside, at the edges of a run's phases.
 * A window's edge is taken of the processes known before, in about 30 µs a thread, and then of those new since.
 */
export class ServerMeter {
  readonly #roots: readonly number[];
  #known: readonly number[];
  #rssBeforeBytes = 0;
  #rssConnectedBytes = 0;
  #start: Map<number, ProcessSample> | null = null;
  #startMs = 0;
  #cost: Omit<ServerUse, "cpuPerMessageUs" | "rssPerConnectionBytes"> | null = null;

  constructor(pids: readonly number[]) {
    this.#roots = pids;
    this.#known = pids;
  }

  /** Before the first connection. */
  sampleBefore(): void {
    this.#rssBeforeBytes = this.#residentBytes();
  }

  /** When all connections are open and none has sent anything. */
  sampleConnected(): void {
    this.#rssConnectedBytes = this.#residentBytes();
  }

  windowStart(): void {
    this.#startMs = performance.now();
    this.#start = this.#sample();
  }

  windowEnd(): void {
    const start = this.#start;
    if (start === null) throw new Error("windowEnd() without windowStart()");
    const seconds = (performance.now() - this.#startMs) / 1_000;
    const end = this.#sample();

    const same = (sample: ProcessSample): boolean => start.get(sample.pid)?.startTicks === sample.startTicks;
    const vanishedPids = [...start.values()].filter(({ pid, startTicks }) => end.get(pid)?.startTicks !== startTicks);
    const alive = [...end.values()].filter((sample) => same(sample) || !this.#roots.includes(sample.pid));
    const uses = alive.map((sample) => processUse(same(sample) ? start.get(sample.pid)! : null, sample));
    const userSeconds = sum(uses.map((use) => use.userSeconds));
    const systemSeconds = sum(uses.map((use) => use.systemSeconds));
    this.#cost = {
      pids: alive.map(({ pid }) => pid),
      vanishedPids: vanishedPids.map(({ pid }) => pid),
      userSeconds,
      systemSeconds,
      cores: (userSeconds + systemSeconds) / seconds,
      busyThreads: countBusy(uses),
      rssBeforeBytes: this.#rssBeforeBytes,
      rssConnectedBytes: this.#rssConnectedBytes,
      rssEndBytes: sum(alive.map(({ pid }) => residentBytes(pid))),
    };
  }

  /**
   * @param messages    answered in the window
   * @param established connections at {@link sampleConnected}
   * @returns null where no window was measured or no process of the server was left at its end
   */
  cost(messages: number, established: number): ServerUse | null {
    const cost = this.#cost;
    if (cost === null || cost.pids.length === 0) return null;
    const cpuUs = (cost.userSeconds + cost.systemSeconds) * 1e6;
    return {
      ...cost,
      cpuPerMessageUs: messages === 0 ? null : cpuUs / messages,
      rssPerConnectionBytes: established === 0 ? null : (cost.rssConnectedBytes - cost.rssBeforeBytes) / established,
    };
  }

  /** Those known first: looking for new ones takes time. */
  #sample(): Map<number, ProcessSample> {
    const samples = new Map<number, ProcessSample>();
    const add = (pid: number): void => {
      const sample = samples.has(pid) ? null : sampleProcess(pid);
      if (sample !== null) samples.set(pid, sample);
    };
    this.#known.forEach(add);
    this.#known = processTree(this.#roots);
    this.#known.forEach(add);
    return samples;
  }

  #residentBytes(): number {
    this.#known = processTree(this.#roots);
    return sum(this.#known.map(residentBytes));
  }
}

/** Threads where the kernel counts them, else processes. */
function countBusy(uses: readonly ProcessUse[]): number {
  const seconds = uses.flatMap(({ threadSeconds, userSeconds, systemSeconds }) =>
    threadSeconds.length > 0 ? threadSeconds : [userSeconds + systemSeconds],
  );
  const busiest = Math.max(0, ...seconds);
  return seconds.filter((each) => each > 0 && each >= busiest * BUSY_SHARE).length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
