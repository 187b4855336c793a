import type { Machine } from "./machine.js";
import { type PlanOptions, type PlanTarget, type Problem, runsHere } from "./request.js";
import { count, many } from "./wording.js";

/** Which cores the server and the generator have. */
export interface CoreLayout {
  /** CPUs the server is pinned to; null: not pinned. */
  serverCpus: number[] | null;
  /** One CPU of each core that generators are pinned to; null: not pinned. */
  generatorCpus: number[] | null;
  /** Cores that generators can count on, pinned or not. */
  generatorCores: number;
  /** True when the cgroup gives less time than the CPUs have. */
  throttled: boolean;
  problems: Problem[];
  notes: string[];
}

/**
 * The server on the first core and generators on others, one CPU of each core: two hardware threads of one core slow
 * each other down. A server that this run did not start is never moved; where it is pinned, generators keep clear of it.
 */
export function layOutCores(target: PlanTarget, machine: Machine, options: PlanOptions): CoreLayout {
  const cores = machine.cores ?? Array.from({ length: machine.cpuCount }, (_, cpu) => [cpu]);
  const cpuCount = cores.flat().length;
  const quota = machine.cpuQuotaCores ?? Number.POSITIVE_INFINITY;
  const throttled = quota < cpuCount;
  const most = Math.max(1, Math.floor(quota));
  const places = placesOf(cores).slice(0, most);
  const here = runsHere(target);
  const notes: string[] = [];
  if (throttled) {
    notes.push(
      `The cgroup allows the time of ${count(quota)} of ${cpuCount} CPUs: when it is used up, all processes stand still.`,
    );
  }

  const unpinned = (reason: string | null, ...problems: Problem[]): CoreLayout => {
    const shown = here && places.length === 1 ? ONE_CPU : reason;
    const generatorCores = Math.max(1, here ? Math.floor(places.length / 2) : places.length - 1);
    if (shown !== null) notes.push(shown);
    return { serverCpus: null, generatorCpus: null, generatorCores, throttled, problems, notes };
  };
  const pinned = (serverCpus: readonly number[] | null, generatorCpus: number[]): CoreLayout => {
    if (here && cores.length === 1) notes.push(oneCore(cores[0]!));
    const generatorCores = generatorCpus.length;
    const server = serverCpus === null ? null : [...serverCpus];
    return { serverCpus: server, generatorCpus, generatorCores, throttled, problems: [], notes };
  };

  if (options.pin === "off") return unpinned(here ? PIN_OFF : null);
  if (machine.cores === null) return unpinned(null);
  if (!machine.canPin) return unpinned(NO_TASKSET);

  if (target.startedByUs) {
    const serverCores = options.serverCores ?? 1;
    if (serverCores < places.length) return pinned(places.slice(0, serverCores), places.slice(serverCores));
    if (options.serverCores === undefined) return unpinned(null);
    return unpinned(null, {
      fact: `${many(serverCores, "core")} for the server leave none of ${places.length} for the generator`,
      remedy: `Give the server ${places.length - 1} at the most, or turn the pinning off.`,
    });
  }
  // The first place is left to the coordinator and the kernel.
  if (!here) return places.length === 1 ? unpinned(null) : pinned(null, places.slice(1));

  const { serverCpus } = target;
  if (serverCpus === null) return unpinned(SERVER_UNSEEN);
  const free = freePlaces(cores, serverCpus).slice(0, most);
  return free.length === 0 ? unpinned(SERVER_EVERYWHERE) : pinned(serverCpus, free);
}

const ONE_CPU = "Server and generator share one CPU: each takes time from the other.";
const PIN_OFF = "Pinning is off: server and generator may share cores.";
const NO_TASKSET = "Nothing is pinned: the program `taskset` (package util-linux) is missing, or may not be used here.";
const SERVER_UNSEEN = "Nothing is pinned: the server's process was not found on this machine.";
const SERVER_EVERYWHERE =
  "Nothing is pinned: the server may use every core, and a server that this run did not start is not moved. " +
  "Start it with `taskset -c 0 COMMAND`, or let the run start it.";

function oneCore(cpus: readonly number[]): string {
  return `CPUs ${cpus.join(" and ")} are hardware threads of one core: server and generator slow each other down.`;
}

/** One CPU of each core; with one core only, its hardware threads. */
function placesOf(cores: readonly (readonly number[])[]): number[] {
  return cores.length === 1 ? [...cores[0]!] : cores.map(([cpu]) => cpu!);
}

/** CPUs on cores that the server has no part of; where it is on every core, other hardware threads. */
function freePlaces(cores: readonly (readonly number[])[], taken: readonly number[]): number[] {
  const free = cores.filter((core) => !core.some((cpu) => taken.includes(cpu)));
  return free.length > 0 ? free.map(([cpu]) => cpu!) : cores.flat().filter((cpu) => !taken.includes(cpu));
}
