/** A generator process's part of the ledger, counted as it happens. Meanings: bench/result/result.ts, Ledger. */
export interface Counters {
  scheduled: number;
  sent: number;
  unsent: number;
  received: number;
  corrupted: number;
  reordered: number;
  late: number;
  duplicated: number;
  unexpected: number;
  wrongOpcode: number;
  fragmented: number;
  compressed: number;
  pings: number;
  pongs: number;
  sentBytes: number;
  receivedBytes: number;
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
