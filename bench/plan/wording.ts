/** Quantities as a person reads them in a plan's notes and problems. */

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** 20000 -> "20,000"; a small part keeps two digits, so that it is not taken for nothing. */
export function count(value: number): string {
  return value > 0 && value < 0.95 ? String(Number(value.toPrecision(2))) : COUNT.format(value);
}

/** "1 process", "2 processes" */
export function many(value: number, one: string, others = `${one}s`): string {
  const shown = count(value);
  return `${shown} ${shown === "1" ? one : others}`;
}

export function mebibytes(bytes: number): string {
  return `${count(Math.round(bytes / 2 ** 20))} MiB`;
}

/** "500 ms", "2.5 s", "5 min" */
export function duration(ms: number): string {
  if (ms < 1_000) return `${count(Math.round(ms))} ms`;
  return ms < 120_000 ? `${count(ms / 1_000)} s` : `${count(ms / 60_000)} min`;
}
