import { endingRemedy, handshakeRemedy, SERVER_ENDED_REMEDY } from "./remedies.js";
import type { Measured, Reason, ReasonCode, Severity, Verdict } from "./result.js";
import { generatorCores, generatorLoad, pinnedApart, serverLoad, sharesMachine } from "./saturation.js";
import {
  formatCores,
  formatCount,
  formatDuration,
  formatMany,
  formatMessageRate,
  formatNs,
  formatRate,
  formatShare,
} from "./units.js";

/** What a coordinator knows of a run beside its figures. */
export interface Evidence {
  /** One sentence for each generator process that ended or fell silent. */
  readonly generatorFailures: readonly string[];
  /** The run was ended before its time, by a signal for example. */
  readonly interrupted: boolean;
  /** A process of the server was gone when the run was over. */
  readonly serverEnded: boolean;
  /** The server's cost was sampled over another time than the generator's window. */
  readonly meterLate: boolean;
}

/**
 * Says how far a run's figures can be trusted, and whether the server did its work.
 * Pure: the same run gets the same verdict.
 */
export function judge(run: Measured, evidence: Partial<Evidence> = {}): Verdict {
  const known: Evidence = {
    generatorFailures: [],
    interrupted: false,
    serverEnded: false,
    meterLate: false,
    ...evidence,
  };
  const reasons: Reason[] = [];
  for (const [code, rule] of RULES) {
    const finding = rule(run, known);
    if (finding !== null) reasons.push({ code, ...finding });
  }
  reasons.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const has = (severity: Severity) => reasons.some((reason) => reason.severity === severity);
  return { kind: has("void") ? "void" : has("suspect") ? "suspect" : "valid", faulty: has("fault"), reasons };
}

const RANK: Readonly<Record<Severity, number>> = { void: 0, suspect: 1, fault: 2, note: 3 };

type Finding = Pick<Reason, "severity" | "fact" | "remedy">;
type Rule = (run: Measured, evidence: Evidence) => Finding | null;

/** Among equals the order of this table is the order shown: causes before their consequences. */
const RULES: readonly (readonly [ReasonCode, Rule])[] = [
  ["generator-failed", generatorFailed],
  ["interrupted", interrupted],
  ["no-connection", noConnection],
  ["ledger-unbalanced", ledgerUnbalanced],
  ["deflate-missing", deflateMissing],
  ["connections-missing", connectionsMissing],
  ["connections-ended", connectionsEnded],
  ["nothing-answered", nothingAnswered],
  ["messages-unsent", messagesUnsent],
  ["machine-stolen", machineStolen],
  ["machine-busy", machineBusy],
  ["generator-stalled", generatorStalled],
  ["rate-missed", rateMissed],
  ["generator-lag", generatorLag],
  ["generator-saturated", generatorSaturated],
  ["queue-growing", queueGrowing],
  ["loop-unfilled", loopUnfilled],
  ["protocol-broken", protocolBroken],
  ["messages-lost", messagesLost],
  ["messages-lost", tailCensored],
  ["messages-corrupted", messagesCorrupted],
  ["messages-duplicated", messagesDuplicated],
  ["messages-unexpected", messagesUnexpected],
  ["opcode-wrong", opcodeWrong],
  ["messages-late", messagesLate],
  ["messages-reordered", messagesReordered],
  ["deflate-unused", deflateUnused],
  ["answers-few", answersFew],
  ["cores-shared", coresShared],
  ["server-unseen", serverUnseen],
  ["order-unseen", orderUnseen],
];

function generatorFailed(_: Measured, { generatorFailures }: Evidence): Finding | null {
  if (generatorFailures.length === 0) return null;
  return {
    severity: "void",
    fact: generatorFailures.map(asSentence).join(" "),
    remedy: "Look at the standard error output for its cause (often memory or open files) and run again.",
  };
}

function noConnection({ connections }: Measured, { serverEnded }: Evidence): Finding | null {
  if (connections.established > 0) return null;
  const failures = Object.entries(connections.failures).sort(([, a], [, b]) => b - a);
  const seen = failures.length === 0 ? "no handshake ended" : listed(failures);
  return {
    severity: "void",
    fact: `Of ${formatMany(connections.requested, "handshake")}: ${seen}.`,
    remedy: serverEnded ? SERVER_ENDED_REMEDY : handshakeRemedy(failures[0]?.[0]),
  };
}

