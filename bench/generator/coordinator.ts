import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { pinnedFork } from "../plan/pinning.js";
import type { Plan, WorkerPlan } from "../plan/plan.js";
import type { Interval, LoadProgress } from "../recorder/interval.js";
import { type Counters, countUnder, newCounters, type Tallies } from "../recorder/ledger.js";
import { type SparseCounts, toHistogram } from "../recorder/tally.js";
import type { Scenario } from "../scenario/scenario.js";
import { monotonicNs } from "./clock.js";
import type { FromWorker, Job, Timetable, ToWorker, WorkerInterval, WorkerReport } from "./messages.js";

/** From the last handshake to the first message: long enough that the server's memory is read while all is idle. */
const SETTLE_MS = 300;
/** Time that all processes have to receive their orders before they are due. */
const NOTICE_NS = 100e6;
/** What a process may need beyond the timetable before it counts as hung: a machine may be busy. */
const GRACE_MS = 30_000;

/** What the caller wants to know while the load runs. */
export interface LoadObserver {
  onProgress(progress: LoadProgress): void;
  /** All handshakes have ended; nothing is sent yet. */
  onConnected(established: number): void | Promise<void>;
  onWindowOpens(): void;
  onWindowCloses(): void;
}

export interface WorkerWindow {
  pid: number;
  plan: WorkerPlan;
  window: WorkerReport["window"];
}

export interface LoadOutcome {
  established: number;
  openAtEnd: number;
  rampMs: number;
  failures: Tallies;
  extensions: Tallies;
  endings: Tallies;
  handshake: SparseCounts[];
  response: SparseCounts[];
  service: SparseCounts[];
  lag: SparseCounts[];
  counters: Counters;
  lost: number;
  inFlight: number;
  unanswered: number;
  intervals: Interval[];
  workers: WorkerWindow[];
  /** The window of all processes together. */
  windowMs: number;
  /** Generator processes that failed: how. */
  generatorFailures: string[];
  interrupted: boolean;
}

export interface LoadJob {
  scenario: Scenario;
  plan: Plan;
  target: Job["target"];
}

/** Starts the generator processes, leads them through connect, load and drain, and adds up what they report. */
export class Coordinator {
  readonly #job: LoadJob;
  readonly #observer: LoadObserver;
  #workers: WorkerProcess[] = [];
  /** Seconds of which some processes have not told yet. */
  #pending = new Map<number, WorkerInterval[]>();
  #intervals: Interval[] = [];
  #timetable: Timetable | null = null;
  #interrupted = false;
  #windowState: "before" | "open" | "closed" | "missed" = "before";
  #progress: LoadProgress;

  constructor(job: LoadJob, observer: LoadObserver) {
    this.#job = job;
    this.#observer = observer;
    this.#progress = { ...NO_PROGRESS, phase: "connect", requested: job.scenario.connections, open: 0, failed: 0 };
  }

