import type { Plan } from "../plan/plan.js";
import type { Interval, LoadProgress } from "../recorder/interval.js";
import type { Ledger } from "../recorder/ledger.js";
import type { Scenario } from "../scenario/scenario.js";

export type { Interval, Ledger, LoadProgress };

/** Version of the saved form. A reader of version n reads every version up to n. */
export const RESULT_VERSION = 1;

/** A distribution of times in nanoseconds. */
export interface Latency {
  count: number;
  minNs: number;
  meanNs: number;
  p50Ns: number;
  p90Ns: number;
  p99Ns: number;
  p999Ns: number;
  p9999Ns: number;
  maxNs: number;
  /** Share of values above 100 ms, 0 to 1: it tells of a pause that p99 hides. */
  above100MsShare: number;
  /** The whole distribution: HdrHistogram V2, compressed, base64, unit 1 ns, 3 significant digits. */
  histogram: string;
}

export interface Connections {
  requested: number;
  established: number;
  /** Established and still open when the drain ended. */
  openAtEnd: number;
  /** Handshakes that failed, by reason, with a count each: "refused", "timeout", "status 404", ... */
  failures: Record<string, number>;
  /** Connections that ended before the run asked them to, by reason: "close 1013 slow reader", "reset", ... */
  endings: Record<string, number>;
  /** permessage-deflate as the server answered it, with the number of connections that got this answer. */
  extensions: Record<string, number>;
  /** Time from the first connect to the last handshake's end. */
  rampMs: number;
}

/** The server's processes in the measured window. */
export interface ServerCost {
  pids: number[];
  userSeconds: number;
  systemSeconds: number;
  /** CPU microseconds, user and system, a message answered in the window; null where none was. */
  cpuPerMessageUs: number | null;
  /** Cores used on average. */
  cores: number;
  /** Threads that used CPU time in the window: a server with one cannot use more than one core. */
  busyThreads: number;
  /** Resident memory before the ramp, after it (idle connections) and at the end of the window. */
  rssBeforeBytes: number;
  rssConnectedBytes: number;
  rssEndBytes: number;
  /** Growth of resident memory by the ramp for each connection; null where none was established. */
  rssPerConnectionBytes: number | null;
}

/** One generator process in the measured window. */
export interface GeneratorCost {
  pid: number;
  connections: number;
  cpus: number[] | null;
  userSeconds: number;
  systemSeconds: number;
  /** Share of the window in which it had work to do, 0 to 1 (a spinning pacer's empty turns are not work). */
  busyShare: number;
  /** Longest time in the window in which it saw no event at all, though a timer was due each 10 ms. */
  maxStallMs: number;
  rssBytes: number;
}

/** The machine in the measured window; null off Linux. */
export interface MachineLoad {
  cores: number;
  /** Cores busy with other than the server, the generator and this program, on average. */
  foreignCores: number;
  /** Cores' worth of time that the hypervisor gave to others. */
  stealCores: number;
}

export const REASONS = {
  "no-connection": "no connection was established",
  "connections-missing": "some connections were not established",
  "connections-ended": "connections ended before the run asked them to",
  "nothing-answered": "no message was answered in the window",
  "generator-failed": "a generator process ended or did not answer",
  "generator-stalled": "a generator process stood still",
  "generator-lag": "messages were sent late against the schedule",
  "generator-saturated": "the generator was the limit",
  "ledger-unbalanced": "Echolot's own count of messages does not add up",
  "rate-missed": "fewer messages were sent than asked for",
  "queue-growing": "the server fell further and further behind the schedule",
  "loop-unfilled": "fewer messages were in flight than asked for",
  "protocol-broken": "the server broke the WebSocket protocol",
  "messages-unsent": "scheduled messages had no connection to be sent on",
  "messages-lost": "messages were never answered",
  "messages-corrupted": "answers differ from what was sent",
  "messages-duplicated": "messages were answered more than once",
  "messages-reordered": "answers came in another order than the messages",
  "messages-unexpected": "frames came that answer nothing",
  "messages-late": "answers came after the message time-out",
  "opcode-wrong": "answers came with another opcode",
  "deflate-missing": "permessage-deflate was asked for and not negotiated",
  "deflate-unused": "answers came uncompressed although permessage-deflate was negotiated",
  "machine-busy": "other programs used the machine",
  "machine-stolen": "the hypervisor took time away",
  "cores-shared": "server and generator shared a core",
  "server-unseen": "the server's cost was not measured",
  "order-unseen": "the payload is too small to carry a sequence",
  "answers-few": "there are too few answers for the tail",
  interrupted: "the run was cut short",
} as const;

export type ReasonCode = keyof typeof REASONS;

/** `note` leaves the verdict valid, `fault` is the server's and fails the run, `suspect` and `void` are the run's. */
export type Severity = "note" | "fault" | "suspect" | "void";

export interface Reason {
  code: ReasonCode;
  severity: Severity;
  /** What was seen, with its figures. */
  fact: string;
  /** What to do about it. */
  remedy: string;
}

export interface Verdict {
  kind: "valid" | "suspect" | "void";
  /** True when the server lost, corrupted, duplicated, invented or mislabelled messages: exit code 1. */
  faulty: boolean;
  /** Worst first. */
  reasons: Reason[];
}

export interface Manifest {
  echolot: string;
  /** Command line or "library". */
  command: string[];
  node: string;
  platform: string;
  kernel: string;
  cpuModel: string;
  cores: number;
  memoryBytes: number;
  openFilesLimit: number | null;
  /** What is known of the server: command line and version where this machine runs it. */
  server: {
    url: string;
    address: string;
    startedByUs: boolean;
    command: string[] | null;
    details: Record<string, unknown>;
  };
}

/** One run, as saved. */
export interface Result {
  format: "echolot-result";
  version: typeof RESULT_VERSION;
  id: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  manifest: Manifest;
  scenario: Scenario;
  plan: Plan;
  /** The measured window as it was, on the generator's clock. */
  windowMs: number;
  connections: Connections;
  ledger: Ledger;
  /** Messages a second sent and answered within the window. */
  sentPerSecond: number;
  receivedPerSecond: number;
  latency: {
    /** Intended time to answer. In closed loop a message is intended when it is sent: equal to service. */
    response: Latency | null;
    /** Write to answer. */
    service: Latency | null;
    /** Intended time to write; null in closed loop, which has no schedule. */
    lag: Latency | null;
    /** connect() to the end of the opening handshake. */
    handshake: Latency | null;
    /** Messages of the window without an answer: in `response` and `service` with their age at the end. */
    unanswered: number;
  };
  intervals: Interval[];
  server: ServerCost | null;
  generator: GeneratorCost[];
  machine: MachineLoad | null;
  verdict: Verdict;
}

/** A run before it is judged. */
export type Measured = Omit<Result, "verdict">;
