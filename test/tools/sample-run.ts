import { bucketOf, toHistogram } from "../../bench/recorder/tally.js";
import { summarise } from "../../bench/result/latency.js";
import type { GeneratorCost, Interval, Latency, Measured, ServerCost } from "../../bench/result/result.js";
import { scenarioSchema } from "../../bench/scenario/scenario.js";

const known = new Map<string, Latency>();

/** A latency distribution of `count` values, equally spaced from `leastMs` to `mostMs`. */
export function latencyOf(count: number, leastMs: number, mostMs: number): Latency {
  const key = `${count} ${leastMs} ${mostMs}`;
  const latency = known.get(key) ?? spread(count, leastMs, mostMs);
  known.set(key, latency);
  return { ...latency };
}

function spread(count: number, leastMs: number, mostMs: number): Latency {
  const counts = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const valueNs = Math.round((leastMs + ((mostMs - leastMs) * i) / Math.max(1, count - 1)) * 1e6);
    const bucket = bucketOf(valueNs);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return summarise(toHistogram([Float64Array.from([...counts].flat())]))!;
}

export const SERVER: ServerCost = {
  pids: [4_242],
  userSeconds: 2.9,
  systemSeconds: 6.1,
  cpuPerMessageUs: 10.02,
  cores: 0.9,
  busyThreads: 1,
  rssBeforeBytes: 51e6,
  rssConnectedBytes: 52.1e6,
  rssEndBytes: 60e6,
  rssPerConnectionBytes: 1_126,
};

export const GENERATOR: GeneratorCost = {
  pid: 4_300,
  connections: 1_000,
  cpus: [1],
  userSeconds: 2.5,
  systemSeconds: 6.3,
  busyShare: 0.88,
  maxStallMs: 14,
  rssBytes: 92e6,
};

/** A clean closed-loop run: one generator process and a server that nearly fills its core. */
export function closedRun(): Measured {
  return {
    format: "echolot-result",
    version: 1,
    id: "20261123T013012Z-echo",
    startedAt: "2026-11-23T01:30:12.000Z",
    manifest: {
      echolot: "0.1.0",
      command: ["echolot", "load"],
      node: "v20.20.0",
      platform: "linux x64",
      kernel: "6.1.0",
      cpuModel: "AMD EPYC",
      cores: 2,
      memoryBytes: 8e9,
      openFilesLimit: 20_000,
      server: {
        url: "ws://127.0.0.1:41234/ws",
        address: "127.0.0.1",
        startedByUs: true,
        command: ["node", "dist/bin/echolot.js", "serve"],
        details: {},
      },
    },
    scenario: scenarioSchema.parse({}),
    plan: {
      workers: [{ index: 0, connections: 1_000, localAddresses: [], cpus: [1] }],
      serverCpus: [0],
      pacing: "timer",
      openFilesLimit: 20_000,
      notes: [],
    },
    windowMs: 10_003,
    connections: {
      requested: 1_000,
      established: 1_000,
      openAtEnd: 1_000,
      failures: {},
      endings: {},
      extensions: { none: 1_000 },
      rampMs: 519,
    },
    ledger: {
      scheduled: 1_078_312,
      sent: 1_078_312,
      unsent: 0,
      received: 1_078_312,
      lost: 0,
      inFlight: 0,
      corrupted: 0,
      reordered: 0,
      late: 0,
      duplicated: 0,
      unexpected: 0,
      wrongOpcode: 0,
      fragmented: 0,
      compressed: 0,
      pings: 0,
      pongs: 0,
      sentBytes: 141_258_872,
      receivedBytes: 136_945_624,
    },
    sentPerSecond: 89_812,
    receivedPerSecond: 89_811,
    latency: {
      response: latencyOf(20_000, 9.1, 13.2),
      service: latencyOf(20_000, 9.1, 13.2),
      lag: null,
      handshake: latencyOf(1_000, 0.2, 4.1),
      unanswered: 0,
    },
    intervals: seconds([89_700, 90_100, 88_900, 90_212, 90_000, 89_800, 90_150, 87_300, 90_020, 89_900]),
    server: { ...SERVER, pids: [...SERVER.pids] },
    generator: [{ ...GENERATOR }],
    machine: { cores: 2, foreignCores: 0.02, stealCores: 0 },
  };
}

/** A clean open-loop run of 20,000 messages a second. */
export function openRun(): Measured {
  const run = closedRun();
  run.scenario = scenarioSchema.parse({ loop: { kind: "open", ratePerSecond: 20_000 } });
  run.ledger.scheduled = run.ledger.sent = run.ledger.received = 240_000;
  run.sentPerSecond = 20_000;
  run.receivedPerSecond = 19_999;
  run.latency.response = latencyOf(20_000, 0.2, 3.1);
  run.latency.service = latencyOf(20_000, 0.15, 2.2);
  run.latency.lag = latencyOf(20_000, 0.01, 0.4);
  run.intervals = seconds(new Array(10).fill(20_000));
  run.server = { ...SERVER, userSeconds: 0.8, systemSeconds: 1.7, cores: 0.25, cpuPerMessageUs: 12.5 };
  run.generator = [{ ...GENERATOR, userSeconds: 1, systemSeconds: 2.2, busyShare: 0.31 }];
  return run;
}

function seconds(received: readonly number[]): Interval[] {
  return received.map((count, second) => ({
    startMs: 2_000 + second * 1_000,
    endMs: 3_000 + second * 1_000,
    phase: "measure",
    sent: count,
    received: count,
    open: 1_000,
    p50Ns: 11e6,
    p90Ns: 12e6,
    p99Ns: 13e6,
    maxNs: 13.2e6 + (second % 3) * 4e6,
    lagP99Ns: null,
    oldestUnansweredMs: 12,
  }));
}
