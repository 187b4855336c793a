import type { Writable } from "node:stream";
import type { LoadProgress } from "../result/result.js";
import { formatCount, formatDuration, formatNs, formatRate } from "../result/units.js";
import { columnsOf } from "./layout.js";

export interface Progress {
  update(state: LoadProgress): void;
  /** Takes the line away, so that other output can follow. */
  clear(): void;
}

/** A terminal, as far as the line needs it. */
export type ProgressStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

const DEFAULT_COLUMNS = 80;
const TO_LINE_START = "\r";
/** EL (ECMA-48, 8.3.41): after the text, so that the line does not flicker. */
const ERASE_TO_END = "\x1b[K";

/** A line that is redrawn in place on a terminal; in a pipe or a file nothing is written at all. */
export function createProgress({ stream, enabled }: { stream: ProgressStream; enabled: boolean }): Progress {
  let shown = false;
  if (!enabled || stream.isTTY !== true) return { update() {}, clear() {} };
  return {
    update(state) {
      // A terminal that does not keep up gets a later line, not a backlog.
      if (stream.writableNeedDrain) return;
      stream.write(`${TO_LINE_START}${renderProgress(state, stream.columns ?? DEFAULT_COLUMNS)}${ERASE_TO_END}`);
      shown = true;
    },
    clear() {
      if (shown) stream.write(`${TO_LINE_START}${ERASE_TO_END}`);
      shown = false;
    },
  };
}

const SEPARATOR = "  ";
/** A terminal shows a typed Ctrl-C as "^C" behind the line, and some begin a new line in the last column. */
const FREE_COLUMNS = 3;
const PHASES: Readonly<Record<LoadProgress["phase"], string>> = {
  connect: "connecting",
  warmup: "warming up",
  measure: "measuring",
  drain: "draining",
  stopping: "stopping: Ctrl-C again stops at once",
};

/**
 * One line of at most `width` columns less three, so that nothing makes it wrap.
 * What does not fit is left out, the least telling first.
 */
export function renderProgress(state: LoadProgress, width: number): string {
  const parts = partsOf(state).filter((part) => part !== null);
  const kept = new Set<Part>();
  let columns = -SEPARATOR.length;
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    const added = SEPARATOR.length + columnsOf(part.text);
    if (columns + added > width - FREE_COLUMNS) continue;
    kept.add(part);
    columns += added;
  }
  return parts
    .filter((part) => kept.has(part))
    .map(({ text }) => text)
    .join(SEPARATOR);
}

interface Part {
  readonly text: string;
  /** 0 is the last to be left out. */
  readonly rank: number;
}

function partsOf(state: LoadProgress): (Part | null)[] {
  const { phase, requested, open, failed, overdue, oldestUnansweredMs, secondsLeft } = state;
  const loaded = phase !== "connect";
  return [
    { text: PHASES[phase], rank: 0 },
    { text: `${formatCount(open)}/${formatCount(requested)} open`, rank: 1 },
    failed > 0 ? { text: `${formatCount(failed)} failed`, rank: 2 } : null,
    loaded ? { text: `sent ${formatRate(state.sentPerSecond)}/s`, rank: 10 } : null,
    loaded ? { text: `answered ${formatRate(state.receivedPerSecond)}/s`, rank: 3 } : null,
    loaded ? { text: `lost ${formatCount(overdue)}`, rank: overdue > 0 ? 2 : 7 } : null,
    time("p50", state.p50Ns, 9),
    time("p99", state.p99Ns, 5),
    time("max", state.maxNs, 8),
    loaded ? { text: `oldest ${formatDuration(oldestUnansweredMs)}`, rank: 4 } : null,
    (phase === "warmup" || phase === "measure") && secondsLeft > 0
      ? { text: `${formatDuration(Math.ceil(secondsLeft) * 1_000)} left`, rank: 6 }
      : null,
  ];
}

function time(name: string, ns: number | null, rank: number): Part | null {
  return ns === null ? null : { text: `${name} ${formatNs(ns)}`, rank };
}
