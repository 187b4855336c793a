import type { Interval, Latency, Ledger, Reason, Result, Severity } from "../result/result.js";
import { REASONS } from "../result/result.js";
import { generatorLoad, isLoopback, serverLoad, sharesMachine } from "../result/saturation.js";
import {
  formatBytes,
  formatCores,
  formatCount,
  formatDuration,
  formatMany,
  formatMessageRate,
  formatNs,
  formatRate,
  formatShare,
} from "../result/units.js";
import { columnsOf, flow, type Line, paint, type Span, type Style, span, sparkline, table } from "./layout.js";

export interface TerminalOptions {
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** Where the result was saved, if it was. */
  readonly savedAs?: string;
}

/** The tables need this many columns; a narrower terminal wraps them itself. */
const LEAST_COLUMNS = 80;
/** Longer lines of text are hard to read. */
const MOST_COLUMNS = 120;
/** Columns of the names at the left. */
const LABEL_COLUMNS = 13;
/** Kinds of failures or endings listed: a server may give each connection a reason of its own. */
const LISTED_KINDS = 5;

/**
 * A run as a person reads it: the verdict first, then what ran, what came out and what it cost.
 * Of a void run no throughput and no latency is shown, only what helps to find out why.
 * @returns lines of at most `width` columns (80 at the least), each with its line feed
 */
export function renderTerminal(result: Result, { color, width, savedAs }: TerminalOptions): string {
  const page = new Page(Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, Math.floor(width))));
  const isVoid = result.verdict.kind === "void";
  verdict(page, result);
  ran(page, result, isVoid);
  if (!isVoid) {
    headline(page, result);
    latency(page, result);
  }
  messages(page, result);
  connections(page, result, isVoid);
  if (!isVoid) {
    serverCost(page, result);
    generatorCost(page, result);
    unseen(page, result);
  }
  notes(page, result);
  nextStep(page, result, savedAs);
  return page.lines.map((line) => `${paint(line, color)}\n`).join("");
}

class Page {
  readonly lines: Line[] = [];
  readonly width: number;

  constructor(width: number) {
    this.width = width;
  }

  gap(): void {
    this.lines.push([]);
  }

  /** A name at the left and its text beside it. */
  row(label: string, text: string | readonly Span[], labelStyle: Style = "bold"): void {
    const spans = typeof text === "string" ? [span(text)] : text;
    this.lines.push(...flow(spans, { width: this.width, indent: LABEL_COLUMNS, label: span(label, labelStyle) }));
  }

  /** Parts side by side, as many as fit on a line. */
  parts(label: string, parts: readonly (string | readonly Span[])[], labelStyle: Style = "bold"): void {
    const lines: Span[][] = [];
    for (const part of parts) {
      const spans = typeof part === "string" ? [span(part)] : [...part];
      const last = lines.at(-1);
      if (last === undefined) lines.push(spans);
      else if (LABEL_COLUMNS + columnsOfSpans([...last, span(SEPARATOR), ...spans]) > this.width) lines.push(spans);
      else last.push(span(SEPARATOR), ...spans);
    }
    lines.forEach((spans, line) => {
      this.row(line === 0 ? label : "", spans, labelStyle);
    });
  }

  /** As wide apart as the width allows. */
  table(rows: readonly (readonly Span[])[]): void {
    const wide = table(rows, { indent: 0, gap: 3 });
    const fits = columnsOfSpans(wide[0]!) <= this.width;
    this.lines.push(...(fits ? wide : table(rows, { indent: 0, gap: 1 })));
  }
}

const SEPARATOR = " · ";

function columnsOfSpans(spans: readonly Span[]): number {
  return columnsOf(spans.map(({ text }) => text).join(""));
}