  /** Ends the window now; what was sent may still be answered. */
  interrupt(): void {
    if (this.#interrupted) return;
    this.#interrupted = true;
    if (this.#timetable === null) {
      this.abort();
      return;
    }
    for (const worker of this.#workers) worker.tell({ type: "interrupt" });
    this.#closeWindow();
    this.#observer.onProgress({ ...this.#progress, phase: "stopping", secondsLeft: 0 });
  }

  /** Waits for nothing more. */
  abort(): void {
    this.#interrupted = true;
    for (const worker of this.#workers) worker.tell({ type: "abort" });
    this.#closeWindow();
  }

  #openWindow(): void {
    this.#windowState = "open";
    this.#observer.onWindowOpens();
  }

  #closeWindow(): void {
    if (this.#windowState === "open") {
      this.#windowState = "closed";
      this.#observer.onWindowCloses();
    } else if (this.#windowState === "before") this.#windowState = "missed";
  }

  async run(): Promise<LoadOutcome> {
    const { plan } = this.#job;
    this.#workers = plan.workers.map(
      (workerPlan) => new WorkerProcess(workerPlan, (interval) => this.#onInterval(interval)),
    );
    try {
      await this.#all((worker) => {
        worker.tell({ type: "prepare", job: this.#jobOf(worker.plan) });
        return worker.expect("prepared", GRACE_MS);
      });
      // An interruption that came before there was anything to interrupt.
      if (this.#interrupted) for (const worker of this.#workers) worker.tell({ type: "abort" });
      const connected = await this.#connect();
      const established = sum(connected.map((one) => one.established));
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      await this.#observer.onConnected(established);
      const reports =
        established === 0 || this.#interrupted ? [] : await this.#load(connected.map((one) => one.established));
      return this.#outcome(connected, reports);
    } finally {
      for (const worker of this.#workers) worker.kill();
    }
  }

  #jobOf(plan: WorkerPlan): Job {
    const { scenario, target } = this.#job;
    return {
      scenario,
      target,
      worker: plan.index,
      workers: this.#job.plan.workers.length,
      connections: plan.connections,
      localAddresses: plan.localAddresses,
      pacing: this.#job.plan.pacing,
    };
  }

  /** Asks every process that still lives; one that fails is left out and remembered. */
  async #all<T>(ask: (worker: WorkerProcess) => Promise<T | null>): Promise<(T | null)[]> {
    return Promise.all(this.#workers.map((worker) => (worker.failure === null ? ask(worker) : null)));
  }

  async #connect(): Promise<ConnectedMessage[]> {
    const { scenario } = this.#job;
    const startNs = monotonicNs() + NOTICE_NS;
    const patienceMs =
      (scenario.connections / scenario.connectRatePerSecond) * 1_000 + scenario.connectTimeoutMs + GRACE_MS;
    const progress = setInterval(() => this.#reportConnecting(patienceMs), 250);
    try {
      const answers = await this.#all((worker) => {
        worker.tell({ type: "connect", startNs });
        return worker.expect("connected", patienceMs);
      });
      return answers.map((answer) => answer ?? NOT_CONNECTED);
    } finally {
      clearInterval(progress);
    }
  }

  #reportConnecting(patienceMs: number): void {
    this.#report({
      ...NO_PROGRESS,
      phase: "connect",
      requested: this.#job.scenario.connections,
      open: sum(this.#workers.map((worker) => worker.established)),
      failed: sum(this.#workers.map((worker) => worker.failed)),
      secondsLeft: patienceMs / 1_000,
    });
  }

