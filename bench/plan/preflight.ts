import { EcholotError } from "../../cli/errors.js";
import type { Scenario } from "../scenario/scenario.js";
import { type CoreLayout, layOutCores } from "./cores.js";
import type { Machine } from "./machine.js";
import type { Plan } from "./plan.js";
import type { PlanOptions, PlanTarget, Problem } from "./request.js";
import { planSources } from "./sources.js";
import { count, many, mebibytes } from "./wording.js";

/** Files that a Node process holds open without any connection: about 25, and room for logs and inspectors. */
const RESERVED_FILES = 100;
/** Fewer connections than this are no work for one more process. */
const CONNECTIONS_A_PROCESS = 250;
/** About half of what one process can send and check. */
const RATE_A_PROCESS = 50_000;
/** One server core keeps this many generator processes busy at the most: a generator does more a message than a server. */
const PROCESSES_A_SERVER_CORE = 2;
/** What a generator process holds before its first connection. */
const PROCESS_BYTES = 64 << 20;
/** The least that a connection takes: Node's socket and the kernel's; on loopback the server's end as well. */
const CONNECTION_BYTES = { remote: 8 << 10, loopback: 12 << 10 };
/** Of what the packet filter can follow, other connections need a part. */
const CONNTRACK_SHARE = 0.8;

/**
 * Decides how a scenario is carried out on this machine.
 * @throws EcholotError PLAN_IMPOSSIBLE with everything that this machine does not allow
 */
export function planRun(scenario: Scenario, target: PlanTarget, machine: Machine, options: PlanOptions = {}): Plan {
  const layout = layOutCores(target, machine, options);
  const sources = planSources(scenario.connections, target, machine, options);
  const { processes, problems } = planProcesses(scenario, layout, machine, options);
  const memory = planMemory(scenario, target, machine, processes);
  const impossible = [
    ...layout.problems,
    ...problems,
    ...findServerFiles(scenario, target, machine),
    ...sources.problems,
    ...memory.problems,
  ];
  if (impossible.length > 0) throw planImpossible(impossible);

  const { generatorCpus, throttled } = layout;
  const ownCores = generatorCpus !== null && processes <= generatorCpus.length && !throttled;
  const pacing = choosePacing(scenario, ownCores);
  return {
    workers: splitEvenly(scenario.connections, processes).map((connections, index) => ({
      index,
      connections,
      localAddresses: sources.addresses,
      cpus: cpusOfWorker(generatorCpus, index, processes),
    })),
    serverCpus: layout.serverCpus,
    pacing: pacing.kind,
    openFilesLimit: machine.openFilesLimit,
    notes: [
      ...(machine.platform === "linux" ? [] : [offLinux(machine.platform)]),
      ...layout.notes,
      ...sources.notes,
      ...memory.notes,
      ...conntrackNotes(scenario, machine),
      ...pacing.notes,
    ],
  };
}

/** As few processes as the open files allow, or more where there is work and a core for them. */
function planProcesses(
  { connections, loop }: Scenario,
  layout: CoreLayout,
  { openFilesLimit }: Machine,
  options: PlanOptions,
): { processes: number; problems: Problem[] } {
  const perProcess = openFilesLimit === null ? connections : openFilesLimit - RESERVED_FILES;
  if (perProcess < 1) {
    const fact = `a process may hold ${count(openFilesLimit!)} files open, and Node needs some before the first connection`;
    return { processes: 1, problems: [{ fact, remedy: RAISE_FILES }] };
  }
  const needed = Math.ceil(connections / perProcess);
  if (options.workers !== undefined) {
    const processes = Math.min(options.workers, connections);
    if (processes >= needed) return { processes, problems: [] };
    const fact =
      `${count(connections)} connections from ${many(processes, "generator process", "generator processes")} need more ` +
      `than the ${count(openFilesLimit!)} open files that one may have`;
    return { processes, problems: [{ fact, remedy: `Allow ${needed} generator processes. ${RAISE_FILES}` }] };
  }
  const byRate = loop.kind === "open" ? Math.ceil(loop.ratePerSecond / RATE_A_PROCESS) : 1;
  const useful = Math.max(byRate, Math.floor(connections / CONNECTIONS_A_PROCESS));
  const serverCores = layout.serverCpus?.length ?? Number.POSITIVE_INFINITY;
  const most = Math.min(layout.generatorCores, serverCores * PROCESSES_A_SERVER_CORE);
  return { processes: Math.min(Math.max(1, needed, Math.min(useful, most)), connections), problems: [] };
}

