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