  async #load(established: number[]): Promise<(WorkerReport | null)[]> {
    const { scenario } = this.#job;
    const startNs = monotonicNs() + NOTICE_NS;
    const timetable: Timetable = {
      startNs,
      windowStartNs: startNs + scenario.warmupMs * 1e6,
      windowEndNs: startNs + (scenario.warmupMs + scenario.durationMs) * 1e6,
    };
    this.#timetable = timetable;
    const inMs = (atNs: number) => Math.max(0, (atNs - monotonicNs()) / 1e6);
    const opens = setTimeout(() => this.#windowState === "before" && this.#openWindow(), inMs(timetable.windowStartNs));
    const closes = setTimeout(() => this.#closeWindow(), inMs(timetable.windowEndNs));
    const total = sum(established);
    const rate = scenario.loop.kind === "open" ? scenario.loop.ratePerSecond : 0;
    const patienceMs = NOTICE_NS / 1e6 + scenario.warmupMs + scenario.durationMs + scenario.messageTimeoutMs + GRACE_MS;
    try {
      const answers = await this.#all((worker) => {
        const { index } = worker.plan;
        worker.tell({
          type: "load",
          timetable,
          ratePerSecond: (rate * established[index]!) / total,
          offset: index / this.#workers.length,
        });
        return worker.expect("done", patienceMs);
      });
      return answers.map((answer) => answer?.report ?? null);
    } finally {
      clearTimeout(opens);
      clearTimeout(closes);
    }
  }

  #report(progress: LoadProgress): void {
    this.#progress = progress;
    this.#observer.onProgress(progress);
  }

  #onInterval(interval: WorkerInterval): void {
    const parts = this.#pending.get(interval.index) ?? [];
    parts.push(interval);
    this.#pending.set(interval.index, parts);
    const living = this.#workers.filter((worker) => worker.failure === null).length;
    if (parts.length >= living) this.#endInterval(interval.index, parts);
  }

  /** Reduces a second to its figures, so that a long run does not keep the distribution of each of its seconds. */
  #endInterval(index: number, parts: WorkerInterval[]): void {
    this.#pending.delete(index);
    const timetable = this.#timetable!;
    const startNs = Math.min(...parts.map((part) => part.startNs));
    const endNs = Math.max(...parts.map((part) => part.endNs));
    const response = toHistogram(parts.map((part) => part.response));
    const lag = toHistogram(parts.map((part) => part.lag));
    const interval: Interval = {
      startMs: (startNs - timetable.startNs) / 1e6,
      endMs: (endNs - timetable.startNs) / 1e6,
      phase: parts[0]!.phase,
      sent: sum(parts.map((part) => part.sent)),
      received: sum(parts.map((part) => part.received)),
      open: sum(parts.map((part) => part.open)),
      p50Ns: percentile(response, 50),
      p90Ns: percentile(response, 90),
      p99Ns: percentile(response, 99),
      maxNs: percentile(response, 100),
      lagP99Ns: percentile(lag, 99),
      oldestUnansweredMs: Math.max(...parts.map((part) => part.oldestUnansweredNs)) / 1e6,
    };
    this.#intervals.push(interval);
    const seconds = (endNs - startNs) / 1e9;
    this.#report({
      phase: this.#interrupted ? "stopping" : interval.phase,
      requested: this.#job.scenario.connections,
      open: interval.open,
      failed: sum(this.#workers.map((worker) => worker.failed)),
      sentPerSecond: seconds > 0 ? interval.sent / seconds : 0,
      receivedPerSecond: seconds > 0 ? interval.received / seconds : 0,
      overdue: sum(parts.map((part) => part.overdue)),
      p50Ns: interval.p50Ns,
      p99Ns: interval.p99Ns,
      maxNs: interval.maxNs,
      oldestUnansweredMs: interval.oldestUnansweredMs,
      secondsLeft: Math.max(0, (timetable.windowEndNs - endNs) / 1e9),
    });
  }

  #outcome(connected: ConnectedMessage[], answers: (WorkerReport | null)[]): LoadOutcome {
    // Seconds of a process that failed, or that stood still while the others went on.
    for (const [index, parts] of this.#pending) this.#endInterval(index, parts);
    const reports = answers.filter((report) => report !== null);
    const counters = newCounters();
    const failures: Tallies = {};
    const extensions: Tallies = {};
    const endings: Tallies = {};
    for (const report of reports) {
      for (const name of Object.keys(counters) as (keyof Counters)[]) counters[name] += report.counters[name];
      for (const [reason, count] of Object.entries(report.endings)) countUnder(endings, reason, count);
    }
    for (const one of connected) {
      for (const [reason, count] of Object.entries(one.failures)) countUnder(failures, reason, count);
      for (const [answer, count] of Object.entries(one.extensions)) countUnder(extensions, answer, count);
    }
    const windows = reports.map((report) => report.window);
    return {
      established: sum(connected.map((one) => one.established)),
      openAtEnd: sum(reports.map((report) => report.openAtEnd)),
      rampMs: Math.max(0, ...connected.map((one) => one.rampNs)) / 1e6,
      failures,
      extensions,
      endings,
      handshake: connected.map((one) => one.handshake),
      response: reports.map((report) => report.response),
      service: reports.map((report) => report.service),
      lag: reports.map((report) => report.lag),
      counters,
      lost: sum(reports.map((report) => report.lost)),
      inFlight: sum(reports.map((report) => report.inFlight)),
      unanswered: sum(reports.map((report) => report.unanswered)),
      intervals: this.#intervals.sort((a, b) => a.startMs - b.startMs),
      workers: this.#workers.flatMap((worker, index) => {
        const report = answers[index] ?? null;
        return report === null ? [] : [{ pid: worker.pid, plan: worker.plan, window: report.window }];
      }),
      windowMs:
        windows.length === 0 || this.#windowState !== "closed"
          ? 0
          : (Math.max(...windows.map((window) => window.endNs)) -
              Math.min(...windows.map((window) => window.startNs))) /
            1e6,
      generatorFailures: this.#workers.flatMap((worker) => (worker.failure === null ? [] : [worker.failure])),
      interrupted: this.#interrupted,
    };
  }
}

