import { type Counters, countUnder, newCounters, type Tallies } from "../recorder/ledger.js";
import { type SparseCounts, Tally } from "../recorder/tally.js";
import { monotonicOffsetNs, nowNs } from "./clock.js";
import { CLOSE_TIMEOUT_MS, Connection } from "./connection.js";
import type { Job, Timetable, WorkerInterval, WorkerReport } from "./messages.js";
import { NONE, Outstanding } from "./outstanding.js";
import { exponentialSchedule, fixedSchedule, type Schedule, spreadSchedule } from "./pacer.js";
import { seededRandom } from "./random.js";
import { MessageStream } from "./stream.js";
import { Times } from "./times.js";

/** One read at the most: enough for a thousand small answers, small enough to stay in the cache. */
const READ_BYTES = 64 * 1024;
/** One write at the most. */
const BATCH_BYTES = 256 * 1024;
const MAX_BATCH = 64;
/** A timer as often as this makes a standstill visible when nothing else happens. */
const PULSE_MS = 10;
/** Between two pulses: longer than this, and the process itself stood still. */
const STANDSTILL_NS = 50e6;
/** How often overdue messages are looked for. */
const SWEEP_NS = 100e6;
const SECOND_NS = 1e9;
/** Overdue sends may take this long before answers are read again, or as long as the turn before them took. */
const SENDING_TURN_NS = 1e6;
/** The first messages of a closed loop go out over this time at most, so that connections do not move in step. */
const SPREAD_NS = 500e6;

/** Tells the coordinator what happens, while it happens. */
export interface GeneratorEvents {
  onConnecting(established: number, failed: number): void;
  onInterval(interval: WorkerInterval): void;
}

/**
 * One process's share of the load: opens its connections, sends what the loop asks for, checks and times the answers.
 * One timestamp a read and one a scheduled send; between them no promise, no closure, no object of ours.
 */
export class Generator {
  readonly job: Job;
  readonly stream: MessageStream;
  readonly outstanding = new Outstanding();
  readonly counters: Counters = newCounters();
  readonly readBuffer = Buffer.alloc(READ_BYTES);
  readonly closedLoop: boolean;
  readonly maxBatch: number;
  /** Compressed echoes that were inflated and found right, by message. */
  readonly compressedForms: (Buffer | undefined)[] = [];

  readonly #events: GeneratorEvents;
  readonly #clockOffsetNs = monotonicOffsetNs();
  readonly #messageTimeoutNs: number;
  #connections: Connection[] = [];
  #open: Connection[] = [];
  readonly #handshakes = new Tally();
  readonly #failures: Tallies = {};
  readonly #extensions: Tallies = {};
  readonly #endings: Tallies = {};

  readonly #response = new Times();
  readonly #service = new Times();
  readonly #lag = new Times();
  #unanswered = 0;

  #lastTickNs = nowNs();
  #nextEdgeNs = Number.POSITIVE_INFINITY;
  #startNs = Number.POSITIVE_INFINITY;
  #windowStartNs = Number.POSITIVE_INFINITY;
  #windowEndNs = Number.POSITIVE_INFINITY;
  #intervalStartNs = 0;
  /** When the current interval should end: whole seconds from the window's start, and the window's end. */
  #intervalEndNs = Number.POSITIVE_INFINITY;
  #intervalSent = 0;
  #intervalReceived = 0;

  #sending = false;
  #lastSentNs = 0;
  #overdue = 0;
  /** Messages that wait on connections that have ended. */
  #orphaned = 0;
  #nextSweepNs = 0;
  #pulseNs = nowNs();
  #pulseSkipped = false;
  #schedule: Schedule | null = null;
  #cursor = 0;

  /** The spinning pacer's last turn, and whether anything happened since. */
  #turnNs = nowNs();
  #worked = true;
  #idleNs = 0;
  #maxStallNs = 0;
  #windowOpen: WindowOpening | null = null;
  #window: WorkerReport["window"] | null = null;
  #drained: (() => void) | null = null;
  #aborted = false;

