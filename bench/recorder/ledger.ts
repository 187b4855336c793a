/** What a generator process counts as it happens: its part of the ledger. */
export interface Counters {
  /** Messages due: by the schedule in open loop, by an answer in closed loop. */
  scheduled: number;
  sent: number;
  /** Due, but the connection was gone. */
  unsent: number;
  /** Messages answered, each counted once. */
  received: number;
  /** Of the received: other bytes or another length than was sent. */
  corrupted: number;
  /** Of the received: came after a message that was sent later on the same connection (RFC 4737, 3.3). */
  reordered: number;
  /** Of the received: came after the message time-out. */
  late: number;
  /** Answers to a message that was answered before. */
  duplicated: number;
  /** Data frames that answer nothing this connection sent. */
  unexpected: number;
  /** Of the received: came with the other data opcode. */
  wrongOpcode: number;
  /** Of the received: came in more than one frame (allowed by RFC 6455, 5.4). */
  fragmented: number;
  /** Of the received: came compressed (RSV1, RFC 7692). */
  compressed: number;
  pings: number;
  pongs: number;
  /** Bytes on the wire of WebSocket frames, headers included. */
  sentBytes: number;
  receivedBytes: number;
}

/**
 * Conservation of messages over the whole run, warm-up included:
 * scheduled = sent + unsent, and sent = received + lost + inFlight.
 */
export interface Ledger extends Counters {
  /** Never answered, although the run waited for the message time-out, or the connection ended before. */
  lost: number;
  /** Unanswered when the run was cut short. */
  inFlight: number;
}

export function newCounters(): Counters {
  return {
    scheduled: 0,
    sent: 0,
    unsent: 0,
    received: 0,
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
    sentBytes: 0,
    receivedBytes: 0,
  };
}

export type Tallies = Record<string, number>;

/** A server may give each connection a reason of its own: what comes after so many different ones is put together. */
const MOST_KEYS = 50;
const OTHERS = "others";

export function countUnder(tallies: Tallies, key: string, count = 1): void {
  const known = Object.hasOwn(tallies, key) || Object.keys(tallies).length < MOST_KEYS;
  const under = known ? key : OTHERS;
  tallies[under] = (Object.hasOwn(tallies, under) ? tallies[under]! : 0) + count;
}