/**
 * Scheduled = sent + unsent and sent = received + lost + in flight hold for every run of a correct harness, so a
 * difference is Echolot's fault and leaves no other figure worth trusting. A process that died took its books with it.
 */
function ledgerUnbalanced({ ledger }: Measured, { generatorFailures }: Evidence): Finding | null {
  const unscheduled = ledger.scheduled - ledger.sent - ledger.unsent;
  const unaccounted = ledger.sent - ledger.received - ledger.lost - ledger.inFlight;
  if ((unscheduled === 0 && unaccounted === 0) || generatorFailures.length > 0) return null;
  return {
    severity: "void",
    fact:
      `Of ${formatCount(ledger.scheduled)} messages due, ${formatCount(ledger.sent)} were sent and ` +
      `${formatCount(ledger.unsent)} not; of those sent, ${formatCount(ledger.received)} were answered, ` +
      `${formatCount(ledger.lost)} lost, ${formatCount(ledger.inFlight)} in flight.`,
    remedy: "This is a fault of Echolot: please report it with the saved result.",
  };
}

/** The shortest window that can be asked for: what is shorter and empty is none. */
const LEAST_WINDOW_MS = 100;

function interrupted(run: Measured, evidence: Evidence): Finding | null {
  if (!evidence.interrupted) return null;
  const { scenario, windowMs, generator, ledger, receivedPerSecond, sentPerSecond } = run;
  const remedy = "Let the run end by itself, or ask for a shorter one with --duration.";
  const opened = sentPerSecond > 0 || receivedPerSecond > 0 || (windowMs >= LEAST_WINDOW_MS && generator.length > 0);
  if (!opened) {
    const fact = `That was before its window of ${formatDuration(scenario.durationMs)} opened: nothing was measured.`;
    return { severity: "void", fact, remedy };
  }
  const measured = `${formatDuration(windowMs)} of ${formatDuration(scenario.durationMs)} were measured`;
  if (receivedPerSecond > 0 || allEnded(run)) return { severity: "suspect", fact: `${measured}.`, remedy };
  return {
    severity: "void",
    fact: `${measured}, and no message was answered in them.`,
    remedy: ledger.received > 0 ? remedy : `${remedy} ${NO_ECHO_REMEDY}`,
  };
}

function deflateMissing({ scenario, connections }: Measured): Finding | null {
  const missing = scenario.deflate ? withoutDeflate(connections) : 0;
  if (missing <= 0) return null;
  return {
    severity: "void",
    fact: `${formatMany(missing, "handshake")} of ${formatCount(connections.requested)} came back without it, or with other terms than were offered.`,
    remedy: "Turn compression on in the server, or run without --deflate.",
  };
}

function withoutDeflate({ failures, extensions, established }: Measured["connections"]): number {
  const refused = sumOf(Object.entries(failures).filter(([reason]) => /extension|deflate/.test(reason)));
  const agreed = sumOf(Object.entries(extensions).filter(([answer]) => /^permessage-deflate\b/.test(answer)));
  return Math.max(refused, established - agreed);
}

/** Part of the answers left plain: RFC 7692, 6 leaves that to the sender, but then the costs of compression are not all in. */
const DEFLATED_ENOUGH_SHARE = 0.99;

function deflateUnused({ scenario, connections, ledger }: Measured): Finding | null {
  if (!scenario.deflate || withoutDeflate(connections) > 0) return null;
  if (ledger.received === 0 || ledger.compressed >= ledger.received * DEFLATED_ENOUGH_SHARE) return null;
  return {
    severity: "note",
    fact:
      ledger.compressed === 0
        ? `Of ${formatMany(ledger.received, "answer")} none was compressed.`
        : `Only ${formatShare(ledger.compressed / ledger.received)} of the answers were compressed.`,
    remedy:
      "Ask for a larger --payload (servers leave short messages uncompressed; 512 bytes is a usual threshold), or lower the server's threshold.",
  };
}

/** One connection in twenty changes what is measured (memory, fan-in, rate a connection) by more than runs differ. */
const CONNECTIONS_GONE_VOID_SHARE = 0.05;