  constructor(job: Job, events: GeneratorEvents) {
    this.job = job;
    this.#events = events;
    const { scenario } = job;
    this.closedLoop = scenario.loop.kind === "closed";
    const depth = scenario.loop.kind === "closed" ? scenario.loop.inFlight : 1;
    this.maxBatch = Math.max(
      1,
      Math.min(depth, MAX_BATCH, Math.floor(BATCH_BYTES / Math.max(1, scenario.payloadBytes))),
    );
    this.stream = new MessageStream(scenario, this.maxBatch, READ_BYTES, depth);
    this.#messageTimeoutNs = scenario.messageTimeoutMs * 1e6;
  }

  /** The time, once an event: it also sees standstills and the ends of seconds and of the window. */
  tick(): number {
    const now = nowNs();
    const gap = now - this.#lastTickNs;
    if (gap > this.#maxStallNs) this.#maxStallNs = gap;
    this.#lastTickNs = now;
    this.#worked = true;
    if (now >= this.#nextEdgeNs) this.#crossEdges(now);
    return now;
  }

  /** Opens the connections at the scenario's rate, beginning at `startNs` (CLOCK_MONOTONIC). */
  async connect(startNs: number): Promise<Connected> {
    const { job } = this;
    const begin = startNs - this.#clockOffsetNs;
    const gapNs = 1e9 / job.scenario.connectRatePerSecond;
    const length = this.stream.length;
    this.#connections = Array.from({ length: job.connections }, (_, i) => {
      // An odd stride visits every place of a cycle whose length is a power of two before it comes back to one.
      const phase = ((job.worker + i * job.workers) * PHASE_STRIDE) % length;
      return new Connection(this, phase);
    });
    let opened = 0;
    let settled = 0;
    let lastSettledNs = begin;
    await new Promise<void>((resolve) => {
      const settle = (connection: Connection, failure: string | null) => {
        settled++;
        lastSettledNs = nowNs();
        if (failure === null) this.#open.push(connection);
        else countUnder(this.#failures, failure);
        if (settled === job.connections) resolve();
      };
      const openDue = () => {
        const now = this.tick();
        while (opened < job.connections && begin + (job.worker + opened * job.workers) * gapNs <= now) {
          const connection = this.#connections[opened]!;
          const { localAddresses } = job;
          const address = localAddresses.length === 0 ? undefined : localAddresses[opened % localAddresses.length];
          opened++;
          connection.open(address, (failure) => settle(connection, failure));
        }
        this.#events.onConnecting(this.#open.length, settled - this.#open.length);
        if (this.#aborted) resolve();
        else if (settled < job.connections) setTimeout(openDue, opened < job.connections ? 1 : 50);
      };
      openDue();
    });
    return {
      established: this.#open.length,
      handshake: this.#handshakes.toSparse(),
      failures: this.#failures,
      extensions: this.#extensions,
      rampNs: lastSettledNs - begin,
    };
  }

  /**
   * Sends by the timetable, waits for what is unanswered, closes the connections.
   * @param timetable     on CLOCK_MONOTONIC
   * @param ratePerSecond open loop: this process's share
   * @param offset        open loop: its place in a gap, 0 to 1
   */
  async load(timetable: Timetable, ratePerSecond: number, offset: number): Promise<WorkerReport> {
    const { scenario } = this.job;
    this.#startNs = timetable.startNs - this.#clockOffsetNs;
    this.#windowStartNs = timetable.windowStartNs - this.#clockOffsetNs;
    this.#windowEndNs = timetable.windowEndNs - this.#clockOffsetNs;
    this.#intervalStartNs = this.#startNs;
    this.#intervalEndNs = this.#intervalEndAfter(this.#startNs);
    this.#nextEdgeNs = Math.min(this.#intervalEndNs, this.#windowStartNs);
    this.#sending = true;
    this.#lastSentNs = this.#startNs;
    const pulse = setInterval(() => this.#onPulse(), PULSE_MS);
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    if (scenario.loop.kind === "open") {
      this.#schedule =
        scenario.loop.arrivals === "fixed"
          ? fixedSchedule(this.#startNs, this.#windowEndNs, ratePerSecond, offset)
          : exponentialSchedule(
              this.#startNs,
              this.#windowEndNs,
              ratePerSecond,
              seededRandom(scenario.seed + 1 + this.job.worker),
            );
    } else {
      const spreadNs = Math.max(1, Math.min(SPREAD_NS, (this.#windowEndNs - this.#startNs) / 4));
      this.#schedule = spreadSchedule(this.#startNs, spreadNs, this.#open.length);
    }
    if (this.#open.length === 0) this.#schedule = null;
    this.#pace();
    await drained;
    clearInterval(pulse);
    this.#endInterval(nowNs());
    const report = this.#report();
    await this.#closeAll();
    return report;
  }

  /** Ends the window now; what was sent may still be answered. */
  interrupt(): void {
    this.#schedule = null;
    if (this.#startNs === Number.POSITIVE_INFINITY) return;
    const now = nowNs();
    this.#windowEndNs = Math.min(this.#windowEndNs, now);
    this.#intervalEndNs = Math.min(this.#intervalEndNs, now);
    this.#nextEdgeNs = now;
  }

  /** Waits for nothing more. */
  abort(): void {
    this.interrupt();
    this.#aborted = true;
    this.#drained?.();
  }

  recordHandshake(durationNs: number): void {
    this.#handshakes.record(durationNs, 1);
  }

  countExtensions(answer: string): void {
    countUnder(this.#extensions, answer);
  }

  /** `count` messages of one intended and one send time were answered. */
  recordAnswers(count: number, intendedNs: number, sentNs: number, readNs: number): void {
    this.counters.received += count;
    const inside = this.#isInside(intendedNs);
    this.#response.record(readNs - intendedNs, count, inside);
    if (!this.closedLoop) this.#service.record(readNs - sentNs, count, inside);
  }

  /** Closed loop: an answer lets the next message go, at the time of the answer. */
  sendAfterAnswer(connection: Connection, count: number, readNs: number): void {
    if (!this.#sending || connection.state !== "open") return;
    this.counters.scheduled += count;
    this.#lastSentNs = readNs;
    connection.send(count, readNs, readNs);
  }

  lateAnswer(): void {
    this.counters.late++;
    this.#overdue--;
  }

  connectionEnded(connection: Connection): void {
    this.#orphaned += connection.waiting + (connection.stragglers?.size ?? 0);
    if (connection.ending !== null) countUnder(this.#endings, connection.ending);
  }

  #isInside(intendedNs: number): boolean {
    return intendedNs >= this.#windowStartNs && intendedNs < this.#windowEndNs;
  }

  /** Sends what is due, then comes back for the next: at once when spinning, else by a timer. */
  #pace(): void {
    const schedule = this.#schedule;
    if (schedule === null || schedule.nextNs === Number.POSITIVE_INFINITY) return;
    const spinning = this.job.pacing === "spin";
    const now = nowNs();
    const turnNs = now - this.#turnNs;
    if (!this.#worked) this.#idleNs += turnNs;
    this.#turnNs = now;
    this.#worked = false;
    if (schedule.nextNs <= now) {
      this.tick();
      // After a standstill neither the overdue sends nor the answers to read may starve the other.
      this.#sendDue(schedule, now + Math.max(SENDING_TURN_NS, turnNs / 2));
    }
    const waitNs = schedule.nextNs - nowNs();
    if (spinning || waitNs <= 0) setImmediate(() => this.#pace());
    else if (waitNs < Number.POSITIVE_INFINITY) setTimeout(() => this.#pace(), Math.max(1, waitNs / 1e6));
  }

  #sendDue(schedule: Schedule, untilNs: number): void {
    for (;;) {
      const intendedNs = schedule.nextNs;
      const sentNs = nowNs();
      if (intendedNs > sentNs || sentNs > untilNs) return;
      schedule.advance();
      const connection = this.#open[this.#cursor]!;
      this.#cursor = (this.#cursor + 1) % this.#open.length;
      if (this.closedLoop) this.#beginLoop(connection, sentNs);
      else this.#sendScheduled(connection, intendedNs, sentNs);
    }
  }

  #beginLoop(connection: Connection, nowNs: number): void {
    const { loop } = this.job.scenario;
    if (loop.kind === "closed") this.sendAfterAnswer(connection, loop.inFlight, nowNs);
  }

  #sendScheduled(connection: Connection, intendedNs: number, sentNs: number): void {
    this.counters.scheduled++;
    if (connection.state !== "open" || this.outstanding.full) {
      this.counters.unsent++;
      return;
    }
    this.#lastSentNs = sentNs;
    this.#lag.record(sentNs - intendedNs, 1, this.#isInside(intendedNs));
    connection.send(1, intendedNs, sentNs);
  }

  #onPulse(): void {
    const now = this.tick();
    const stoodStill = now - this.#pulseNs > STANDSTILL_NS;
    this.#pulseNs = now;
    // What was answered during a standstill of this process is read before anything counts as unanswered.
    this.#pulseSkipped = stoodStill && !this.#pulseSkipped;
    if (this.#pulseSkipped) return;
    if (now >= this.#nextSweepNs) {
      this.#nextSweepNs = now + SWEEP_NS;
      this.#sweep(now);
    }
    if (this.#sending) return;
    const waiting = this.outstanding.size - this.#orphaned - this.#overdue;
    const patienceEnds = this.#lastSentNs + this.#messageTimeoutNs;
    if (waiting <= 0 || now > patienceEnds) this.#drained?.();
  }

  /** Gives up on overdue messages, so that a closed loop goes on after a loss. */
  #sweep(now: number): void {
    const beforeNs = now - this.#messageTimeoutNs;
    for (const connection of this.#open) {
      if (connection.state !== "open") continue;
      const passed = connection.passOver(beforeNs);
      this.#overdue += passed;
      if (passed > 0 && this.closedLoop) this.sendAfterAnswer(connection, passed, now);
    }
  }

  /** Age of the oldest message that is waited for: an overdue one is counted as such and no longer waited for. */
  #oldestUnansweredNs(now: number): number {
    let oldest = now;
    for (const connection of this.#open) {
      if (connection.state === "closed") continue;
      if (connection.head !== NONE) oldest = Math.min(oldest, this.outstanding.intendedNs[connection.head]!);
      const straggler = connection.stragglers?.values().next().value;
      if (straggler !== undefined) oldest = Math.min(oldest, this.outstanding.intendedNs[straggler]!);
    }
    return now - oldest;
  }

  #crossEdges(now: number): void {
    if (this.#windowOpen === null && now >= this.#windowStartNs) this.#openWindow(now);
    if (this.#windowOpen !== null && this.#window === null && now >= this.#windowEndNs) this.#closeWindow(now);
    if (
      this.#sending &&
      now >= this.#windowEndNs &&
      (this.#schedule === null || this.#schedule.nextNs === Number.POSITIVE_INFINITY || this.closedLoop)
    )
      this.#sending = false;
    if (now >= this.#intervalEndNs) this.#endInterval(now);
    this.#nextEdgeNs = this.#intervalEndNs;
    if (this.#windowOpen === null) this.#nextEdgeNs = Math.min(this.#nextEdgeNs, this.#windowStartNs);
    else if (this.#window === null) this.#nextEdgeNs = Math.min(this.#nextEdgeNs, this.#windowEndNs);
    // Overdue sends of an open loop may run on past the window's end: look again soon.
    else if (this.#sending) this.#nextEdgeNs = now;
  }

  /** The window's start and end are ends of intervals, so that each interval lies inside or outside of it. */
  #intervalEndAfter(now: number): number {
    const seconds = Math.floor((now - this.#windowStartNs) / SECOND_NS) + 1;
    const endNs = this.#windowStartNs + seconds * SECOND_NS;
    return now < this.#windowEndNs ? Math.min(endNs, this.#windowEndNs) : endNs;
  }

  #openWindow(now: number): void {
    // A standstill that began before the window counts from the window's start.
    this.#maxStallNs = Math.max(0, now - this.#windowStartNs);
    this.#idleNs = 0;
    this.#windowOpen = {
      atNs: now,
      sent: this.counters.sent,
      received: this.counters.received,
      cpu: process.cpuUsage(),
      utilization: performance.eventLoopUtilization(),
    };
  }

  #closeWindow(now: number): void {
    const open = this.#windowOpen!;
    const cpu = process.cpuUsage(open.cpu);
    const spinning = !this.closedLoop && this.job.pacing === "spin";
    const busyShare = spinning
      ? 1 - this.#idleNs / (now - open.atNs)
      : performance.eventLoopUtilization(open.utilization).utilization;
    this.#window = {
      startNs: open.atNs + this.#clockOffsetNs,
      endNs: now + this.#clockOffsetNs,
      sent: this.counters.sent - open.sent,
      received: this.counters.received - open.received,
      userSeconds: cpu.user / 1e6,
      systemSeconds: cpu.system / 1e6,
      busyShare: Math.min(1, Math.max(0, busyShare)),
      maxStallNs: this.#maxStallNs,
      rssBytes: process.memoryUsage.rss(),
    };
  }

  #endInterval(now: number): void {
    this.#events.onInterval({
      index: Math.round((this.#intervalEndNs - this.#startNs) / 1e6),
      phase:
        this.#intervalStartNs >= this.#windowEndNs
          ? "drain"
          : this.#intervalStartNs >= this.#windowStartNs
            ? "measure"
            : "warmup",
      startNs: this.#intervalStartNs + this.#clockOffsetNs,
      endNs: now + this.#clockOffsetNs,
      sent: this.counters.sent - this.#intervalSent,
      received: this.counters.received - this.#intervalReceived,
      open: this.#open.filter((connection) => connection.state === "open").length,
      response: this.#response.endSecond(),
      lag: this.#lag.endSecond(),
      oldestUnansweredNs: this.#oldestUnansweredNs(now),
      overdue: this.#overdue + this.#orphaned,
    });
    this.#service.endSecond();
    this.#intervalStartNs = now;
    this.#intervalEndNs = this.#intervalEndAfter(now);
    this.#intervalSent = this.counters.sent;
    this.#intervalReceived = this.counters.received;
  }

  /** Settles what was never answered: it stays in the distributions with the age it has reached. */
  #recordUnanswered(now: number): number {
    let count = 0;
    const { outstanding } = this;
    const record = (entry: number) => {
      count++;
      const intendedNs = outstanding.intendedNs[entry]!;
      if (!this.#isInside(intendedNs)) return;
      this.#unanswered++;
      this.#response.record(now - intendedNs, 1, true);
      if (!this.closedLoop) this.#service.record(now - outstanding.sentNs[entry]!, 1, true);
    };
    for (const connection of this.#open) {
      for (let entry = connection.head; entry !== NONE; entry = outstanding.next[entry]!) record(entry);
      connection.stragglers?.forEach(record);
      connection.overdue?.forEach(record);
    }
    return count;
  }

  #report(): WorkerReport {
    const now = nowNs();
    if (this.#windowOpen === null) this.#openWindow(now);
    if (this.#window === null) this.#closeWindow(now);
    // Answers to the window's messages were still timed until now: a standstill until now is in their times.
    this.#window!.maxStallNs = this.#maxStallNs;
    const unanswered = this.#recordUnanswered(now);
    const response = this.#response.window();
    // Copies: what comes while the connections close was counted as lost here, and changes nothing.
    return {
      counters: { ...this.counters },
      lost: this.#aborted ? 0 : unanswered,
      inFlight: this.#aborted ? unanswered : 0,
      openAtEnd: this.#open.filter((connection) => connection.state === "open").length,
      endings: { ...this.#endings },
      response,
      service: this.closedLoop ? response : this.#service.window(),
      lag: this.#lag.window(),
      unanswered: this.#unanswered,
      window: this.#window!,
    };
  }

  async #closeAll(): Promise<void> {
    for (const connection of this.#open) connection.close();
    const deadline = nowNs() + CLOSE_TIMEOUT_MS * 1e6;
    while (this.#open.some((connection) => connection.state === "closing") && nowNs() < deadline)
      await new Promise((resolve) => setTimeout(resolve, PULSE_MS));
    for (const connection of this.#connections) connection.destroy();
  }
}

/** About the golden section of the longest cycle, and odd. */
const PHASE_STRIDE = 2_531;

/** What the opening of the window has found. */
interface WindowOpening {
  atNs: number;
  sent: number;
  received: number;
  cpu: NodeJS.CpuUsage;
  utilization: ReturnType<typeof performance.eventLoopUtilization>;
}

export interface Connected {
  established: number;
  handshake: SparseCounts;
  failures: Tallies;
  extensions: Tallies;
  rampNs: number;
}
