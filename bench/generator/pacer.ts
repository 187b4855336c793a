import { type Random, uniform } from "./random.js";

/**
 * The schedule of an open loop: when each message should be sent, whatever the server does (Schroeder et al., NSDI 2006).
 * Pure: it is asked with the time, it owns no timer.
 */
export interface Schedule {
  /** Intended time of the next message in ns on the caller's clock; Infinity when the schedule has ended. */
  nextNs: number;
  /** Moves on to the message after. */
  advance(): void;
}

/**
 * Equal gaps: message n is due at `startNs + (n + offset) / rate`, computed from n so that no error adds up.
 * @param offset 0 to 1 of a gap, to interleave several processes
 */
export function fixedSchedule(startNs: number, endNs: number, ratePerSecond: number, offset: number): Schedule {
  const gapNs = 1e9 / ratePerSecond;
  let n = 0;
  const due = () => {
    const at = startNs + (n + offset) * gapNs;
    return at < endNs ? at : Number.POSITIVE_INFINITY;
  };
  const schedule: Schedule = {
    nextNs: due(),
    advance() {
      n++;
      schedule.nextNs = due();
    },
  };
  return schedule;
}

/** Just `count` times, equally spread over `spreadNs`: a rate and an end could make them one more or less by rounding. */
export function spreadSchedule(startNs: number, spreadNs: number, count: number): Schedule {
  let n = 0;
  const due = () => (n < count ? startNs + (n * spreadNs) / count : Number.POSITIVE_INFINITY);
  const schedule: Schedule = {
    nextNs: due(),
    advance() {
      n++;
      schedule.nextNs = due();
    },
  };
  return schedule;
}

/** A Poisson process: gaps drawn from an exponential distribution by inversion, -ln(1 - u) / rate. */
export function exponentialSchedule(startNs: number, endNs: number, ratePerSecond: number, random: Random): Schedule {
  const meanGapNs = 1e9 / ratePerSecond;
  const gap = () => -Math.log1p(-uniform(random)) * meanGapNs;
  let at = startNs + gap();
  const schedule: Schedule = {
    nextNs: at < endNs ? at : Number.POSITIVE_INFINITY,
    advance() {
      at += gap();
      schedule.nextNs = at < endNs ? at : Number.POSITIVE_INFINITY;
    },
  };
  return schedule;
}