function verdict(page: Page, { verdict }: Result): void {
  const { kind, faulty, reasons } = verdict;
  const notes = reasons.filter(({ severity }) => severity === "note").length;
  const mind = notes === 0 ? "" : ` ${formatMany(notes, "note")} below.`;
  if (kind === "void") page.row("✘ VOID", "The figures of this run cannot be trusted, so none is shown.", "red");
  else if (kind === "suspect") {
    const fault = faulty ? " The server is at fault, too." : "";
    page.row("! SUSPECT", `Read the figures with these reasons in mind.${fault}${mind}`, "yellow");
  } else if (faulty)
    page.row("✘ FAULTY", `A valid measurement of a server that does not echo as it should.${mind}`, "red");
  else page.row("✔ VALID", `Nothing was lost, and nothing spoils the figures.${mind}`, "green");
  for (const reason of reasons) if (reason.severity !== "note") reasonRows(page, reason);
}

/** Notes leave the verdict as it is, so they stand behind the figures. */
function notes(page: Page, { verdict }: Result): void {
  const found = verdict.reasons.filter(({ severity }) => severity === "note");
  if (found.length > 0) page.gap();
  for (const reason of found) reasonRows(page, reason);
}

const SEVERITY_STYLE: Readonly<Record<Severity, Style>> = {
  void: "red",
  fault: "red",
  suspect: "yellow",
  note: "cyan",
};

function reasonRows(page: Page, { code, severity, fact, remedy }: Reason): void {
  const title: string = REASONS[code] ?? code;
  const heading = `${title.charAt(0).toUpperCase()}${title.slice(1)}.`;
  page.row(
    severity === "note" ? "Note" : `  ${severity}`,
    [span(heading, "bold"), span(` ${fact}`)],
    SEVERITY_STYLE[severity],
  );
  page.row("", [span(`→ ${remedy}`, "dim")]);
}

function ran(page: Page, result: Result, isVoid: boolean): void {
  const { scenario, plan, manifest } = result;
  const { loop } = scenario;
  const load =
    loop.kind === "closed"
      ? `closed loop, ${formatMany(loop.inFlight, "message")} in flight on ${scenario.connections === 1 ? "" : "each of "}${formatMany(scenario.connections, "connection")}`
      : `open loop, ${formatMessageRate(loop.ratePerSecond)} at ${loop.arrivals} gaps over ${formatMany(scenario.connections, "connection")}`;
  const deflate = scenario.deflate ? ", permessage-deflate" : "";
  page.gap();
  page.row("Ran", `${scenario.name}: ${load}`);
  page.parts("", [
    `${formatBytes(scenario.payloadBytes)} ${scenario.payloadType}${deflate}`,
    `${formatDuration(scenario.warmupMs)} warm-up`,
    isVoid ? `${formatDuration(scenario.durationMs)} window` : `${formatDuration(result.windowMs)} measured`,
    `${result.startedAt.slice(0, 19).replace("T", " ")} UTC`,
  ]);
  const owner = manifest.server.startedByUs ? ", started by Echolot" : "";
  page.row("Server", `${manifest.server.url}${owner}${onCpus(plan.serverCpus)}`);
  const cpus = result.generator.every((process) => process.cpus !== null)
    ? [...new Set(result.generator.flatMap((process) => process.cpus ?? []))].sort((a, b) => a - b)
    : null;
  const pacing = loop.kind === "open" ? `, paced by ${plan.pacing === "spin" ? "polling the clock" : "timer"}` : "";
  page.row("Load", `from ${formatMany(plan.workers.length, "process", "processes")}${onCpus(cpus)}${pacing}`);
  for (const note of plan.notes) page.row("", [span(note, "dim")]);
}

function onCpus(cpus: readonly number[] | null): string {
  return cpus === null || cpus.length === 0 ? "" : ` on CPU ${cpus.join(", ")}`;
}

