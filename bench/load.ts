import { readFileSync } from "node:fs";
import { EcholotError } from "../cli/errors.js";
import { Coordinator, type LoadOutcome } from "./generator/coordinator.js";
import { describePlan } from "./plan/describe.js";
import { type Machine, readMachine } from "./plan/machine.js";
import type { Plan } from "./plan/plan.js";
import { planRun } from "./plan/preflight.js";
import type { PlanTarget } from "./plan/request.js";
import type { LoadProgress } from "./recorder/interval.js";
import { toHistogram } from "./recorder/tally.js";
import { summarise } from "./result/latency.js";
import type { GeneratorCost, MachineLoad, Measured, Result, ServerCost } from "./result/result.js";
import { resultId } from "./result/save.js";
import { judge } from "./result/verdict.js";
import { type Scenario, type ScenarioInput, scenarioSchema } from "./scenario/scenario.js";
import { ServerMeter, sampleProcess } from "./target/account.js";
import { inspectServer } from "./target/inspect.js";
import { findListeners } from "./target/listeners.js";
import { type MachineSample, machineUse, sampleMachine } from "./target/machine-load.js";
import { resolveTarget, type Target } from "./target/resolve.js";
import { type RunningServer, startServer } from "./target/server.js";
import { parseTargetUrl } from "./target/url.js";

/** The server to load: a URL, or none for Echolot's own endpoint, started for the run in a process of its own. */
export interface LoadTarget {
  url?: string | undefined;
  /** Processes whose CPU and memory are the server's; left out: those that listen on its port. */
  serverPids?: readonly number[] | undefined;
}

export interface LoadOptions {
  /** Generator processes; left out: as many as the plan needs. */
  workers?: number | undefined;
  /** Keep server and generators on cores of their own, where there are enough. */
  pin?: boolean | undefined;
  /** Called once, before anything is connected, with the plan in words. */
  onPlan?: ((lines: string[], plan: Plan) => void) | undefined;
  /** Called several times a second while connecting, then each second. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Aborting it ends the window and reports what was measured; the run is then suspect at best. */
  signal?: AbortSignal | undefined;
  /** Aborting it reports at once, without waiting for what is unanswered. */
  abandonSignal?: AbortSignal | undefined;
  /** What the manifest says of how the run was called. */
  command?: readonly string[] | undefined;
}

/** Where Echolot's own endpoint is reached when a run starts it. */
const OWN_ADDRESS = "127.0.0.1";
const OWN_PATH = "/ws";

/**
 * Runs a scenario against a server and says what was measured and how far it can be trusted.
 * A server that refuses, loses or dies is a result, with a verdict; only what keeps the run from starting is thrown.
 *
 * @throws EcholotError TARGET_INVALID, TARGET_UNRESOLVED, TARGET_START_FAILED, PLAN_IMPOSSIBLE, SCENARIO_INVALID
 */
export async function load(
  input: ScenarioInput = {},
  target: LoadTarget = {},
  options: LoadOptions = {},
): Promise<Result> {
  const scenario = parseScenario(input);
  const machine = readMachine();
  return target.url === undefined
    ? await loadOwnServer(scenario, machine, options)
    : await loadRunningServer(scenario, machine, target.url, target.serverPids, options);
}

function parseScenario(input: ScenarioInput): Scenario {
  const parsed = scenarioSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.join(".");
  throw new EcholotError(
    "SCENARIO_INVALID",
    `the scenario's ${where === "" ? "form" : `"${where}"`} is not allowed: ${issue!.message}`,
    "See ScenarioInput for what may be given.",
  );
}

async function loadOwnServer(scenario: Scenario, machine: Machine, options: LoadOptions): Promise<Result> {
  const place: PlanTarget = {
    address: OWN_ADDRESS,
    port: 0,
    loopback: true,
    startedByUs: true,
    serverOpenFiles: null,
    serverPids: null,
    serverCpus: null,
  };
  const plan = makePlan(scenario, place, machine, options);
  const server = await startServer({ kind: "own" }, { address: OWN_ADDRESS, cpus: plan.serverCpus });
  try {
    const url = parseTargetUrl(`ws://${OWN_ADDRESS}:${server.port}${OWN_PATH}`);
    const target = await resolveTarget(url);
    return await runPlan({
      scenario,
      machine,
      plan,
      options,
      target,
      pids: [server.pid],
      server,
      serverCommand: server.command,
    });
  } finally {
    await server.stop();
  }
}

