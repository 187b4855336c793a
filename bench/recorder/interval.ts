/** One second of the run as seen by all generator processes together. */
export interface Interval {
  /** Milliseconds from the load's start; an interval ends where the next begins. */
  startMs: number;
  endMs: number;
  phase: "warmup" | "measure" | "drain";
  sent: number;
  received: number;
  open: number;
  /** Response time of the messages answered in this interval; null where there was none. */
  p50Ns: number | null;
  p90Ns: number | null;
  p99Ns: number | null;
  maxNs: number | null;
  /** Lag behind the schedule of the messages sent in this interval; null in closed loop. */
  lagP99Ns: number | null;
  /** Age of the oldest unanswered message at the interval's end. */
  oldestUnansweredMs: number;
}

/** The run as it is now; the figures are those of the last second. */
export interface LoadProgress {
  phase: "connect" | "warmup" | "measure" | "drain" | "stopping";
  /** Connections asked for, open now, and failed so far. */
  requested: number;
  open: number;
  failed: number;
  sentPerSecond: number;
  receivedPerSecond: number;
  /** Overdue, or lost with their connection, so far. */
  overdue: number;
  /** Response time; null where nothing was answered. */
  p50Ns: number | null;
  p99Ns: number | null;
  maxNs: number | null;
  oldestUnansweredMs: number;
  /** To the end of the window. */
  secondsLeft: number;
}