function headline(page: Page, result: Result): void {
  const { response } = result.latency;
  const times = [
    `p50 ${quantile(response, 2, "p50Ns")}`,
    `p99 ${quantile(response, 100, "p99Ns")}`,
    `max ${quantile(response, 1, "maxNs")}`,
  ];
  page.gap();
  const style = result.verdict.kind === "valid" ? "bold" : "yellow";
  page.parts("Result", [[span(rateOf(result), "bold")], [span(`response ${times.join(SEPARATOR)}`, "bold")]], style);
  eachSecond(page, result.intervals);
}

/** Answers this far behind the messages are worth both figures. */
const BEHIND_SHARE = 0.01;

function rateOf(result: Result): string {
  const { scenario, sentPerSecond, receivedPerSecond } = result;
  if (scenario.loop.kind === "closed")
    return `${boundByGenerator(result) ? "at least " : ""}${formatMessageRate(receivedPerSecond)}`;
  if (receivedPerSecond >= sentPerSecond * (1 - BEHIND_SHARE)) return `at ${formatMessageRate(sentPerSecond)}`;
  return `${formatRate(receivedPerSecond)} of ${formatMessageRate(sentPerSecond)} answered`;
}

function boundByGenerator({ verdict, scenario }: Result): boolean {
  return scenario.loop.kind === "closed" && verdict.reasons.some(({ code }) => code === "generator-saturated");
}

/** A shorter interval at the window's edge says nothing of a second. */
const LEAST_INTERVAL_MS = 500;
/** Fewer seconds show no course. */
const LEAST_INTERVALS = 3;
const SPARKLINE_COLUMNS = 30;

/** The course of the window, in which a pause or a decline shows that the percentiles hide. */
function eachSecond(page: Page, intervals: readonly Interval[]): void {
  const seconds = intervals.filter(
    ({ phase, startMs, endMs }) => phase === "measure" && endMs - startMs >= LEAST_INTERVAL_MS,
  );
  if (seconds.length < LEAST_INTERVALS) return;
  const perBar = Math.ceil(seconds.length / SPARKLINE_COLUMNS);
  const bars = Array.from({ length: Math.ceil(seconds.length / perBar) }, (_, bar) =>
    seconds.slice(bar * perBar, (bar + 1) * perBar),
  );
  const answered = bars.map((bar) => (1_000 * sum(bar, "received")) / (sum(bar, "endMs") - sum(bar, "startMs")));
  const slowest = bars.map((bar) =>
    bar.reduce<number | null>((most, { maxNs }) => (maxNs === null ? most : Math.max(most ?? 0, maxNs)), null),
  );
  const least = Math.min(...answered);
  const most = Math.max(...answered);
  page.row(
    "  answered",
    [
      span(sparkline(answered, most), "cyan"),
      span(`  ${formatRate(least)} to ${formatRate(most)} a second${perBar > 1 ? `, ${perBar} s a bar` : ""}`, "dim"),
    ],
    "plain",
  );
  const times = slowest.filter((time) => time !== null);
  if (times.length === 0) return;
  const longest = Math.max(...times);
  page.row(
    "  slowest",
    [
      span(sparkline(slowest, longest), "cyan"),
      span(`  ${formatNs(Math.min(...times))} to ${formatNs(longest)}`, "dim"),
    ],
    "plain",
  );
}

function sum(intervals: readonly Interval[], field: "received" | "startMs" | "endMs"): number {
  return intervals.reduce((total, interval) => total + interval[field], 0);
}

type TimeField = "p50Ns" | "p90Ns" | "p99Ns" | "p999Ns" | "p9999Ns" | "maxNs";

/** Name, values it takes for one to lie beyond it, field. */
const QUANTILES: readonly (readonly [string, number, TimeField])[] = [
  ["p50", 2, "p50Ns"],
  ["p90", 10, "p90Ns"],
  ["p99", 100, "p99Ns"],
  ["p99.9", 1_000, "p999Ns"],
  ["p99.99", 10_000, "p9999Ns"],
  ["max", 1, "maxNs"],
];

/** "-" where too few values were seen: then it would be the maximum by another name. */
function quantile(latency: Latency | null, leastCount: number, field: TimeField): string {
  return latency === null || latency.count < leastCount ? "-" : formatNs(latency[field]);
}