/** Node and Go raise their limit to the hard one at the start, so that a server of ours has what this process has. */
function findServerFiles({ connections }: Scenario, target: PlanTarget, { openFilesLimit }: Machine): Problem[] {
  const limit = target.startedByUs ? openFilesLimit : target.serverOpenFiles;
  if (limit === null || connections <= limit - RESERVED_FILES) return [];
  return [
    {
      fact: `the server may hold ${count(limit)} files open, too few for ${many(connections, "connection")}`,
      remedy: target.startedByUs ? RAISE_FILES : `Restart the server with a higher limit. ${RAISE_FILES}`,
    },
  ];
}

const RAISE_FILES =
  "Raise the hard limit with `ulimit -Hn NUMBER` as root, LimitNOFILE= in a systemd unit, " +
  "`docker run --ulimit nofile=NUMBER`, or /etc/security/limits.conf.";

function planMemory(
  { connections, loop, payloadBytes }: Scenario,
  { loopback }: PlanTarget,
  { availableMemoryBytes, tcpMemoryBytes }: Machine,
  processes: number,
): { problems: Problem[]; notes: string[] } {
  const unansweredBytes = loop.kind === "closed" ? connections * loop.inFlight * payloadBytes : 0;
  const eachBytes = loopback ? CONNECTION_BYTES.loopback : CONNECTION_BYTES.remote;
  const neededBytes = processes * PROCESS_BYTES + connections * eachBytes + unansweredBytes;
  if (neededBytes > availableMemoryBytes) {
    const fact =
      `${many(connections, "connection")} and the messages under way on them need at least ${mebibytes(neededBytes)} ` +
      `of memory, and ${mebibytes(availableMemoryBytes)} are available`;
    const remedy =
      "Ask for fewer connections, smaller messages or fewer in flight, or take a machine with more memory.";
    return { problems: [{ fact, remedy }], notes: [] };
  }
  if (tcpMemoryBytes === null || unansweredBytes <= tcpMemoryBytes / 2) return { problems: [], notes: [] };
  const note =
    `Up to ${mebibytes(unansweredBytes)} of messages are under way at once, and TCP drops segments when its buffers ` +
    `hold ${mebibytes(tcpMemoryBytes)}: send less at once, or raise net.ipv4.tcp_mem.`;
  return { problems: [], notes: [note] };
}

function conntrackNotes({ connections }: Scenario, { conntrackLimit }: Machine): string[] {
  if (conntrackLimit === null || connections <= conntrackLimit * CONNTRACK_SHARE) return [];
  return [
    `Where the packet filter follows connections it drops packets in silence beyond ${count(conntrackLimit)} of them: ` +
      "raise net.netfilter.nf_conntrack_max.",
  ];
}

/** Polling the clock keeps the schedule to microseconds and takes a whole core; a closed loop has no schedule. */
function choosePacing({ pacing, loop }: Scenario, ownCores: boolean): { kind: "spin" | "timer"; notes: string[] } {
  if (loop.kind === "closed" || pacing === "timer") return { kind: "timer", notes: [] };
  if (ownCores) return { kind: "spin", notes: [] };
  return pacing === "spin"
    ? { kind: "spin", notes: ["Pacing polls the clock as asked, on cores that others need too."] }
    : {
        kind: "timer",
        notes: ["Sends are paced by timers, up to a millisecond late: the generator has no core of its own."],
      };
}

/** A core each while they last; else all share all, and the kernel balances them. */
function cpusOfWorker(generatorCpus: readonly number[] | null, index: number, processes: number): number[] | null {
  if (generatorCpus === null) return null;
  return processes <= generatorCpus.length ? [generatorCpus[index]!] : [...generatorCpus];
}

/** 10 in 3 -> 4, 3, 3 */
function splitEvenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, index) => Math.floor(total / parts) + (index < total % parts ? 1 : 0));
}

function offLinux(platform: string): string {
  return `On ${platform} nothing is pinned and the server's cost is not measured; both need Linux.`;
}

function planImpossible(problems: readonly Problem[]): EcholotError {
  const facts = problems.map(({ fact }) => fact).join("; ");
  return new EcholotError("PLAN_IMPOSSIBLE", facts, [...new Set(problems.map(({ remedy }) => remedy))].join(" "));
}