type ConnectedMessage = Omit<Extract<FromWorker, { type: "connected" }>, "type">;

const NOT_CONNECTED: ConnectedMessage = {
  established: 0,
  handshake: new Float64Array(0),
  failures: {},
  extensions: {},
  rampNs: 0,
};

const NO_PROGRESS = {
  sentPerSecond: 0,
  receivedPerSecond: 0,
  overdue: 0,
  p50Ns: null,
  p99Ns: null,
  maxNs: null,
  oldestUnansweredMs: 0,
  secondsLeft: 0,
};

/** One generator process, seen from the coordinator. */
class WorkerProcess {
  readonly plan: WorkerPlan;
  /** How it failed; null while it did not. */
  failure: string | null = null;
  established = 0;
  failed = 0;
  readonly #child: ChildProcess;
  readonly #onInterval: (interval: WorkerInterval) => void;
  #waiting: { type: FromWorker["type"]; resolve: (message: FromWorker | null) => void; timer: NodeJS.Timeout } | null =
    null;
  #finished = false;

  constructor(plan: WorkerPlan, onInterval: (interval: WorkerInterval) => void) {
    this.plan = plan;
    this.#onInterval = onInterval;
    this.#child = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), [], {
      ...pinnedFork(plan.cpus),
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (message) => this.#onMessage(message as FromWorker));
    this.#child.on("error", (error) => this.#fail(`could not be started: ${error.message}`));
    this.#child.on("exit", (code, signal) => {
      if (!this.#finished) this.#fail(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Waits for a message of that type; null when the process fails before it comes, or takes longer than `patienceMs`. */
  expect<T extends FromWorker["type"]>(type: T, patienceMs: number): Promise<Extract<FromWorker, { type: T }> | null> {
    if (this.failure !== null) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting = {
        type,
        resolve: (message) => resolve(message as Extract<FromWorker, { type: T }> | null),
        timer: setTimeout(() => this.#fail(`did not answer for ${Math.round(patienceMs / 1_000)} s`), patienceMs),
      };
    });
  }

  kill(): void {
    this.#finished = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  #onMessage(message: FromWorker): void {
    if (message.type === "connecting") {
      this.established = message.established;
      this.failed = message.failed;
    } else if (message.type === "interval") this.#onInterval(message.interval);
    else if (message.type === this.#waiting?.type) {
      if (message.type === "done") this.#finished = true;
      this.#settle(message);
    }
  }

  #settle(message: FromWorker | null): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    clearTimeout(waiting.timer);
    waiting.resolve(message);
  }

  #fail(how: string): void {
    this.failure ??= `generator process ${this.plan.index + 1} (pid ${this.pid}) ${how}`;
    this.kill();
    this.#settle(null);
  }
}

/** @returns null for an empty distribution */
function percentile(histogram: ReturnType<typeof toHistogram>, at: number): number | null {
  return histogram.totalCount === 0 ? null : histogram.getValueAtPercentile(at);
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