function latency(page: Page, result: Result): void {
  const { response, service, lag } = result.latency;
  const closed = result.scenario.loop.kind === "closed";
  const rows: (readonly [string, Latency | null])[] = closed
    ? [["  response", response]]
    : [
        ["  response", response],
        ["  service", service],
        ["  lag", lag],
      ];
  page.gap();
  page.table([
    [
      span("Latency".padEnd(LABEL_COLUMNS - 3), "bold"),
      ...QUANTILES.map(([name]) => span(name)),
      span("mean"),
      span(">100 ms"),
    ],
    ...rows.map(([name, latency], row) => {
      const style: Style = row === 0 ? "plain" : "dim";
      return [
        span(name, style),
        ...QUANTILES.map(([, leastCount, field]) => span(quantile(latency, leastCount, field), style)),
        span(latency === null ? "-" : formatNs(latency.meanNs), style),
        span(latency === null ? "-" : formatShare(latency.above100MsShare), style),
      ];
    }),
  ]);
  page.row("", [span(closed ? closedLoopCaution(result) : openLoopMeaning(result), "dim")]);
}

/** Little's law (Little 1961): mean number in a system = rate of arrival x mean time in it. */
function closedLoopCaution({ scenario, connections, receivedPerSecond, ledger }: Result): string {
  const inFlight = scenario.loop.kind === "closed" ? scenario.loop.inFlight : 0;
  const atOnce = connections.established * inFlight;
  const omission = "A late answer also holds back the next message, so pauses count too little (coordinated omission).";
  if (atOnce <= 1 || receivedPerSecond === 0)
    return `One message at a time: the round trip without a queue. ${omission}`;
  const advice = `${omission} Use --rate to see latency at a given load.`;
  // A lost message stands for a time-out in which its connection had nothing in flight: the product is too large then.
  if (ledger.lost > 0) return advice;
  const law = `${formatMany(connections.established, "connection")} × ${inFlight} in flight ÷ ${formatMessageRate(receivedPerSecond)} = ${formatNs((atOnce / receivedPerSecond) * 1e9)}`;
  return `Mostly queueing, by Little's law: ${law}. ${advice}`;
}

/** From here on the pacer's timer is worth a word beside the response time. */
const LAG_WORTH_A_WORD_SHARE = 0.25;

function openLoopMeaning({ latency: { response, lag }, plan }: Result): string {
  const meaning =
    "Response counts from the moment a message was due, service from its write, lag lies between: a pause of the server or of Echolot shows in full.";
  if (response === null || lag === null || plan.pacing === "spin") return meaning;
  if (lag.p50Ns < response.p50Ns * LAG_WORTH_A_WORD_SHARE) return meaning;
  return `${meaning} Here ${formatNs(lag.p50Ns)} at p50 is the pacer's timer: the service row is free of it.`;
}

function messages(page: Page, { ledger, scenario }: Result): void {
  page.gap();
  if (ledger.scheduled === 0) {
    page.row("Messages", "none sent");
    return;
  }
  const counted = (count: number, name: string, style: Style) =>
    span(`${formatCount(count)} ${name}`, count > 0 ? style : "plain");
  const equation = [
    span(`${formatCount(ledger.sent)} sent = ${formatCount(ledger.received)} answered + `),
    counted(ledger.lost, "lost", "red"),
    span(" + "),
    counted(ledger.inFlight, "in flight", "yellow"),
  ];
  const anomalies = ANOMALIES.filter(([field]) => ledger[field] > 0);
  const allWell = anomalies.length === 0 && ledger.received > 0 && scenario.payloadBytes > 0;
  page.parts("Messages", allWell ? [equation, "in order, byte for byte"] : [equation]);
  const columns = Math.max(...anomalies.map(([field]) => formatCount(ledger[field]).length));
  for (const [field, text, style] of anomalies) {
    page.row("", [span(`${formatCount(ledger[field]).padStart(columns)} ${text}`, style)]);
  }
  const remarks = messageRemarks(ledger, scenario.deflate);
  if (remarks.length > 0)
    page.parts(
      "",
      remarks.map((remark) => [span(remark, "dim")]),
    );
}