function connectionsMissing({ connections }: Measured, { interrupted, serverEnded }: Evidence): Finding | null {
  const failures = Object.entries(connections.failures).sort(([, a], [, b]) => b - a);
  // Those that an interruption forestalled did not fail.
  const missing = interrupted ? sumOf(failures) : connections.requested - connections.established;
  if (missing <= 0 || connections.established === 0) return null;
  const why = failures.length === 0 ? "" : ` (${listed(failures)})`;
  return {
    severity: missing > connections.requested * CONNECTIONS_GONE_VOID_SHARE ? "void" : "suspect",
    fact: `${formatCount(missing)} of ${formatMany(connections.requested, "connection")} failed${why}.`,
    remedy: serverEnded ? SERVER_ENDED_REMEDY : handshakeRemedy(failures[0]?.[0]),
  };
}

/** Counts what is missing already, so that 3% missing and 3% ended are not both let through. */
function connectionsEnded(run: Measured, evidence: Evidence): Finding | null {
  const { connections } = run;
  const endings = Object.entries(connections.endings).sort(([, a], [, b]) => b - a);
  // Those of a process that failed, or was told to stop before it had a report to make, are not known to have ended.
  const notCounted = evidence.generatorFailures.length > 0 || evidence.interrupted;
  const ended = Math.max(sumOf(endings), notCounted ? 0 : connections.established - connections.openAtEnd);
  if (ended <= 0) return null;
  const unestablished = evidence.interrupted
    ? sumOf(Object.entries(connections.failures))
    : connections.requested - connections.established;
  const gone = ended + Math.max(0, unestablished);
  const closedByServer = sumOf(endings.filter(([reason]) => /^close\b/.test(reason)));
  const byServer =
    closedByServer === 0
      ? ""
      : closedByServer === ended
        ? ` The server closed ${ended === 1 ? "it" : "them"}.`
        : ` The server closed ${formatCount(closedByServer)} of them.`;
  const why = endings.length === 0 ? "" : ` (${listed(endings)})`;
  return {
    severity: gone > connections.requested * CONNECTIONS_GONE_VOID_SHARE ? "void" : "suspect",
    fact: `${formatCount(ended)} of ${formatMany(connections.established, "connection")} ended early${why}.${byServer}${allEnded(run) ? leftBehind(run) : ""}`,
    remedy: evidence.serverEnded ? SERVER_ENDED_REMEDY : endingRemedy(endings[0]?.[0]),
  };
}

function allEnded({ connections: { established, openAtEnd, endings } }: Measured): boolean {
  return established > 0 && openAtEnd === 0 && sumOf(Object.entries(endings)) >= established;
}

/** What the end of every connection left of the run. */
function leftBehind({ ledger, receivedPerSecond, intervals }: Measured): string {
  const inWindow = intervals.some(
    ({ phase, open, sent, received }) => phase === "measure" && open + sent + received > 0,
  );
  const when = intervals.length > 0 && !inWindow ? " None was left when the window opened." : "";
  if (ledger.received === 0) return `${when} Not one message was answered.`;
  return when === "" && receivedPerSecond === 0 ? " No answer came within the window." : when;
}

const NO_ECHO_REMEDY = "Check that the URL's path is an echo endpoint and takes messages of this size and type.";

/** Of an interruption, or of the end of every connection, this would be the consequence: they say it themselves. */
function nothingAnswered(run: Measured, { interrupted }: Evidence): Finding | null {
  const { connections, ledger, receivedPerSecond, windowMs } = run;
  if (connections.established === 0 || receivedPerSecond > 0 || interrupted || allEnded(run)) return null;
  const severity = "void";
  if (ledger.received > 0) {
    const ended = sumOf(Object.entries(connections.endings));
    return {
      severity,
      fact: `${formatMany(ledger.received, "answer")} came before or after the window of ${formatDuration(windowMs)}, none within.`,
      remedy:
        ended > connections.requested * CONNECTIONS_GONE_VOID_SHARE
          ? "Find out why connections end, and measure again."
          : "Measure for longer than the server takes to answer (--duration), or send less.",
    };
  }
  return {
    severity,
    fact: `${formatMany(ledger.sent, "message")} went out on ${formatMany(connections.established, "connection")}, and no answer came.`,
    remedy: NO_ECHO_REMEDY,
  };
}

/** One in a hundred left out of the load is what a p99 can no longer tell from a slow answer. */
const UNSENT_VOID_SHARE = 0.01;

