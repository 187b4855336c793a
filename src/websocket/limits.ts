/**
 * uWebSockets.js' own limits, derived from ours: where it enforces one, the peer sees a bare TCP close or loses an
 * echo in silence, so each lies where ours has spoken first.
 */
export interface NativeLimits {
  readonly maxPayloadLength: number;
  readonly maxBackpressure: number;
  readonly idleTimeout: number;
}

export function nativeLimits(ours: {
  readonly maxMessageBytes: number;
  readonly maxBufferedBytes: number;
  readonly idleTimeoutMs: number;
}): NativeLimits {
  return {
    // Room for a message that is too long to arrive, so that it can be answered with 1009.
    maxPayloadLength: 2 * ours.maxMessageBytes + 2 ** 16,
    // What waits is at most maxBufferedBytes, one message and a close frame.
    maxBackpressure: ours.maxBufferedBytes + 2 * ours.maxMessageBytes + 2 ** 20,
    // A backstop; it also bounds how long a socket may linger after a close frame. Allowed: 8 to 960 s.
    idleTimeout: Math.min(960, Math.max(8, Math.ceil((2 * ours.idleTimeoutMs) / 1000))),
  };
}
