/** Numbers that a seed repeats: payloads, masks and arrivals are the same for the same seed. */
export type Random = () => number;

/**
 * mulberry32 (Tommy Ettinger, public domain): 32 bits of state, passes gjrand's tests at this size.
 * @returns a function that gives 32-bit unsigned integers
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Uniform in [0, 1). */
export function uniform(random: Random): number {
  return random() / 2 ** 32;
}