function messagesUnsent({ ledger, connections }: Measured): Finding | null {
  if (ledger.unsent === 0 || connections.established === 0) return null;
  const share = ledger.unsent / ledger.scheduled;
  return {
    severity: share > UNSENT_VOID_SHARE ? "void" : "suspect",
    fact: `${formatCount(ledger.unsent)} of ${formatMany(ledger.scheduled, "message")} (${formatShare(share)}) were due on a connection that was gone.`,
    remedy: "Find out why connections fail or end; the load was smaller than asked for.",
  };
}

/** Ten missed turns of the 10 ms timer: garbage collection and a shared machine's scheduling stay below (32 ms seen). */
const STALL_SUSPECT_MS = 100;
/** Longer than any pause a healthy process has, and more than a person would call a hiccup. */
const STALL_VOID_MS = 500;
/** A tenth of a window stands in every p90. */
const STALL_VOID_SHARE = 0.1;
/** A pause this small a part of the window lies beyond p99.9: it spoils the maximum and no more. */
const STALL_TAIL_SHARE = 0.001;

function generatorStalled(run: Measured, { interrupted, generatorFailures }: Evidence): Finding | null {
  const { generator, windowMs, scenario } = run;
  // A process that stands still while the window opens or closes has no stall within it, but a window of another length.
  const shiftMs = interrupted || generatorFailures.length > 0 ? 0 : Math.abs(windowMs - scenario.durationMs);
  const longestMs = generator.reduce((most, process) => Math.max(most, process.maxStallMs), 0);
  const worstMs = Math.max(shiftMs, longestMs);
  if (worstMs < STALL_SUSPECT_MS || windowMs <= 0) return null;
  const share = worstMs / windowMs;
  const long = worstMs >= STALL_VOID_MS || share >= STALL_VOID_SHARE;
  const onlyMaximum = share < STALL_TAIL_SHARE;
  const severity: Severity = long ? (onlyMaximum ? "suspect" : "void") : onlyMaximum ? "note" : "suspect";
  const limit = onlyMaximum ? ": the longest times may be its own" : "";
  const stalled = generator.find(({ maxStallMs }) => maxStallMs === worstMs);
  return {
    severity,
    fact:
      stalled === undefined
        ? `The window was ${formatNs(windowMs * 1e6)} long instead of ${formatDuration(scenario.durationMs)}: none was there to open or close it in time.`
        : `Process ${stalled.pid} with ${formatMany(stalled.connections, "connection")} saw no event for ${formatNs(worstMs * 1e6)}, ${formatShare(share)} of the window${limit}.`,
    remedy:
      "Keep other programs off its core, do not stop or debug it, and give the machine memory enough not to swap.",
  };
}

/** A load more than 5% below what was asked for is another load. */
const RATE_VOID_SHARE = 0.05;
/** A schedule that is kept, however late, misses nothing: 1% is a tenth of a second of a 10 s window not caught up. */
const RATE_SUSPECT_SHARE = 0.01;
/** A Poisson count has the standard deviation sqrt(n); beyond 4 of them chance is 1 in 30,000. */
const RATE_CHANCE_DEVIATIONS = 4;

function rateMissed({ scenario, plan, connections, windowMs, sentPerSecond }: Measured): Finding | null {
  const { loop } = scenario;
  if (loop.kind !== "open" || connections.established === 0 || windowMs <= 0) return null;
  const due = (loop.ratePerSecond * windowMs) / 1_000;
  const missing = due - (sentPerSecond * windowMs) / 1_000;
  // With fixed gaps each process may have one message on either side of the window's edge.
  const chance = loop.arrivals === "exponential" ? RATE_CHANCE_DEVIATIONS * Math.sqrt(due) : plan.workers.length;
  const share = missing / due;
  if (missing <= chance || share < RATE_SUSPECT_SHARE) return null;
  return {
    severity: share > RATE_VOID_SHARE ? "void" : "suspect",
    fact: `${formatMessageRate(sentPerSecond)} were sent of ${formatRate(loop.ratePerSecond)} asked for (${formatShare(1 - share)}).`,
    remedy: "Ask for a lower --rate, or give the generator more cores.",
  };
}