async function loadRunningServer(
  scenario: Scenario,
  machine: Machine,
  url: string,
  serverPids: readonly number[] | undefined,
  options: LoadOptions,
): Promise<Result> {
  const target = await resolveTarget(parseTargetUrl(url));
  const pids = serverPids ?? (target.local ? await findListeners(target.address, target.port) : null) ?? [];
  const facts = inspectServer(pids);
  const place: PlanTarget = {
    address: target.address,
    port: target.port,
    loopback: target.loopback,
    startedByUs: false,
    serverOpenFiles: facts.openFiles,
    serverPids: pids,
    serverCpus: facts.cpus,
  };
  const plan = makePlan(scenario, place, machine, options);
  return await runPlan({ scenario, machine, plan, options, target, pids, server: null, serverCommand: facts.command });
}

function makePlan(scenario: Scenario, place: PlanTarget, machine: Machine, options: LoadOptions): Plan {
  const plan = planRun(scenario, place, machine, {
    workers: options.workers,
    pin: options.pin === false ? "off" : "auto",
    run: process.pid,
  });
  options.onPlan?.(describePlan(plan, scenario, place), plan);
  return plan;
}

interface Run {
  scenario: Scenario;
  machine: Machine;
  plan: Plan;
  options: LoadOptions;
  target: Target;
  /** The server's processes on this machine; empty when it has none or they were not found. */
  pids: readonly number[];
  /** The server, when the run started it. */
  server: RunningServer | null;
  serverCommand: string[] | null;
}

async function runPlan(run: Run): Promise<Result> {
  const { scenario, plan, options, target } = run;
  const startedAt = new Date();
  const meter = new RunMeter(run.pids);
  const coordinator = new Coordinator(
    {
      scenario,
      plan,
      target: { address: target.address, port: target.port, authority: target.hostHeader, resource: target.path },
    },
    {
      onProgress: (progress) => options.onProgress?.(progress),
      onConnected: () => meter.connected(),
      onWindowOpens: () => meter.windowOpens(),
      onWindowCloses: () => meter.windowCloses(),
    },
  );
  const interrupt = () => coordinator.interrupt();
  const abandon = () => coordinator.abort();
  options.signal?.addEventListener("abort", interrupt);
  options.abandonSignal?.addEventListener("abort", abandon);
  if (options.signal?.aborted) interrupt();
  if (options.abandonSignal?.aborted) abandon();
  try {
    const outcome = await coordinator.run();
    const measured = assemble(run, outcome, meter, startedAt);
    const evidence = {
      generatorFailures: outcome.generatorFailures,
      interrupted: outcome.interrupted,
      meterLate: !meter.sampledInTime(outcome.windowMs),
      serverEnded: run.pids.some((pid) => sampleProcess(pid) === null),
    };
    return { ...measured, verdict: judge(measured, evidence) };
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
    options.abandonSignal?.removeEventListener("abort", abandon);
  }
}

function assemble(run: Run, outcome: LoadOutcome, meter: RunMeter, startedAt: Date): Measured {
  const { scenario, plan } = run;
  const { counters, workers, windowMs } = outcome;
  const perSecond = (count: number) => (windowMs > 0 ? count / (windowMs / 1_000) : 0);
  const sent = total(workers.map(({ window }) => window.sent));
  const received = total(workers.map(({ window }) => window.received));
  const open = scenario.loop.kind === "open";
  const inTime = meter.sampledInTime(windowMs);
  const generator: GeneratorCost[] = workers.map(({ pid, plan: workerPlan, window }) => ({
    pid,
    connections: workerPlan.connections,
    cpus: workerPlan.cpus,
    userSeconds: window.userSeconds,
    systemSeconds: window.systemSeconds,
    busyShare: window.busyShare,
    maxStallMs: window.maxStallNs / 1e6,
    rssBytes: window.rssBytes,
  }));
  return {
    format: "echolot-result",
    version: 1,
    id: resultId(startedAt, scenario.name),
    startedAt: startedAt.toISOString(),
    manifest: describeRun(run),
    scenario,
    plan,
    windowMs,
    connections: {
      requested: scenario.connections,
      established: outcome.established,
      openAtEnd: outcome.openAtEnd,
      failures: outcome.failures,
      endings: outcome.endings,
      extensions: outcome.extensions,
      rampMs: outcome.rampMs,
    },
    ledger: { ...counters, lost: outcome.lost, inFlight: outcome.inFlight },
    sentPerSecond: perSecond(sent),
    receivedPerSecond: perSecond(received),
    latency: {
      response: summarise(toHistogram(outcome.response)),
      service: summarise(toHistogram(outcome.service)),
      lag: open ? summarise(toHistogram(outcome.lag)) : null,
      handshake: summarise(toHistogram(outcome.handshake)),
      unanswered: outcome.unanswered,
    },
    intervals: outcome.intervals,
    server: inTime ? meter.serverCost(received, outcome.established) : null,
    generator,
    machine: inTime ? meter.machineLoad(generator) : null,
  };
}

