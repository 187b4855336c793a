import assert from "node:assert/strict";
import { test } from "node:test";
import { serverOptions } from "../../../../src/options/table.js";
import { nativeLimits } from "../../../../src/websocket/limits.js";

const { maxMessageBytes, maxBufferedBytes, idleTimeoutMs } = serverOptions;

test("at the ends of each option's range uWebSockets.js' limits lie beyond ours and within what it takes", () => {
  for (const message of [maxMessageBytes.min, maxMessageBytes.max]) {
    for (const buffered of [maxBufferedBytes.min, maxBufferedBytes.max]) {
      for (const timeoutMs of [idleTimeoutMs.min, idleTimeoutMs.default, idleTimeoutMs.max]) {
        const native = nativeLimits({ maxMessageBytes: message, maxBufferedBytes: buffered, idleTimeoutMs: timeoutMs });
        assert.ok(native.maxPayloadLength > message && native.maxPayloadLength < 2 ** 31);
        // Its frame header and a close frame are less than 1 KiB.
        assert.ok(native.maxBackpressure > buffered + message + 1024 && native.maxBackpressure < 2 ** 31);
        assert.ok(native.idleTimeout * 1000 > timeoutMs && native.idleTimeout >= 8 && native.idleTimeout <= 960);
      }
    }
  }
});