/** Below this a lag cannot be told from the pace of a sleeping timer, which is up to 1.2 ms late by nature. */
const LAG_SUSPECT_NS = 2e6;
const LAG_SUSPECT_SHARE = 0.25;
/** No timer is this late: the process was kept from running, and half of the figure is its own. */
const LAG_VOID_NS = 10e6;
const LAG_VOID_SHARE = 0.5;
/** Of fewer messages p99, or p99.9, is the slowest one by another name: one late timer would judge the run. */
const LAG_LEAST_P99_MESSAGES = 100;
const LAG_LEAST_P999_MESSAGES = 1_000;

function generatorLag({ latency: { lag, response }, plan }: Measured): Finding | null {
  if (lag === null || response === null || lag.count < LAG_LEAST_P99_MESSAGES) return null;
  const share = lag.p99Ns / response.p99Ns;
  const remedy =
    plan.pacing === "spin"
      ? "Lower --rate, or keep other programs off the generator's core."
      : "Lower --rate, or give the generator a core of its own and --pacing spin.";
  const fact = `1% of the messages were written ${formatNs(lag.p99Ns)} or more after their due time; response p99 is ${formatNs(response.p99Ns)}.`;
  if (lag.p99Ns >= LAG_VOID_NS && share >= LAG_VOID_SHARE) return { severity: "void", fact, remedy };
  if (lag.p99Ns >= LAG_SUSPECT_NS && share >= LAG_SUSPECT_SHARE)
    return { severity: "suspect", fact, remedy: `Read the service row, which counts from the write. ${remedy}` };
  const hasP999 = lag.count >= LAG_LEAST_P999_MESSAGES;
  if (hasP999 && lag.p999Ns >= LAG_VOID_NS && lag.p999Ns >= response.p999Ns * LAG_VOID_SHARE) {
    return {
      severity: "note",
      fact: `One message in 1,000 was written ${formatNs(lag.p999Ns)} or more after its due time; response p99.9 is ${formatNs(response.p999Ns)}.`,
      remedy: "Read p99.9 and beyond in the service row: in the response row they are mostly the generator's.",
    };
  }
  return null;
}

/**
 * An event loop that works this much is the limit. It never reaches 100%: each turn ends with a look for new events,
 * and another program that holds the core now and then lets answers pile up, which the loop then works off without a
 * rest. In open loop a queue forms before the loop is quite full: at 90% a message waits for nine others on average.
 */
const GENERATOR_FULL_SHARE = 0.9;
/** Below this the server could have answered a third more: its throughput was not measured. */
const SERVER_NEARLY_FULL_SHARE = 0.75;

function generatorSaturated(run: Measured): Finding | null {
  const { loop } = run.scenario;
  const busy = generatorLoad(run);
  if (busy.share < GENERATOR_FULL_SHARE || run.receivedPerSecond === 0) return null;
  const whose = run.generator.length > 1 ? "The busiest process's" : "Its";
  const worked = `${whose} ${busy.of} was busy ${formatShare(busy.share)} of the time`;
  const more = "Give the generator more cores, or lighten its work (fewer connections, smaller payloads).";
  if (loop.kind === "open") {
    return {
      severity: "suspect",
      fact: `${worked}: answers waited for it, and response time holds that wait.`,
      remedy: `Ask for a lower --rate. ${more}`,
    };
  }
  const server = serverLoad(run);
  if (server === null) {
    return {
      severity: "suspect",
      fact: `${worked}, and how busy the server was is not known: it can answer at least ${formatMessageRate(run.receivedPerSecond)}.`,
      remedy: more,
    };
  }
  const used = `the server used ${formatCores(server.usedCores)} of ${formatMany(server.usableCores, "core")}`;
  if (server.share < SERVER_NEARLY_FULL_SHARE) {
    return {
      severity: "suspect",
      fact: `${worked} while ${used}: it can answer at least ${formatMessageRate(run.receivedPerSecond)}, and more with a faster generator.`,
      remedy: more,
    };
  }
  const factor = (1 / server.share).toFixed(2);
  return {
    severity: "note",
    fact: `${worked}; ${used}, so its ceiling is at most ${factor} times this throughput.`,
    remedy: "Compare servers by their CPU time a message, which the generator does not limit.",
  };
}

/** Stolen time falls on whoever wants to run: it is measured against the cores in use, two at the least. */
const LEAST_CORES_IN_USE = 2;
/** 0.05 of two cores: a run differs from its repetition by about as much. */
const STEAL_SUSPECT_SHARE = 0.025;
/** 0.3 of two cores: every sixth slice of time was another's, in pauses of milliseconds. */
const STEAL_VOID_SHARE = 0.15;

