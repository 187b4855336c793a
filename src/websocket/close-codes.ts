/** Close codes the server sends (RFC 6455 7.4.1 and the IANA registry). */
export const CLOSE = {
  goingAway: 1001,
  messageTooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
} as const;

/** Why a connection ended; the keys of the counters. */
export const CLOSE_CAUSES = [
  /** The peer sent a close frame. */
  "peer",
  /** The peer's TCP connection ended, or broke a rule that uWebSockets.js answers with a bare close. */
  "abnormal",
  "idle",
  "tooBig",
  "slowReader",
  "handlerError",
  /** uWebSockets.js refused to queue an echo, which the native limits rule out. */
  "dropped",
  "drain",
] as const;

export type CloseCause = (typeof CLOSE_CAUSES)[number];