/** Samples this much off belong to the window: a busy machine wakes a timer that late. */
const SAMPLE_LATE_MS = 100;
const SAMPLE_LATE_SHARE = 0.01;

/** Reads the server's and the machine's accounts at the edges of the run's phases. */
class RunMeter {
  readonly #server: ServerMeter | null;
  #machineBefore: MachineSample | null = null;
  #machineAfter: MachineSample | null = null;
  #opensMs = 0;
  #closesMs = 0;
  #ownCpu: NodeJS.CpuUsage | null = null;

  constructor(serverPids: readonly number[]) {
    this.#server = serverPids.length === 0 ? null : new ServerMeter(serverPids);
    this.#server?.sampleBefore();
  }

  connected(): void {
    this.#server?.sampleConnected();
  }

  windowOpens(): void {
    this.#server?.windowStart();
    this.#opensMs = performance.now();
    this.#machineBefore = sampleMachine();
    this.#ownCpu = process.cpuUsage();
  }

  windowCloses(): void {
    this.#server?.windowEnd();
    this.#closesMs = performance.now();
    this.#machineAfter = sampleMachine();
    if (this.#ownCpu !== null) this.#ownCpu = process.cpuUsage(this.#ownCpu);
  }

  /** False when this process stood still at an edge of the window, so that its samples are of another time. */
  sampledInTime(windowMs: number): boolean {
    return (
      Math.abs(this.#closesMs - this.#opensMs - windowMs) <= Math.max(SAMPLE_LATE_MS, windowMs * SAMPLE_LATE_SHARE)
    );
  }

  /** @returns null when the server's processes were not found, or one had ended when the window closed */
  serverCost(messages: number, established: number): ServerCost | null {
    const use = this.#server?.cost(messages, established) ?? null;
    if (use === null) return null;
    const { vanishedPids, ...cost } = use;
    return vanishedPids.length === 0 ? cost : null;
  }

  machineLoad(generator: readonly GeneratorCost[]): MachineLoad | null {
    if (this.#machineBefore === null || this.#machineAfter === null || this.#ownCpu === null) return null;
    const server = this.#server?.cost(0, 0) ?? null;
    const known = [...generator, ...(server === null ? [] : [server])];
    const knownSeconds =
      total(known.map(({ userSeconds, systemSeconds }) => userSeconds + systemSeconds)) +
      (this.#ownCpu.user + this.#ownCpu.system) / 1e6;
    const { cores, foreignCores, stealCores } = machineUse(this.#machineBefore, this.#machineAfter, knownSeconds);
    return { cores, foreignCores, stealCores };
  }
}

function describeRun({ machine, target, server, serverCommand, options }: Run): Result["manifest"] {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return {
    echolot: version,
    command: [...(options.command ?? ["library"])],
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    kernel: machine.kernel,
    cpuModel: machine.cpuModel,
    cores: machine.cores?.flat().length ?? machine.cpuCount,
    memoryBytes: machine.memoryBytes,
    openFilesLimit: machine.openFilesLimit,
    server: {
      url: target.url,
      address: `${target.address}:${target.port}`,
      startedByUs: server !== null,
      command: serverCommand,
      details: server?.details ?? {},
    },
  };
}

function total(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
