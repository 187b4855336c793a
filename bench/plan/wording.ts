/** Quantities as a person reads them in a plan's notes and problems. */

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** 20000 -> "20,000" */
export function count(value: number): string {
  return COUNT.format(value);
}

/** "1 process", "2 processes" */
export function many(value: number, one: string, others = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : others}`;
}

export function mebibytes(bytes: number): string {
  return `${count(Math.round(bytes / 2 ** 20))} MiB`;
}

/** "500 ms", "2.5 s", "5 min" */
export function duration(ms: number): string {
  if (ms < 1_000) return `${count(Math.round(ms))} ms`;
  return ms < 120_000 ? `${count(ms / 1_000)} s` : `${count(ms / 60_000)} min`;
}