function machineStolen(run: Measured): Finding | null {
  if (run.machine === null) return null;
  const { stealCores } = run.machine;
  const inUse = Math.max(LEAST_CORES_IN_USE, generatorCores(run) + (run.server?.cores ?? 0));
  const share = stealCores / inUse;
  if (share <= STEAL_SUSPECT_SHARE) return null;
  return {
    severity: share > STEAL_VOID_SHARE ? "void" : "suspect",
    fact: `${formatCores(stealCores)} cores' worth of time was stolen, ${formatShare(share)} of the cores in use.`,
    remedy: "Run again at a quieter time, or on a machine with dedicated cores.",
  };
}

/** What a desktop or a monitoring agent uses; above the larger figure a tenth of two cores and more is missing. */
const FOREIGN_NOTE_CORES = 0.1;
const FOREIGN_SUSPECT_CORES = 0.25;
/** On a large machine a little load finds an idle core: it counts from these shares of all cores on. */
const FOREIGN_NOTE_SHARE = 1 / 40;
const FOREIGN_SUSPECT_SHARE = 1 / 16;
/** From here on the machine was more others' than the run's. */
const FOREIGN_VOID_SHARE = 1 / 2;

function machineBusy(run: Measured, { serverEnded }: Evidence): Finding | null {
  if (run.machine === null) return null;
  const { foreignCores, cores } = run.machine;
  if (foreignCores <= Math.max(FOREIGN_NOTE_CORES, cores * FOREIGN_NOTE_SHARE)) return null;
  const fact = `They kept ${formatCores(foreignCores)} of ${formatMany(cores, "core")} busy on average`;
  if (run.server === null && sharesMachine(run)) {
    return {
      severity: "note",
      fact: `${fact}, the server among them${serverEnded ? " until it ended" : ""}: how much was its own is not known.`,
      remedy: serverEnded
        ? "Run again once the server stays up: then its work is told from others'."
        : run.manifest.server.startedByUs
          ? "Run again: /proc did not tell the server's work when the window opened or closed."
          : "Name the server's process with --server-pid, so that its work is not taken for another's.",
    };
  }
  const suspect = foreignCores > Math.max(FOREIGN_SUSPECT_CORES, cores * FOREIGN_SUSPECT_SHARE);
  return {
    severity: foreignCores > cores * FOREIGN_VOID_SHARE ? "void" : suspect ? "suspect" : "note",
    fact: `${fact}.`,
    remedy: "End them or wait for them (top shows which), and run again.",
  };
}

/** So few in flight at the window's end are no queue, even where they are a twentieth of a small load. */
const BEHIND_LEAST_MESSAGES = 100;
/** Open loop: answers 5% behind the messages at the window's end are a queue, whose length is the run's and not the server's. */
const BEHIND_SUSPECT_SHARE = 0.05;

function queueGrowing(run: Measured): Finding | null {
  const { scenario, sentPerSecond, receivedPerSecond, windowMs, ledger } = run;
  if (scenario.loop.kind !== "open" || sentPerSecond === 0 || receivedPerSecond === 0) return null;
  const sent = (sentPerSecond * windowMs) / 1_000;
  const behind = sent - (receivedPerSecond * windowMs) / 1_000 - ledger.lost;
  if (behind <= Math.max(BEHIND_LEAST_MESSAGES, sent * BEHIND_SUSPECT_SHARE)) return null;
  return {
    severity: "suspect",
    fact: `${formatRate(receivedPerSecond)} of ${formatMessageRate(sentPerSecond)} were answered: times grow with the length of the run.`,
    remedy: `Ask for a --rate below ${formatRate(receivedPerSecond)} to see response times that last.`,
  };
}

function messagesLost({ ledger, scenario, connections }: Measured): Finding | null {
  if (ledger.lost === 0) return null;
  const ended = sumOf(Object.entries(connections.endings)) > 0;
  const held =
    scenario.loop.kind === "closed" && !ended
      ? ` Each held back its connection for up to ${formatDuration(scenario.messageTimeoutMs)}, so the throughput suffers too.`
      : "";
  return {
    severity: "fault",
    fact: `${partOf(ledger.lost, ledger.sent, "message")} had no answer.${held}`,
    remedy: ended
      ? "See why connections ended: what was on its way there is lost."
      : "Look for sends that the server drops, such as those beyond its buffer limit.",
  };
}