/** What the equation of sent messages leaves open. */
const ANOMALIES: readonly (readonly [keyof Ledger, string, Style])[] = [
  ["unsent", "never sent: due on a connection that was gone", "yellow"],
  ["corrupted", "of the answers corrupted: other bytes or another length", "red"],
  ["wrongOpcode", "of the answers with the wrong opcode", "red"],
  ["late", "of the answers late: after the message time-out", "yellow"],
  ["reordered", "of the answers out of order on their connection", "cyan"],
  ["duplicated", "duplicates beside the answers", "red"],
  ["unexpected", "unexpected frames beside the answers", "red"],
];

function messageRemarks(ledger: Ledger, deflate: boolean): string[] {
  const remarks: string[] = [];
  if (ledger.received === 0) return remarks;
  if (ledger.fragmented > 0)
    remarks.push(`${formatShare(ledger.fragmented / ledger.received)} of the answers fragmented`);
  if (deflate) {
    remarks.push(
      `${formatShare(ledger.compressed / ledger.received)} of the answers compressed`,
      `on the wire ${formatBytes(ledger.sentBytes / ledger.sent)} out and ${formatBytes(ledger.receivedBytes / ledger.received)} back a message`,
    );
  }
  if (ledger.pings > 0) remarks.push(`${formatMany(ledger.pings, "ping")} of the server answered`);
  return remarks;
}

function connections(page: Page, { connections, latency, scenario }: Result, isVoid: boolean): void {
  const { requested, established, openAtEnd } = connections;
  const parts = [
    `${formatCount(established)} of ${formatCount(requested)} established in ${formatDuration(connections.rampMs)}`,
  ];
  const { handshake } = latency;
  if (handshake !== null && !isVoid) parts.push(handshakeTimes(handshake));
  if (established > 0)
    parts.push(openAtEnd === established ? "all open at the end" : `${formatCount(openAtEnd)} open at the end`);
  page.parts("Connections", parts);
  kinds(page, "  failed", connections.failures, "red");
  kinds(page, "  ended", connections.endings, "yellow");
  if (scenario.deflate) kinds(page, "  agreed on", connections.extensions, "plain");
}

/** A quantile without values beyond it is left out. */
function handshakeTimes(handshake: Latency): string {
  if (handshake.count === 1) return `handshake ${formatNs(handshake.maxNs)}`;
  const p99 = handshake.count < 100 ? "" : `, p99 ${formatNs(handshake.p99Ns)}`;
  return `handshake p50 ${formatNs(handshake.p50Ns)}${p99}`;
}

function kinds(page: Page, label: string, tallies: Readonly<Record<string, number>>, style: Style): void {
  const sorted = Object.entries(tallies).sort(([, a], [, b]) => b - a);
  const rows = sorted.slice(0, LISTED_KINDS).map(([kind, count]) => `${formatCount(count)} × ${kind}`);
  const rest = sorted.slice(LISTED_KINDS);
  if (rest.length > 0) {
    const count = rest.reduce((total, [, count]) => total + count, 0);
    rows.push(`${formatCount(count)} × ${formatMany(rest.length, "other reason")}`);
  }
  rows.forEach((text, row) => {
    page.row(row === 0 ? label : "", text, style);
  });
}

/** Of fewer connections the pages that a runtime takes or gives back at its own times outweigh theirs. */
const RSS_LEAST_CONNECTIONS = 500;

