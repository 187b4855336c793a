import type { Scenario } from "../scenario/scenario.js";
import type { Plan, WorkerPlan } from "./plan.js";
import type { PlanTarget } from "./request.js";
import { count, duration, many } from "./wording.js";

/** What a person reads before the run: a line each, without a line's end. */
export function describePlan(plan: Plan, scenario: Scenario, target: PlanTarget): string[] {
  return [
    connectionsLine(plan, scenario, target),
    ...sourcesLine(plan.workers, scenario),
    ...coresLine(plan),
    loopLine(plan, scenario),
    timeLine(scenario),
    ...plan.notes.map((note) => `note: ${note}`),
  ];
}

function connectionsLine({ workers, openFilesLimit }: Plan, { connections }: Scenario, target: PlanTarget): string {
  const server = target.startedByUs ? "a server started for this run" : `${target.address} port ${target.port}`;
  const most = workers[0]!.connections;
  const each = workers.length === 1 ? "" : `, ${count(most)} each`;
  const files = openFilesLimit === null ? "" : ` (at most ${count(openFilesLimit)} open files a process)`;
  return `${many(connections, "connection")} to ${server} from ${many(workers.length, "generator process", "generator processes")}${each}${files}`;
}

function sourcesLine([worker]: readonly WorkerPlan[], { connections }: Scenario): string[] {
  const addresses = worker!.localAddresses;
  if (addresses.length === 0) return [];
  const each = many(Math.ceil(connections / addresses.length), "connection");
  const span = addresses.length === 1 ? addresses[0] : `${addresses[0]} to ${addresses.at(-1)}`;
  return [`from ${many(addresses.length, "source address", "source addresses")}, ${span}, ${each} each`];
}

function coresLine({ serverCpus, workers }: Plan): string[] {
  const generator = [...new Set(workers.flatMap(({ cpus }) => cpus ?? []))];
  if (generator.length === 0) return [];
  const server = serverCpus === null ? "" : `server on CPU ${serverCpus.join(", ")}; `;
  return [`${server}${workers.length === 1 ? "generator" : "generators"} on CPU ${generator.join(", ")}`];
}

function loopLine({ pacing }: Plan, { loop, payloadBytes, payloadType, deflate }: Scenario): string {
  const message = `${count(payloadBytes)} bytes, ${payloadType}${deflate ? ", compressed" : ""}`;
  if (loop.kind === "closed") {
    return `closed loop: each connection keeps ${many(loop.inFlight, "message")} unanswered (${message})`;
  }
  const gaps = loop.arrivals === "fixed" ? "evenly spaced" : "at random (Poisson)";
  const kept = pacing === "spin" ? "polling the clock" : "timers";
  return `open loop: ${many(loop.ratePerSecond, "message")} a second, ${gaps}, kept to the schedule by ${kept} (${message})`;
}

function timeLine({ connections, connectRatePerSecond, warmupMs, durationMs }: Scenario): string {
  const rampMs = (connections / connectRatePerSecond) * 1_000;
  return (
    `about ${duration(rampMs + warmupMs + durationMs)}: ${duration(rampMs)} to connect ` +
    `(${count(connectRatePerSecond)} a second), ${duration(warmupMs)} warm-up, ${duration(durationMs)} measured`
  );
}
