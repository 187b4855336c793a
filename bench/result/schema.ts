import { z } from "zod";
import { scenarioSchema } from "../scenario/scenario.js";
import { RESULT_VERSION, type ReasonCode, type Result } from "./result.js";

/** The saved form, checked before a report relies on it: the compiler holds it to {@link Result}. */

const count = z.int().min(0);
const amount = z.number().min(0);
const tallies = z.record(z.string(), count);
const cpus = z.array(count).nullable();

const latency = z
  .object({
    count,
    minNs: amount,
    meanNs: amount,
    p50Ns: amount,
    p90Ns: amount,
    p99Ns: amount,
    p999Ns: amount,
    p9999Ns: amount,
    maxNs: amount,
    above100MsShare: z.number(),
    histogram: z.base64(),
  })
  .nullable();

const plan = z.object({
  workers: z.array(z.object({ index: count, connections: count, localAddresses: z.array(z.string()), cpus })),
  serverCpus: cpus,
  pacing: z.enum(["spin", "timer"]),
  openFilesLimit: amount.nullable(),
  notes: z.array(z.string()),
});

const manifest = z.object({
  echolot: z.string(),
  command: z.array(z.string()),
  node: z.string(),
  platform: z.string(),
  kernel: z.string(),
  cpuModel: z.string(),
  cores: z.int().min(1),
  memoryBytes: amount,
  openFilesLimit: amount.nullable(),
  server: z.object({
    url: z.string(),
    address: z.string(),
    startedByUs: z.boolean(),
    command: z.array(z.string()).nullable(),
    details: z.record(z.string(), z.unknown()),
  }),
});

const ledger = z.object({
  scheduled: count,
  sent: count,
  unsent: count,
  received: count,
  lost: count,
  inFlight: count,
  corrupted: count,
  reordered: count,
  late: count,
  duplicated: count,
  unexpected: count,
  wrongOpcode: count,
  fragmented: count,
  compressed: count,
  pings: count,
  pongs: count,
  sentBytes: count,
  receivedBytes: count,
});

const interval = z.object({
  startMs: z.number(),
  endMs: z.number(),
  phase: z.enum(["warmup", "measure", "drain"]),
  sent: count,
  received: count,
  open: count,
  p50Ns: amount.nullable(),
  p90Ns: amount.nullable(),
  p99Ns: amount.nullable(),
  maxNs: amount.nullable(),
  lagP99Ns: amount.nullable(),
  oldestUnansweredMs: amount,
});

const server = z.object({
  pids: z.array(count),
  userSeconds: amount,
  systemSeconds: amount,
  cpuPerMessageUs: amount.nullable(),
  cores: amount,
  busyThreads: count,
  rssBeforeBytes: amount,
  rssConnectedBytes: amount,
  rssEndBytes: amount,
  rssPerConnectionBytes: z.number().nullable(),
});

const generator = z.object({
  pid: count,
  connections: count,
  cpus,
  userSeconds: amount,
  systemSeconds: amount,
  busyShare: amount,
  maxStallMs: amount,
  rssBytes: amount,
});

const reason = z.object({
  /** A later minor version may know more reasons: one that is unknown here still has its fact and its remedy. */
  code: z.custom<ReasonCode>((code) => typeof code === "string"),
  severity: z.enum(["note", "fault", "suspect", "void"]),
  fact: z.string(),
  remedy: z.string(),
});

export const resultSchema: z.ZodType<Result> = z.object({
  format: z.literal("echolot-result"),
  version: z.literal(RESULT_VERSION),
  id: z.string().min(1),
  startedAt: z.iso.datetime(),
  manifest,
  scenario: scenarioSchema,
  plan,
  windowMs: amount,
  connections: z.object({
    requested: count,
    established: count,
    openAtEnd: count,
    failures: tallies,
    endings: tallies,
    extensions: tallies,
    rampMs: amount,
  }),
  ledger,
  sentPerSecond: amount,
  receivedPerSecond: amount,
  latency: z.object({ response: latency, service: latency, lag: latency, handshake: latency, unanswered: count }),
  intervals: z.array(interval),
  server: server.nullable(),
  generator: z.array(generator),
  machine: z.object({ cores: z.int().min(1), foreignCores: z.number(), stealCores: z.number() }).nullable(),
  verdict: z.object({
    kind: z.enum(["valid", "suspect", "void"]),
    faulty: z.boolean(),
    reasons: z.array(reason),
  }),
});