function serverCost(page: Page, result: Result): void {
  const { server } = result;
  const load = serverLoad(result);
  page.gap();
  if (server === null || load === null) {
    page.row("Server cost", "not measured");
    return;
  }
  const parts: string[] = [];
  const { cpuPerMessageUs, userSeconds, systemSeconds, rssPerConnectionBytes } = server;
  if (cpuPerMessageUs !== null) {
    const systemShare = systemSeconds / (userSeconds + systemSeconds || 1);
    parts.push(`${formatNs(cpuPerMessageUs * 1e3)} CPU a message (${formatShare(systemShare)} of it in the kernel)`);
  }
  parts.push(`${formatCores(load.usedCores)} of ${formatMany(load.usableCores, "core")}`);
  const telling = result.connections.established >= RSS_LEAST_CONNECTIONS;
  if (telling && rssPerConnectionBytes !== null && rssPerConnectionBytes > 0)
    parts.push(`${formatBytes(rssPerConnectionBytes)} RSS a connection`);
  parts.push(`${formatBytes(server.rssEndBytes)} RSS in all`);
  page.parts("Server cost", parts);
}

function generatorCost(page: Page, result: Result): void {
  const { generator, scenario, plan } = result;
  if (generator.length === 0) return;
  const answered = (result.receivedPerSecond * result.windowMs) / 1_000;
  const cpuSeconds = generator.reduce((total, process) => total + process.userSeconds + process.systemSeconds, 0);
  const spins = scenario.loop.kind === "open" && plan.pacing === "spin";
  const parts: string[] = [];
  if (answered > 0 && !spins) parts.push(`${formatNs((cpuSeconds / answered) * 1e9)} CPU a message`);
  const busy = generatorLoad(result);
  parts.push(`${busy.of} busy ${formatShare(busy.share)}`);
  parts.push(`longest stall ${formatNs(Math.max(...generator.map((process) => process.maxStallMs)) * 1e6)}`);
  parts.push(`${formatBytes(generator.reduce((total, process) => total + process.rssBytes, 0))} RSS`);
  page.parts("Load cost", parts);
}

/** What no verdict can tell, because it holds for every run on such a set-up. */
function unseen(page: Page, result: Result): void {
  const { manifest } = result;
  const shared = `server and load share one machine's caches and ${formatMany(manifest.cores, "core")}`;
  const text = isLoopback(manifest.server.address)
    ? `No network (loopback); ${shared}.`
    : sharesMachine(result)
      ? `No network between them; ${shared}.`
      : "The network's delay is part of every time; the server's machine was not seen.";
  page.row("Mind", [span(text, "dim")], "dim");
}

/** Below saturation, where queues stay short. */
const CALM_SHARE = 0.7;
const DEFAULT_CONNECTIONS = 1_000;
const DEFAULT_PAYLOAD_BYTES = 125;

function nextStep(page: Page, result: Result, savedAs: string | undefined): void {
  const isVoid = result.verdict.kind === "void";
  if (savedAs === undefined && isVoid) return;
  page.gap();
  if (savedAs !== undefined) page.row("Saved", savedAs);
  if (isVoid) return;
  const { scenario, manifest } = result;
  const words = ["npx", "echolot", "load"];
  if (!manifest.server.startedByUs) words.push(shellWord(manifest.server.url));
  if (scenario.connections !== DEFAULT_CONNECTIONS) words.push("--connections", String(scenario.connections));
  if (scenario.payloadBytes !== DEFAULT_PAYLOAD_BYTES) words.push("--payload", String(scenario.payloadBytes));
  if (scenario.payloadType === "text") words.push("--type", "text");
  if (scenario.deflate) words.push("--deflate");
  const closed = scenario.loop.kind === "closed";
  if (closed) words.push("--rate", String(twoDigits(Math.max(1, result.receivedPerSecond * CALM_SHARE))));
  const why = closed ? `latency at ${formatShare(CALM_SHARE)} of this throughput` : "the most that it answers";
  page.row("Try", [span(words.join(" ")), span(`  # ${why}`, "dim")]);
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}

function shellWord(text: string): string {
  return /^[\w:/.%@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
