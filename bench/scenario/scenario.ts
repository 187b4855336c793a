import { z } from "zod";

/**
 * What to send: pure data, the same for every target. All times in milliseconds, all sizes in bytes.
 *
 * The loop follows Schroeder, Wierman and Harchol-Balter, "Open Versus Closed: A Cautionary Tale" (NSDI 2006):
 * a closed loop sends when an answer has come, an open loop sends when the schedule says so.
 */
export const scenarioSchema = z.strictObject({
  /** Name shown in the report. */
  name: z.string().default("echo"),
  /** WebSocket connections held at once. */
  connections: z.int().min(1).max(1_000_000).default(1_000),
  loop: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("closed"),
        /** Messages that each connection keeps unanswered at once. */
        inFlight: z.int().min(1).max(1_024).default(1),
      }),
      z.strictObject({
        kind: z.literal("open"),
        /** Messages a second over all connections. */
        ratePerSecond: z.number().positive().max(10_000_000),
        /** Gaps between messages: all equal, or drawn from an exponential distribution (a Poisson process). */
        arrivals: z.enum(["fixed", "exponential"]).default("fixed"),
      }),
    ])
    .default({ kind: "closed", inFlight: 1 }),
  /** Payload of each message before compression. */
  payloadBytes: z
    .int()
    .min(0)
    .max(64 << 20)
    .default(125),
  payloadType: z.enum(["binary", "text"]).default("binary"),
  /** Offer permessage-deflate without context takeover, and insist on it. */
  deflate: z.boolean().default(false),
  /** Handshakes started a second, over all generator processes. */
  connectRatePerSecond: z.number().positive().max(1_000_000).default(2_000),
  /** A handshake that takes longer has failed. */
  connectTimeoutMs: z.int().min(10).max(600_000).default(10_000),
  /** Load before the measurement, not in the figures. */
  warmupMs: z.int().min(0).max(3_600_000).default(2_000),
  /** The measured window. */
  durationMs: z.int().min(100).max(86_400_000).default(10_000),
  /** A message unanswered for this long is overdue: a closed loop goes on without it, the drain ends. */
  messageTimeoutMs: z.int().min(10).max(600_000).default(10_000),
  /** How sends are kept to the schedule: `spin` polls without sleeping (needs a core of its own), `timer` sleeps. */
  pacing: z.enum(["auto", "spin", "timer"]).default("auto"),
  /** Seed of payloads, masks, phases and arrivals: the same seed sends the same bytes. */
  seed: z.int().min(0).max(0xffff_ffff).default(1),
});

export type Scenario = z.infer<typeof scenarioSchema>;
/** What a user may leave out has its default. */
export type ScenarioInput = z.input<typeof scenarioSchema>;
