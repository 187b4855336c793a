/** Quantities as a person reads them, with their unit: in a verdict's facts and in every report. */

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** 1234567 -> "1,234,567" */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** Messages a second, without the unit: "88,412", "12.5" below 100, "0.04" below 1. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 99.95) return formatCount(perSecond);
  return perSecond < 0.95 ? String(Number(perSecond.toPrecision(2))) : trimmed(perSecond, 1);
}

/** "88,412 messages/s", "1 message/s" */
export function formatMessageRate(perSecond: number): string {
  const rate = formatRate(perSecond);
  return `${rate} ${rate === "1" ? "message" : "messages"}/s`;
}

/** A noun with its number: "1 process", "2 processes". */
export function formatMany(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A measured time to three digits: "850 ns", "12.3 µs", "1.23 ms", "1.86 s". */
export function formatNs(ns: number): string {
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
  return `${threeDigits(ns / 1e9)} s`;
}

/** A chosen length of time, without idle zeros: "500 ms", "2.5 s", "5 min". */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${trimmed(ms, 0)} ms`;
  if (ms < 120e3) return `${trimmed(ms / 1e3, 1)} s`;
  if (ms < 120 * 60e3) return `${trimmed(ms / 60e3, 1)} min`;
  return `${trimmed(ms / 3600e3, 1)} h`;
}

/** "125 B", "1.1 KiB", "48 MiB" */
export function formatBytes(bytes: number): string {
  const units = ["KiB", "MiB", "GiB", "TiB"];
  if (Math.abs(bytes) < 1_024) return `${Math.round(bytes)} B`;
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (Math.abs(value) < 1_023.5) break;
    value /= 1_024;
    unit = next;
  }
  return `${trimmed(value, Math.abs(value) < 9.95 ? 1 : 0)} ${unit}`;
}

/** A share of 0 to 1 as a percentage that is 0% or 100% only when it is so. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent <= 0) return "0%";
  if (percent < 0.01) return "<0.01%";
  if (percent < 9.95) return `${Number(percent.toPrecision(2))}%`;
  if (percent < 99.5) return `${Math.round(percent)}%`;
  return share >= 1
    ? `${COUNT.format(percent)}%`
    : percent > 99.9
      ? ">99.9%"
      : `${(Math.floor(percent * 10) / 10).toFixed(1)}%`;
}

/** "0.88", "1.93" */
export function formatCores(cores: number): string {
  return cores.toFixed(2);
}

function threeDigits(value: number): string {
  if (value >= 99.95) return COUNT.format(value);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
