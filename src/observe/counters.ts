import { CLOSE_CAUSES, type CloseCause } from "../websocket/close-codes.js";

/** Plain fields, because the hot path adds to them; `messagesIn` minus `messagesRefused` were echoed. */
export class Counters {
  connectionsOpened = 0;
  connectionsOpen = 0;
  handshakesRefused = 0;
  messagesIn = 0;
  bytesIn = 0;
  messagesRefused = 0;
  bytesRefused = 0;
  pingsIn = 0;
  pingsOut = 0;
  readonly closed = Object.fromEntries(CLOSE_CAUSES.map((cause) => [cause, 0])) as Record<CloseCause, number>;
}

/** Totals since the start; bytes are payload bytes, inflated. */
export interface ServerStats {
  readonly connectionsOpened: number;
  readonly connectionsOpen: number;
  readonly handshakesRefused: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly pingsIn: number;
  readonly pingsOut: number;
  readonly closed: Readonly<Record<CloseCause, number>>;
}

export function snapshot(counters: Counters): ServerStats {
  const { messagesRefused, bytesRefused, closed, ...totals } = counters;
  return {
    ...totals,
    messagesOut: counters.messagesIn - messagesRefused,
    bytesOut: counters.bytesIn - bytesRefused,
    closed: { ...closed },
  };
}
