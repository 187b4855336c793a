import type { Machine } from "../../../../bench/plan/machine.js";
import type { PlanTarget } from "../../../../bench/plan/request.js";
import { type Scenario, type ScenarioInput, scenarioSchema } from "../../../../bench/scenario/scenario.js";

/** A Linux machine with two cores and nothing unusual. */
export function machine(changes: Partial<Machine> = {}): Machine {
  return {
    platform: "linux",
    kernel: "Linux 6.1.0",
    cpuModel: "Model",
    cpuCount: changes.cores?.flat().length ?? 2,
    cores: [[0], [1]],
    cpuQuotaCores: null,
    canPin: true,
    memoryBytes: 16 * 2 ** 30,
    availableMemoryBytes: 12 * 2 ** 30,
    openFilesLimit: 20_000,
    portRange: { first: 32_768, last: 60_999 },
    tcpMemoryBytes: 2 ** 31,
    conntrackLimit: null,
    ...changes,
  };
}

/** What node:os gives on a Mac. */
export function mac(changes: Partial<Machine> = {}): Machine {
  return machine({
    platform: "darwin",
    kernel: "Darwin 24.0.0",
    cpuCount: 8,
    cores: null,
    canPin: false,
    openFilesLimit: null,
    portRange: null,
    tcpMemoryBytes: null,
    ...changes,
  });
}

export function cores(count: number): number[][] {
  return Array.from({ length: count }, (_, cpu) => [cpu]);
}

export function scenario(input: ScenarioInput = {}): Scenario {
  return scenarioSchema.parse(input);
}

export function openLoop(ratePerSecond: number, input: ScenarioInput = {}): Scenario {
  return scenario({ ...input, loop: { kind: "open", ratePerSecond } });
}

/** A server that the run starts. */
export function ourServer(changes: Partial<PlanTarget> = {}): PlanTarget {
  return {
    address: "127.0.0.1",
    port: 0,
    loopback: true,
    startedByUs: true,
    serverOpenFiles: null,
    serverPids: null,
    serverCpus: null,
    ...changes,
  };
}

/** A server on this machine that somebody else started. */
export function foundServer(changes: Partial<PlanTarget> = {}): PlanTarget {
  return ourServer({ port: 9001, startedByUs: false, serverPids: [4711], serverCpus: [0, 1], ...changes });
}

export function remoteServer(changes: Partial<PlanTarget> = {}): PlanTarget {
  return ourServer({
    address: "192.0.2.7",
    port: 9001,
    loopback: false,
    startedByUs: false,
    serverPids: [],
    ...changes,
  });
}