/** Where more than 1% has no answer, p99 is only the age at which the run stopped waiting. */
const CENSORED_SHARE = 0.01;

function tailCensored({ ledger, latency, connections }: Measured): Finding | null {
  if (connections.established === 0 || ledger.received === 0 || latency.response === null) return null;
  const ofRun = ledger.sent === 0 ? 0 : ledger.lost / ledger.sent;
  const ofWindow = latency.unanswered / latency.response.count;
  const share = Math.max(ofRun, ofWindow);
  if (share <= CENSORED_SHARE) return null;
  return {
    severity: "suspect",
    fact: `${formatShare(share)} had no answer and stand in the latency with their age at the end: p99 and beyond are lower bounds.`,
    remedy: "Read p50 and p90; cure the loss before you compare tails.",
  };
}

function messagesCorrupted({ ledger }: Measured): Finding | null {
  if (ledger.corrupted === 0) return null;
  return {
    severity: "fault",
    fact: `${partOf(ledger.corrupted, ledger.received, "answer")} came back with other bytes or another length.`,
    remedy:
      "Check that the endpoint echoes what it gets, unchanged; look for a buffer that is used again before it is sent.",
  };
}

function messagesDuplicated({ ledger }: Measured): Finding | null {
  if (ledger.duplicated === 0) return null;
  return {
    severity: "fault",
    fact: `${formatMany(ledger.duplicated, "answer")} too many for ${formatMany(ledger.sent, "message")}.`,
    remedy: "Look for a retry or a broadcast in the server: an echo answers the sender, once.",
  };
}

function messagesUnexpected({ ledger, connections }: Measured): Finding | null {
  if (ledger.unexpected === 0) return null;
  const greeting = ledger.unexpected === connections.established;
  return {
    severity: "fault",
    fact: `${formatMany(ledger.unexpected, "frame")} came that no message of that connection explains${greeting ? ", one for each connection" : ""}.`,
    remedy: greeting
      ? "The server seems to greet each connection: turn the greeting off."
      : "Look for answers that go to the wrong connection, or for messages of the server's own.",
  };
}

/** Connections that started late or stand still make the loop smaller than asked for; a tenth shows beyond the noise. */
const LOOP_UNFILLED_SHARE = 0.9;
/** Little's law holds for a long time: edges must not count. */
const LOOP_LEAST_ROUNDS = 10;

/** Little's law (L = lambda W): in a closed loop throughput times mean response time is what was in flight. */
function loopUnfilled({
  scenario,
  connections,
  latency,
  receivedPerSecond,
  windowMs,
  ledger,
}: Measured): Finding | null {
  if (scenario.loop.kind !== "closed" || latency.response === null) return null;
  if (ledger.lost > 0 || receivedPerSecond === 0) return null;
  const asked = connections.openAtEnd * scenario.loop.inFlight;
  const meanMs = latency.response.meanNs / 1e6;
  const seen = (receivedPerSecond * meanMs) / 1_000;
  if (windowMs < meanMs * LOOP_LEAST_ROUNDS || seen >= asked * LOOP_UNFILLED_SHARE) return null;
  return {
    severity: "suspect",
    fact: `${formatCount(Math.round(seen))} messages were in flight on average (throughput × mean response time), of ${formatCount(asked)} asked for.`,
    remedy: "Give the loop time to fill with a longer --warmup; if that does not help, some connections stand still.",
  };
}

function protocolBroken({ connections }: Measured): Finding | null {
  const broken = Object.entries(connections.endings).filter(([reason]) => reason.startsWith("protocol: "));
  if (broken.length === 0) return null;
  return {
    severity: "fault",
    fact: `${formatMany(sumOf(broken), "connection")} had to be ended (${listed(broken)}).`,
    remedy:
      "Run the server's frames against the section named: a client must fail such a connection (RFC 6455, 7.1.7).",
  };
}

function opcodeWrong({ ledger }: Measured): Finding | null {
  if (ledger.wrongOpcode === 0) return null;
  return {
    severity: "fault",
    fact: `${partOf(ledger.wrongOpcode, ledger.received, "answer")} changed from text to binary or back.`,
    remedy: "Send with the opcode of the message that came in (RFC 6455, 5.6).",
  };
}

