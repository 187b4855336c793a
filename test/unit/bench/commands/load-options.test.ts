import assert from "node:assert/strict";
import { test } from "node:test";
import { loadOptions } from "../../../../bench/commands/load-options.js";
import { scenarioSchema } from "../../../../bench/scenario/scenario.js";

test("the defaults of the flags are the defaults of the scenario", () => {
  const scenario = scenarioSchema.parse({});
  assert.deepEqual(
    {
      connections: loadOptions.connections.default,
      payloadBytes: loadOptions.payload.default,
      payloadType: loadOptions.type.default,
      deflate: loadOptions.deflate.default,
      durationMs: loadOptions.duration.default,
      warmupMs: loadOptions.warmup.default,
      connectRatePerSecond: loadOptions.connectRate.default,
      connectTimeoutMs: loadOptions.connectTimeout.default,
      messageTimeoutMs: loadOptions.messageTimeout.default,
      pacing: loadOptions.pacing.default,
      seed: loadOptions.seed.default,
    },
    {
      connections: scenario.connections,
      payloadBytes: scenario.payloadBytes,
      payloadType: scenario.payloadType,
      deflate: scenario.deflate,
      durationMs: scenario.durationMs,
      warmupMs: scenario.warmupMs,
      connectRatePerSecond: scenario.connectRatePerSecond,
      connectTimeoutMs: scenario.connectTimeoutMs,
      messageTimeoutMs: scenario.messageTimeoutMs,
      pacing: scenario.pacing,
      seed: scenario.seed,
    },
  );
  assert.deepEqual(scenario.loop, { kind: "closed", inFlight: 1 });
});
