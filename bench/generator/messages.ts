import type { Counters } from "../recorder/ledger.js";
import type { SparseCounts } from "../recorder/tally.js";
import type { Scenario } from "../scenario/scenario.js";

/** What coordinator and generator process say to each other. Times are CLOCK_MONOTONIC in ns, the same in both. */

/** Everything a generator process needs to know. */
export interface Job {
  scenario: Scenario;
  /** Of `workers` processes, this is number `worker`: it opens connections worker, worker + workers, ... of all. */
  worker: number;
  workers: number;
  connections: number;
  localAddresses: string[];
  pacing: "spin" | "timer";
  target: {
    /** Address to connect to, resolved. */
    address: string;
    port: number;
    /** For the Host header. */
    authority: string;
    /** Path and query. */
    resource: string;
  };
}

/** When the load begins, and the measured window in it. */
export interface Timetable {
  startNs: number;
  windowStartNs: number;
  windowEndNs: number;
}

export type ToWorker =
  | { type: "prepare"; job: Job }
  | { type: "connect"; startNs: number }
  /** `ratePerSecond` is this process's share of an open loop's rate; `offset` its place in a gap, 0 to 1. */
  | { type: "load"; timetable: Timetable; ratePerSecond: number; offset: number }
  /** Send nothing more, end the window now, drain and report. */
  | { type: "interrupt" }
  /** Report at once. */
  | { type: "abort" };

export type FromWorker =
  | { type: "prepared" }
  | { type: "connecting"; established: number; failed: number }
  | {
      type: "connected";
      established: number;
      handshake: SparseCounts;
      failures: Record<string, number>;
      extensions: Record<string, number>;
      rampNs: number;
    }
  | { type: "interval"; interval: WorkerInterval }
  | { type: "done"; report: WorkerReport };

export interface WorkerInterval {
  /** When it was due to end, in ms from the load's start: the same in all processes. */
  index: number;
  phase: "warmup" | "measure" | "drain";
  startNs: number;
  endNs: number;
  sent: number;
  received: number;
  open: number;
  response: SparseCounts;
  lag: SparseCounts;
  oldestUnansweredNs: number;
  /** Messages that are overdue or whose connection has ended, so far. */
  overdue: number;
}

export interface WorkerReport {
  counters: Counters;
  lost: number;
  inFlight: number;
  openAtEnd: number;
  endings: Record<string, number>;
  response: SparseCounts;
  service: SparseCounts;
  lag: SparseCounts;
  /** Messages of the window without an answer, in `response` and `service` with their age. */
  unanswered: number;
  window: {
    startNs: number;
    endNs: number;
    sent: number;
    received: number;
    userSeconds: number;
    systemSeconds: number;
    busyShare: number;
    maxStallNs: number;
    rssBytes: number;
  };
}