function messagesLate({ ledger, scenario }: Measured): Finding | null {
  if (ledger.late === 0) return null;
  return {
    severity: "suspect",
    fact: `${partOf(ledger.late, ledger.received, "answer")} came after more than ${formatDuration(scenario.messageTimeoutMs)}.`,
    remedy: "Send less, or raise --message-timeout above the times you expect.",
  };
}

function messagesReordered({ ledger }: Measured): Finding | null {
  if (ledger.reordered === 0) return null;
  return {
    severity: "note",
    fact: `${partOf(ledger.reordered, ledger.received, "answer")} came after the answer to a later message of the same connection.`,
    remedy:
      "Clients must match answers by an id, not by position; or let the server handle a connection's messages in turn.",
  };
}

/** Fewer than ten answers lie above p99. */
const FEW_ANSWERS = 1_000;

function answersFew({ latency: { response, unanswered } }: Measured): Finding | null {
  if (response === null) return null;
  const answers = response.count - unanswered;
  if (answers <= 0 || answers >= FEW_ANSWERS) return null;
  return {
    severity: "note",
    fact: `p99 rests on fewer than ten of ${formatMany(answers, "answer")}.`,
    remedy: "Measure for longer (--duration), or send more.",
  };
}

/** From here on both sides together leave nothing of the machine: each takes time from the other. */
const MACHINE_FULL_SHARE = 0.95;

function coresShared(run: Measured): Finding | null {
  if (run.ledger.received === 0 || !sharesMachine(run) || pinnedApart(run)) return null;
  const { cores } = run.manifest;
  const together = generatorCores(run) + (run.server?.cores ?? 0);
  const seen =
    run.server === null
      ? ""
      : ` They used ${formatCores(together)} of ${formatMany(cores, "core")}${together >= cores * MACHINE_FULL_SHARE ? ": the throughput is what both can do together" : ""}.`;
  return {
    severity: "note",
    fact: `Nothing kept server and generator on cores of their own.${seen}`,
    remedy:
      cores < 2
        ? "Use a machine with two cores or more."
        : "Let Echolot start the server (leave out the URL), or pin both with taskset.",
  };
}

function serverUnseen(run: Measured, { serverEnded, meterLate }: Evidence): Finding | null {
  if (serverEnded) {
    const fact = "The server's process ended during the run, and its CPU time and memory went with it.";
    return { severity: "note", fact, remedy: SERVER_ENDED_REMEDY };
  }
  // Without an answer in the window there is no work whose cost could be told.
  if (run.server !== null || run.receivedPerSecond === 0) return null;
  if (meterLate) {
    return {
      severity: "suspect",
      fact: "Echolot's processes did not see the window at the same time, so the server's CPU time does not belong to its messages.",
      remedy: "Keep other programs off the machine, do not stop or debug Echolot, and run again.",
    };
  }
  const local = sharesMachine(run);
  return {
    severity: "note",
    fact: "Its CPU time and memory are not in this result.",
    remedy: !run.manifest.platform.startsWith("linux")
      ? "Run on Linux, where /proc holds them."
      : run.manifest.server.startedByUs
        ? "Run again: /proc did not tell them when the window opened or closed."
        : local
          ? "Name its process with --server-pid, as a user who may read /proc of it."
          : "Run Echolot on the server's machine, or measure its CPU there.",
  };
}

function orderUnseen({ scenario, ledger }: Measured): Finding | null {
  if (scenario.payloadBytes > 0 || ledger.received === 0) return null;
  return {
    severity: "note",
    fact: "Empty messages are all alike: answers are counted, but losses and order within a connection cannot be told apart.",
    remedy: "Use a payload of some bytes to check the order.",
  };
}

function partOf(count: number, total: number, noun: string): string {
  return `${formatCount(count)} of ${formatMany(total, noun)} (${formatShare(total === 0 ? 0 : count / total)})`;
}

function sumOf(entries: readonly (readonly [string, number])[]): number {
  return entries.reduce((sum, [, count]) => sum + count, 0);
}

/** More kinds than this do not fit into a sentence. */
const LISTED = 3;

function listed(entries: readonly (readonly [string, number])[]): string {
  const shown = entries.slice(0, LISTED).map(([reason, count]) => `${formatCount(count)} × ${reason}`);
  const rest = entries.slice(LISTED);
  if (rest.length > 0) shown.push(`${formatCount(sumOf(rest))} × other`);
  return shown.join(", ");
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
