import assert from "node:assert/strict";
import { test } from "node:test";
import { type Measured, REASONS, type ReasonCode, type Severity } from "../../../../bench/result/result.js";
import { type Evidence, judge } from "../../../../bench/result/verdict.js";
import { scenarioSchema } from "../../../../bench/scenario/scenario.js";
import { closedRun, GENERATOR, latencyOf, openRun, SERVER } from "../../../tools/sample-run.js";

type Change = (run: Measured) => void;

function changed(run: Measured, change: Change): Measured {
  change(run);
  return run;
}

/** Reasons as "code severity", worst first. */
function reasonsOf(run: Measured, evidence?: Partial<Evidence>): string[] {
  return judge(run, evidence).reasons.map(({ code, severity }) => `${code} ${severity}`);
}

function reasonOf(run: Measured, code: ReasonCode, evidence?: Partial<Evidence>) {
  const found = judge(run, evidence).reasons.find((reason) => reason.code === code);
  assert.ok(found, `no ${code} among ${reasonsOf(run, evidence).join(", ") || "no reasons"}`);
  return found;
}

/** Loses `lost` messages of the run and keeps its books balanced. */
function lose(run: Measured, lost: number): void {
  run.ledger.lost = lost;
  run.ledger.received = run.ledger.sent - lost;
}

test("a clean run is valid without a word, in closed and in open loop", () => {
  for (const run of [closedRun(), openRun()])
    assert.deepEqual(judge(run), { kind: "valid", faulty: false, reasons: [] });
});

test("the noise of a shared machine spoils nothing: a 90 ms stall, a timer's 1.2 ms lag, a tenth of a core and 2% steal", () => {
  const run = openRun();
  run.generator[0]!.maxStallMs = 90;
  run.latency.lag = latencyOf(20_000, 0.05, 1.2);
  run.latency.response = latencyOf(20_000, 0.2, 1.6);
  run.machine = { cores: 2, foreignCores: 0.1, stealCores: 0.04 };
  assert.deepEqual(reasonsOf(run), []);
});

const SPOILED: readonly (readonly [title: string, run: () => Measured, change: Change, expected: string])[] = [
  ["a generator that stood still for 500 ms", closedRun, stall(500), "generator-stalled void"],
  ["a generator that stood still for 100 ms", closedRun, stall(100), "generator-stalled suspect"],
  [
    "a stall of a tenth of a short window",
    closedRun,
    (run) => {
      stall(150)(run);
      last(1_500)(run);
      run.generator[0]!.userSeconds = run.generator[0]!.systemSeconds = 0.5;
    },
    "generator-stalled void",
  ],
  ["94.9% of the rate", openRun, rateOf(0.949), "rate-missed void"],
  ["98% of the rate", openRun, rateOf(0.98), "rate-missed suspect"],
  ["a lag of seconds", openRun, lagOf(1_800, 1_850), "generator-lag void"],
  ["a lag of half the response time", openRun, lagOf(10.2, 20), "generator-lag void"],
  ["a lag of 9 ms in 10 ms", openRun, lagOf(9, 10), "generator-lag suspect"],
  ["a lag of 2.1 ms in 8 ms", openRun, lagOf(2.1, 8), "generator-lag suspect"],
  ["a twentieth of a core stolen from each of two", closedRun, machine(0, 0.06), "machine-stolen suspect"],
  ["a third of a core stolen", closedRun, machine(0, 0.35), "machine-stolen void"],
  ["a core and more of two used by others", closedRun, machine(1.1, 0), "machine-busy void"],
  ["a quarter of a core used by others", closedRun, machine(0.26, 0), "machine-busy suspect"],
  ["an eighth of a core used by others", closedRun, machine(0.125, 0), "machine-busy note"],
  ["a generator without rest in open loop", openRun, busy(0.91), "generator-saturated suspect"],
  [
    "a closed loop of which a half stood still",
    closedRun,
    (run) => {
      run.latency.response = latencyOf(20_000, 4.5, 6.6);
    },
    "loop-unfilled suspect",
  ],
  [
    "an answer that came late",
    closedRun,
    (run) => {
      run.ledger.late = 1;
    },
    "messages-late suspect",
  ],
  [
    "one connection in 1,000 that failed",
    closedRun,
    (run) => {
      run.connections.established = run.connections.openAtEnd = 999;
      run.connections.failures = { timeout: 1 };
    },
    "connections-missing suspect",
  ],
  [
    "51 of 1,000 connections that failed",
    closedRun,
    (run) => {
      run.connections.established = run.connections.openAtEnd = 949;
      run.connections.failures = { timeout: 51 };
    },
    "connections-missing void",
  ],
  [
    "51 of 1,000 connections that ended",
    closedRun,
    (run) => {
      run.connections.openAtEnd = 949;
      run.connections.endings = { reset: 51 };
    },
    "connections-ended void",
  ],
  [
    "a message without a connection to go on",
    openRun,
    (run) => {
      run.ledger.scheduled += 1;
      run.ledger.unsent = 1;
    },
    "messages-unsent suspect",
  ],
  [
    "2% of the messages without a connection to go on",
    openRun,
    (run) => {
      run.ledger.scheduled += 4_900;
      run.ledger.unsent = 4_900;
    },
    "messages-unsent void",
  ],
  [
    "messages that vanish from the books",
    closedRun,
    (run) => {
      run.ledger.received -= 1;
    },
    "ledger-unbalanced void",
  ],
  [
    "messages that were due but neither sent nor unsent",
    openRun,
    (run) => {
      run.ledger.scheduled += 1;
    },
    "ledger-unbalanced void",
  ],
  [
    "a server that answers nine of ten messages a second",
    openRun,
    (run) => {
      run.receivedPerSecond = 18_000;
    },
    "queue-growing suspect",
  ],
  ["an echo lost in 1,000", closedRun, (run) => lose(run, 1_078), "messages-lost fault"],
  [
    "an echo corrupted",
    closedRun,
    (run) => {
      run.ledger.corrupted = 1;
    },
    "messages-corrupted fault",
  ],
  [
    "an echo duplicated",
    closedRun,
    (run) => {
      run.ledger.duplicated = 1;
    },
    "messages-duplicated fault",
  ],
  [
    "a frame that answers nothing",
    closedRun,
    (run) => {
      run.ledger.unexpected = 1;
    },
    "messages-unexpected fault",
  ],
  [
    "a text echoed as binary",
    closedRun,
    (run) => {
      run.ledger.wrongOpcode = 1;
    },
    "opcode-wrong fault",
  ],
  [
    "answers in another order",
    closedRun,
    (run) => {
      run.ledger.reordered = 1_000_000;
    },
    "messages-reordered note",
  ],
  [
    "a server whose cost was not measured",
    closedRun,
    (run) => {
      run.server = null;
    },
    "server-unseen note",
  ],
  [
    "a server that is not pinned",
    closedRun,
    (run) => {
      run.plan.serverCpus = null;
    },
    "cores-shared note",
  ],
  [
    "a server pinned to a generator's core",
    closedRun,
    (run) => {
      run.plan.serverCpus = [0, 1];
    },
    "cores-shared note",
  ],
  [
    "empty messages",
    closedRun,
    (run) => {
      run.scenario.payloadBytes = 0;
    },
    "order-unseen note",
  ],
  [
    "900 answers",
    closedRun,
    (run) => {
      run.latency.response = latencyOf(900, 9, 13);
    },
    "answers-few note",
  ],
];

for (const [title, run, change, expected] of SPOILED) {
  test(`${title}: ${expected}, and no other reason`, () => {
    assert.deepEqual(reasonsOf(changed(run(), change)), [expected]);
  });
}

function stall(maxStallMs: number): Change {
  return (run) => {
    run.generator[0]!.maxStallMs = maxStallMs;
  };
}

/** The run's length, asked for and measured. */
function last(windowMs: number): Change {
  return (run) => {
    run.scenario.durationMs = run.windowMs = windowMs;
  };
}

function rateOf(share: number): Change {
  return (run) => {
    run.sentPerSecond *= share;
    run.receivedPerSecond *= share;
  };
}

function lagOf(lagMs: number, responseMs: number): Change {
  return (run) => {
    run.latency.lag = latencyOf(20_000, lagMs, lagMs);
    run.latency.response = latencyOf(20_000, responseMs, responseMs);
  };
}

function machine(foreignCores: number, stealCores: number): Change {
  return (run) => {
    run.machine = { cores: 2, foreignCores, stealCores };
  };
}

function busy(busyShare: number): Change {
  return (run) => {
    run.generator[0]!.busyShare = busyShare;
  };
}

test("the kind is the worst severity of the reasons, a fault leaves it alone, and the worst reason comes first", () => {
  const run = closedRun();
  run.ledger.reordered = 5;
  lose(run, 1);
  assert.deepEqual(
    { ...judge(run), reasons: reasonsOf(run) },
    {
      kind: "valid",
      faulty: true,
      reasons: ["messages-lost fault", "messages-reordered note"],
    },
  );
  stall(200)(run);
  assert.equal(judge(run).kind, "suspect");
  machine(0, 0.4)(run);
  assert.equal(judge(run).kind, "void");
  const order: Severity[] = judge(run).reasons.map(({ severity }) => severity);
  assert.deepEqual(order, ["void", "suspect", "fault", "note"]);
});

function breakProtocol(run: Measured): void {
  run.connections.openAtEnd = 999;
  run.connections.endings = { "protocol: a masked frame from a server (RFC 6455, 5.1)": 1 };
}

test("a connection that had to be failed for a malformed frame is the server's fault", () => {
  assert.deepEqual(reasonsOf(changed(closedRun(), breakProtocol)), [
    "connections-ended suspect",
    "protocol-broken fault",
  ]);
});

test("every reason says what was seen and what to do, in sentences", () => {
  const seen = new Set<ReasonCode>();
  const runs = [
    ...SPOILED.map(([, run, change]) => judge(changed(run(), change))),
    judge(closedRun(), { interrupted: true, generatorFailures: ["process 1 was ended by SIGKILL"] }),
    judge(changed(closedRun(), deny({ refused: 1_000 }))),
    judge(changed(closedRun(), silence)),
    judge(changed(closedRun(), breakProtocol)),
    judge(changed(closedRun(), wantDeflate({ none: 1_000 }))),
    judge(changed(closedRun(), wantDeflate({ "permessage-deflate": 1_000 }))),
    judge(changed(closedRun(), endAll(1_000)), { serverEnded: true }),
    judge(changed(closedRun(), cutBeforeWindow), { interrupted: true }),
  ];
  for (const { reasons } of runs) {
    for (const { code, fact, remedy } of reasons) {
      seen.add(code);
      for (const text of [fact, remedy]) assert.match(text, /^[A-Zp\d<].*[.]$/, `${code}: ${text}`);
      assert.doesNotMatch(`${fact} ${remedy}`, /NaN|Infinity|undefined|null/, code);
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(REASONS).sort());
});

function deny(failures: Record<string, number>): Change {
  return (run) => {
    run.connections.established = run.connections.openAtEnd = 0;
    run.connections.failures = failures;
    for (const field of Object.keys(run.ledger) as (keyof typeof run.ledger)[]) run.ledger[field] = 0;
    run.sentPerSecond = run.receivedPerSecond = 0;
    run.latency = { response: null, service: null, lag: null, handshake: null, unanswered: 0 };
    run.server = null;
    run.plan.serverCpus = null;
    run.intervals = [];
  };
}

function silence(run: Measured): void {
  run.ledger.scheduled = run.ledger.sent = run.ledger.lost = 1_000;
  run.ledger.received = 0;
  run.receivedPerSecond = 0;
  run.latency.unanswered = run.latency.response!.count;
}

function wantDeflate(extensions: Record<string, number>): Change {
  return (run) => {
    run.scenario.deflate = true;
    run.connections.extensions = extensions;
  };
}

test("without a connection there is one reason, which names what the handshakes met and what cures it", () => {
  const remedies: readonly (readonly [failure: string, remedy: RegExp])[] = [
    ["refused", /nothing listens/],
    ["status 404", /path/],
    ["status 503", /full or draining/],
    ["timeout", /--connect-rate/],
    ["no open files left", /ulimit -n/],
    ["no source port left", /Ports ran out/],
    ["not HTTP", /No WebSocket server/],
    ["wrong Sec-WebSocket-Accept", /No WebSocket server/],
    ["an extension nobody offered", /RFC 6455/],
    ["something new", /Check the URL/],
  ];
  for (const [failure, remedy] of remedies) {
    const run = changed(closedRun(), deny({ [failure]: 990, reset: 10 }));
    assert.deepEqual(reasonsOf(run), ["no-connection void"]);
    const reason = reasonOf(run, "no-connection");
    assert.equal(reason.fact, `Of 1,000 handshakes: 990 × ${failure}, 10 × reset.`);
    assert.match(reason.remedy, remedy, failure);
  }
});

test("a server that accepts connections and never answers is void and at fault", () => {
  const run = changed(closedRun(), silence);
  assert.deepEqual(reasonsOf(run), ["nothing-answered void", "messages-lost fault"]);
  assert.match(reasonOf(run, "nothing-answered").fact, /^1,000 messages went out on 1,000 connections/);
});

test("answers only outside the window make the run void, with a longer window as the remedy", () => {
  const run = changed(closedRun(), ({ ledger }) => {
    ledger.scheduled = ledger.sent = ledger.received = 1_000;
  });
  run.receivedPerSecond = 0;
  assert.match(reasonOf(run, "nothing-answered").remedy, /--duration/);
});

test("a generator process that failed makes the run void, and its missing books and connections are not blamed again", () => {
  const run = closedRun();
  run.ledger.received -= 40_000;
  run.connections.openAtEnd = 500;
  const generatorFailures = ["Generator process 2 (pid 99) was ended by SIGKILL"];
  assert.deepEqual(reasonsOf(run, { generatorFailures }), ["generator-failed void"]);
  assert.equal(reasonOf(run, "generator-failed", { generatorFailures }).fact, `${generatorFailures[0]}.`);
});

test("an interrupted run is suspect and says how much was measured", () => {
  const run = closedRun();
  run.windowMs = 3_200;
  run.generator[0]!.userSeconds = run.generator[0]!.systemSeconds = 1;
  assert.deepEqual(reasonsOf(run, { interrupted: true }), ["interrupted suspect"]);
  assert.equal(reasonOf(run, "interrupted", { interrupted: true }).fact, "3.2 s of 10 s were measured.");
});

test("connections that the server closed are said to be closed by it, with its close code's remedy", () => {
  const run = closedRun();
  run.connections.openAtEnd = 993;
  run.connections.endings = { "close 1013 slow reader": 5, reset: 2 };
  const reason = reasonOf(run, "connections-ended");
  assert.equal(reason.severity, "suspect");
  assert.equal(
    reason.fact,
    "7 of 1,000 connections ended early (5 × close 1013 slow reader, 2 × reset). The server closed 5 of them.",
  );
  assert.match(reason.remedy, /overloaded/);
  run.connections.endings = { "close 1009": 7 };
  const { fact, remedy } = reasonOf(run, "connections-ended");
  assert.match(fact, /The server closed them\.$/);
  assert.match(remedy, /larger than the server allows/);
});

test("3% of connections missing and 3% ended are void together", () => {
  const run = closedRun();
  run.connections.established = 970;
  run.connections.openAtEnd = 940;
  run.connections.failures = { timeout: 30 };
  run.connections.endings = { reset: 30 };
  assert.deepEqual(reasonsOf(run), ["connections-ended void", "connections-missing suspect"]);
});

test("a stall too short for any quantile up to p99.9 of a long window is a note, and half a second of it suspect", () => {
  const soak = (maxStallMs: number) =>
    changed(closedRun(), (run) => {
      last(3_600_000)(run);
      run.generator[0]!.maxStallMs = maxStallMs;
    });
  assert.deepEqual(reasonsOf(soak(100)), ["generator-stalled note"]);
  assert.deepEqual(reasonsOf(soak(600)), ["generator-stalled suspect"]);
  assert.deepEqual(reasonsOf(soak(3_600)), ["generator-stalled void"]);
});

test("a generator that stood still while the window opened or closed is found by the window's length", () => {
  for (const [windowMs, severity] of [
    [9_050, "void"],
    [9_870, "suspect"],
    [10_700, "void"],
  ] as const) {
    const run = closedRun();
    run.windowMs = windowMs;
    run.generator[0]!.userSeconds = 1;
    assert.deepEqual(reasonsOf(run), [`generator-stalled ${severity}`]);
    assert.match(reasonOf(run, "generator-stalled").fact, /^The window was (9\.05|9\.87|10\.7) s long instead of 10 s/);
  }
});

test("in the shortest window the timer's own 10 ms are no stall", () => {
  const run = closedRun();
  last(100)(run);
  run.generator[0] = { ...GENERATOR, userSeconds: 0.02, systemSeconds: 0.06, maxStallMs: 25 };
  assert.deepEqual(reasonsOf(run), []);
});

test("a Poisson schedule may miss by chance what a fixed one may not", () => {
  const few = (arrivals: "fixed" | "exponential", sentPerSecond: number) =>
    changed(openRun(), (run) => {
      run.scenario = scenarioSchema.parse({ loop: { kind: "open", ratePerSecond: 100, arrivals } });
      run.sentPerSecond = run.receivedPerSecond = sentPerSecond;
    });
  assert.deepEqual(reasonsOf(few("fixed", 90)), ["rate-missed void"]);
  assert.deepEqual(reasonsOf(few("exponential", 90)), []);
  assert.deepEqual(reasonsOf(few("exponential", 85)), ["rate-missed void"]);
});

test("one message on the other side of the window's edge is no missed rate, even at ten messages", () => {
  const run = openRun();
  run.scenario = scenarioSchema.parse({ loop: { kind: "open", ratePerSecond: 1 } });
  last(10_000)(run);
  run.sentPerSecond = run.receivedPerSecond = 0.9;
  assert.deepEqual(reasonsOf(run), []);
});

test("a lag far below the response time spoils nothing: the server is the slow one", () => {
  assert.deepEqual(reasonsOf(changed(openRun(), lagOf(15, 2_000))), []);
  assert.deepEqual(reasonsOf(changed(openRun(), lagOf(1.9, 2))), []);
});

test("a lag that only p99.9 shows is a note", () => {
  const run = openRun();
  const tail = (p99Ns: number, p999Ns: number) => ({ ...latencyOf(20_000, 0.1, 0.5), p99Ns, p999Ns });
  run.latency.lag = tail(0.5e6, 20e6);
  run.latency.response = tail(3e6, 22e6);
  assert.deepEqual(reasonsOf(run), ["generator-lag note"]);
});

test("a server stopped for 2 s leaves the run valid: the lag stays small and the generator runs", () => {
  const run = openRun();
  run.latency.response = latencyOf(20_000, 0.2, 2_000);
  run.latency.service = latencyOf(20_000, 0.2, 2_000);
  assert.deepEqual(reasonsOf(run), []);
});

test("a generator stopped for 2 s is void for both of its marks", () => {
  const run = changed(openRun(), lagOf(1_850, 1_860));
  stall(2_004)(run);
  assert.deepEqual(reasonsOf(run), ["generator-stalled void", "generator-lag void"]);
  assert.match(
    reasonOf(run, "generator-stalled").fact,
    /^Process 4300 with 1,000 connections saw no event for 2\.00 s/,
  );
});

test("in closed loop a full generator before an idle server is suspect, before a nearly full one a note with the bound", () => {
  const run = changed(closedRun(), busy(0.97));
  run.server = { ...SERVER, cores: 0.88 };
  const note = reasonOf(run, "generator-saturated");
  assert.equal(note.severity, "note");
  assert.match(note.fact, /0\.88 of 1 core, so its ceiling is at most 1\.14 times/);
  run.server.cores = 0.6;
  const suspect = reasonOf(run, "generator-saturated");
  assert.equal(suspect.severity, "suspect");
  assert.match(suspect.fact, /^Its event loop was busy 97% of the time while .* at least 89,811 messages\/s/);
  run.server = null;
  assert.equal(reasonOf(run, "generator-saturated").severity, "suspect");
});

test("a server with more busy threads than cores could not have used more than its cores", () => {
  const run = changed(closedRun(), busy(0.97));
  run.server = { ...SERVER, cores: 0.9, busyThreads: 6 };
  assert.match(reasonOf(run, "generator-saturated").fact, /0\.90 of 1 core/);
  run.plan.serverCpus = null;
  assert.match(reasonOf(run, "generator-saturated").fact, /0\.90 of 2 cores/);
});

test("two generator processes that share a core are full together", () => {
  const run = closedRun();
  const half = { ...GENERATOR, connections: 500, userSeconds: 1.5, systemSeconds: 3.3, busyShare: 0.6 };
  run.generator = [half, { ...half, pid: 4_301 }];
  run.server = { ...SERVER, cores: 0.5 };
  assert.deepEqual(reasonsOf(run), ["generator-saturated suspect"]);
  assert.match(reasonOf(run, "generator-saturated").fact, /^The busiest process's core was busy 96% of the time/);
  run.generator[1]!.cpus = [2];
  assert.deepEqual(reasonsOf(run), []);
});

test("a pacer that spins uses its whole core without being full", () => {
  const run = openRun();
  run.plan.pacing = "spin";
  run.generator[0] = { ...GENERATOR, userSeconds: 6, systemSeconds: 4, busyShare: 0.31 };
  assert.deepEqual(reasonsOf(run), []);
  run.plan.pacing = "timer";
  assert.deepEqual(reasonsOf(run), ["generator-saturated suspect"]);
});

test("a loss above 1% makes the tail a lower bound and the run suspect; below it does not", () => {
  assert.equal(judge(changed(closedRun(), (run) => lose(run, 10_000))).kind, "valid");
  const run = changed(closedRun(), (run) => lose(run, 11_000));
  assert.deepEqual(reasonsOf(run), ["messages-lost suspect", "messages-lost fault"]);
  const window = changed(closedRun(), (run) => lose(run, 500));
  window.latency.unanswered = 500;
  assert.deepEqual(reasonsOf(window), ["messages-lost suspect", "messages-lost fault"]);
});

test("lost messages are not taken for a growing queue, nor are a hundred in flight", () => {
  const lossy = openRun();
  lose(lossy, 24_000);
  lossy.receivedPerSecond = 18_000;
  assert.ok(!reasonsOf(lossy).some((reason) => reason.startsWith("queue-growing")));
  const small = openRun();
  small.scenario = scenarioSchema.parse({ loop: { kind: "open", ratePerSecond: 100 } });
  small.sentPerSecond = 100;
  small.receivedPerSecond = 91;
  assert.deepEqual(reasonsOf(small), []);
});

test("deflate that was not agreed on by all is void, whether the handshake failed for it or not", () => {
  const agreed = "permessage-deflate; server_no_context_takeover";
  const full = changed(closedRun(), wantDeflate({ [agreed]: 1_000 }));
  full.ledger.compressed = full.ledger.received;
  assert.deepEqual(reasonsOf(full), []);
  full.ledger.compressed = full.ledger.received / 2;
  assert.deepEqual(reasonsOf(full), ["deflate-unused note"]);
  assert.equal(reasonOf(full, "deflate-unused").fact, "Only 50% of the answers were compressed.");
  full.ledger.compressed = 0;
  const { fact, remedy } = reasonOf(full, "deflate-unused");
  assert.equal(fact, "Of 1,078,312 answers none was compressed.");
  assert.match(remedy, /larger --payload .*512 bytes/);
  assert.deepEqual(reasonsOf(changed(closedRun(), wantDeflate({ [agreed]: 999, none: 1 }))), ["deflate-missing void"]);
  const refused = changed(closedRun(), wantDeflate({ none: 1_000 }));
  deny({ "permessage-deflate not negotiated": 1_000 })(refused);
  assert.deepEqual(reasonsOf(refused), ["no-connection void", "deflate-missing void"]);
});

test("one unexpected frame a connection is taken for a greeting", () => {
  const run = closedRun();
  run.ledger.unexpected = 1_000;
  assert.match(reasonOf(run, "messages-unexpected").remedy, /greet/);
  run.ledger.unexpected = 999;
  assert.doesNotMatch(reasonOf(run, "messages-unexpected").remedy, /greet/);
});

test("foreign load is judged by the size of the machine", () => {
  const large = (foreignCores: number) =>
    changed(closedRun(), (run) => {
      run.machine = { cores: 64, foreignCores, stealCores: 0 };
    });
  assert.deepEqual(reasonsOf(large(1)), []);
  assert.deepEqual(reasonsOf(large(2)), ["machine-busy note"]);
  assert.deepEqual(reasonsOf(large(5)), ["machine-busy suspect"]);
  assert.deepEqual(reasonsOf(large(33)), ["machine-busy void"]);
});

test("a server on this machine that was not found is not taken for a busy machine", () => {
  const run = changed(closedRun(), machine(0.95, 0));
  run.server = null;
  assert.deepEqual(reasonsOf(run), ["machine-busy note", "server-unseen note"]);
  assert.match(reasonOf(run, "machine-busy").fact, /the server among them/);
  for (const { remedy } of judge(run).reasons) assert.doesNotMatch(remedy, /--server-pid/, "it is Echolot's own");
  run.manifest.server.startedByUs = false;
  assert.match(reasonOf(run, "machine-busy").remedy, /--server-pid/);
});

test("a server on another machine shares no core, and its cost is unseen", () => {
  const run = closedRun();
  run.server = null;
  run.plan.serverCpus = null;
  run.manifest.server = { ...run.manifest.server, address: "192.0.2.7", startedByUs: false };
  assert.deepEqual(reasonsOf(run), ["server-unseen note"]);
  assert.match(reasonOf(run, "server-unseen").remedy, /server's machine/);
  run.manifest.server.address = "127.0.0.1";
  assert.deepEqual(reasonsOf(run), ["cores-shared note", "server-unseen note"]);
  assert.match(reasonOf(run, "server-unseen").remedy, /--server-pid/);
});

test("exactly at its threshold a figure is judged as the constants say", () => {
  const lost = (count: number) =>
    changed(closedRun(), (run) => {
      run.connections.established = run.connections.openAtEnd = 1_000 - count;
      run.connections.failures = { timeout: count };
    });
  assert.deepEqual(reasonsOf(lost(50)), ["connections-missing suspect"]);
  const ended = changed(closedRun(), (run) => {
    run.connections.openAtEnd = 950;
    run.connections.endings = { reset: 50 };
  });
  assert.deepEqual(reasonsOf(ended), ["connections-ended suspect"]);
  const flat = (lagNs: number, responseNs: number) =>
    changed(openRun(), ({ latency }) => {
      Object.assign(latency.lag!, { p99Ns: lagNs, p999Ns: lagNs });
      Object.assign(latency.response!, { p99Ns: responseNs, p999Ns: responseNs });
    });
  assert.deepEqual(reasonsOf(flat(10e6, 20e6)), ["generator-lag void"]);
  assert.deepEqual(reasonsOf(flat(2e6, 8e6)), ["generator-lag suspect"]);
  assert.deepEqual(reasonsOf(changed(closedRun(), machine(0, 0.05))), []);
  assert.deepEqual(reasonsOf(changed(closedRun(), machine(0.25, 0))), ["machine-busy note"]);
  assert.deepEqual(reasonsOf(changed(openRun(), busy(0.9))), ["generator-saturated suspect"]);
  assert.deepEqual(reasonsOf(changed(closedRun(), busy(0.899))), []);
  const bound = changed(closedRun(), busy(0.9));
  bound.server!.cores = 0.8;
  assert.deepEqual(reasonsOf(bound), ["generator-saturated note"]);
});

function cutBeforeWindow(run: Measured): void {
  run.windowMs = 0;
  run.sentPerSecond = run.receivedPerSecond = 0;
  run.latency = { response: null, service: null, lag: null, handshake: null, unanswered: 0 };
  run.generator[0]!.maxStallMs = 120;
}

test("a run cut short before its window is void for that alone, with no figure made up", () => {
  for (const run of [closedRun(), openRun()]) {
    cutBeforeWindow(run);
    run.server = null;
    assert.deepEqual(reasonsOf(run, { interrupted: true }), ["interrupted void"]);
    const { fact, remedy } = reasonOf(run, "interrupted", { interrupted: true });
    assert.equal(fact, "That was before its window of 10 s opened: nothing was measured.");
    assert.doesNotMatch(remedy, /longer/);
  }
});

test("a run cut short while it connects blames neither the connections that were still to come nor those that stood", () => {
  const run = changed(closedRun(), deny({ refused: 2 }));
  run.connections.established = 400;
  run.generator = [];
  assert.deepEqual(reasonsOf(run, { interrupted: true }), ["interrupted void", "connections-missing suspect"]);
  assert.match(reasonOf(run, "interrupted", { interrupted: true }).fact, /before its window/);
  assert.match(reasonOf(run, "connections-missing", { interrupted: true }).fact, /^2 of 1,000 connections failed/);
  run.connections.established = 0;
  assert.deepEqual(reasonsOf(run, { interrupted: true }), ["interrupted void", "no-connection void"]);
});

test("a window cut short without an answer in it is void, and a server that never answered is named", () => {
  const run = changed(closedRun(), silence);
  run.ledger.inFlight = run.ledger.lost;
  run.ledger.lost = 0;
  run.windowMs = 3_200;
  run.generator[0]!.userSeconds = run.generator[0]!.systemSeconds = 1;
  assert.deepEqual(reasonsOf(run, { interrupted: true }), ["interrupted void"]);
  const { fact, remedy } = reasonOf(run, "interrupted", { interrupted: true });
  assert.equal(fact, "3.2 s of 10 s were measured, and no message was answered in them.");
  assert.match(remedy, /echo endpoint/);
  run.ledger.received = 5;
  run.ledger.inFlight -= 5;
  assert.doesNotMatch(reasonOf(run, "interrupted", { interrupted: true }).remedy, /echo endpoint/);
});

/** Every connection ends after so many answers, and none is left for the window. */
function endAll(answered: number): Change {
  return (run) => {
    run.connections.openAtEnd = 0;
    run.connections.endings = { "close 1001": 1_000 };
    run.ledger.scheduled = run.ledger.sent = answered + 1_000;
    run.ledger.received = answered;
    run.ledger.lost = 1_000;
    run.sentPerSecond = run.receivedPerSecond = 0;
    run.latency = { response: null, service: null, lag: null, handshake: null, unanswered: 0 };
    run.intervals = run.intervals.map((interval) => ({ ...interval, sent: 0, received: 0, open: 0 }));
    run.server = null;
  };
}

test("where every connection ended before the window, their end is the reason, and not that nothing was answered", () => {
  const run = changed(closedRun(), endAll(5_000));
  assert.deepEqual(reasonsOf(run), ["connections-ended void", "messages-lost fault"]);
  assert.match(
    reasonOf(run, "connections-ended").fact,
    /\(1,000 × close 1001\)\. The server closed them\. None was left when the window opened\.$/,
  );
  run.intervals[0]!.open = 3;
  assert.match(reasonOf(run, "connections-ended").fact, /closed them\. No answer came within the window\.$/);
  const silent = changed(closedRun(), endAll(0));
  assert.deepEqual(reasonsOf(silent), ["connections-ended void", "messages-lost fault"]);
  assert.match(reasonOf(silent, "connections-ended").fact, /window opened\. Not one message was answered\.$/);
});

test("a run that is cut short after every connection ended is void for their end", () => {
  const run = changed(closedRun(), endAll(5_000));
  run.windowMs = 3_200;
  const [first, second] = reasonsOf(run, { interrupted: true });
  assert.deepEqual([first, second], ["connections-ended void", "interrupted suspect"]);
});

test("that nothing was answered ranks behind the many connections that ended, and leads where few did", () => {
  const run = changed(closedRun(), endAll(5_000));
  run.connections.openAtEnd = 940;
  run.connections.endings = { reset: 60 };
  assert.deepEqual(reasonsOf(run).slice(0, 2), ["connections-ended void", "nothing-answered void"]);
  assert.doesNotMatch(reasonOf(run, "nothing-answered").remedy, /longer/);
  run.connections.openAtEnd = 999;
  run.connections.endings = { reset: 1 };
  assert.deepEqual(reasonsOf(run).slice(0, 2), ["nothing-answered void", "connections-ended suspect"]);
  assert.match(reasonOf(run, "nothing-answered").remedy, /longer/);
});

test("a server whose process ended is said to have ended, and its own output is where to look", () => {
  const run = changed(closedRun(), endAll(5_000));
  run.machine = { cores: 2, foreignCores: 0.6, stealCores: 0 };
  const evidence = { serverEnded: true };
  assert.deepEqual(reasonsOf(run, evidence), [
    "connections-ended void",
    "messages-lost fault",
    "machine-busy note",
    "server-unseen note",
  ]);
  assert.match(reasonOf(run, "server-unseen", evidence).fact, /^The server's process ended during the run/);
  for (const code of ["connections-ended", "server-unseen"] as const)
    assert.match(reasonOf(run, code, evidence).remedy, /own output/);
  for (const { remedy } of judge(run, evidence).reasons) assert.doesNotMatch(remedy, /--server-pid/);
  const unanswered = changed(closedRun(), endAll(0));
  assert.ok(reasonsOf(unanswered, evidence).includes("server-unseen note"));
  const refused = changed(closedRun(), deny({ refused: 1_000 }));
  assert.match(reasonOf(refused, "no-connection", evidence).remedy, /own output/);
});

test("a lag is judged from a hundred messages on: of fewer p99 is the slowest one alone", () => {
  const few = (count: number) =>
    changed(openRun(), (run) => {
      run.latency.lag = latencyOf(count, 11, 12);
      run.latency.response = latencyOf(2_000, 11.5, 12.5);
    });
  assert.deepEqual(reasonsOf(few(2)), []);
  assert.deepEqual(reasonsOf(few(99)), []);
  assert.deepEqual(reasonsOf(few(100)), ["generator-lag void"]);
  const tail = (count: number) =>
    changed(openRun(), (run) => {
      run.latency.lag = { ...latencyOf(count, 0.1, 0.5), p999Ns: 20e6 };
      run.latency.response = { ...latencyOf(2_000, 0.2, 3), p999Ns: 22e6 };
    });
  assert.deepEqual(reasonsOf(tail(999)), []);
  assert.deepEqual(reasonsOf(tail(1_000)), ["generator-lag note"]);
});

test("a single message a second is one message", () => {
  const run = closedRun();
  run.generator[0]!.busyShare = 0.95;
  run.server = null;
  run.receivedPerSecond = 1;
  assert.match(reasonOf(run, "generator-saturated").fact, /at least 1 message\/s\.$/);
});

test("in open loop a refused run has one reason, too: no rate is missed where nothing could be sent", () => {
  assert.deepEqual(reasonsOf(changed(openRun(), deny({}))), ["no-connection void"]);
  assert.equal(
    reasonOf(changed(openRun(), deny({})), "no-connection").fact,
    "Of 1,000 handshakes: no handshake ended.",
  );
});

test("a machine that could not be looked at is not blamed", () => {
  const run = closedRun();
  run.machine = null;
  assert.deepEqual(reasonsOf(run), []);
});

test("more kinds of failures than a sentence holds are summed up", () => {
  const run = changed(closedRun(), deny({ refused: 990, timeout: 4, reset: 3, "status 503": 2, "not HTTP": 1 }));
  assert.equal(
    reasonOf(run, "no-connection").fact,
    "Of 1,000 handshakes: 990 × refused, 4 × timeout, 3 × reset, 3 × other.",
  );
});

test("a loss beside ended connections is explained by them, another by dropped sends", () => {
  const run = changed(closedRun(), (run) => lose(run, 3));
  assert.match(reasonOf(run, "messages-lost").remedy, /drops/);
  run.connections.openAtEnd = 999;
  run.connections.endings = { reset: 1 };
  assert.match(reasonOf(run, "messages-lost").remedy, /connections ended/);
  assert.doesNotMatch(reasonOf(run, "messages-lost").fact, /held back/);
});

test("a closed loop says that a loss held back its connection; an open loop has no such effect", () => {
  assert.match(
    reasonOf(
      changed(closedRun(), (run) => lose(run, 3)),
      "messages-lost",
    ).fact,
    /up to 10 s/,
  );
  assert.doesNotMatch(
    reasonOf(
      changed(openRun(), (run) => lose(run, 3)),
      "messages-lost",
    ).fact,
    /held back/,
  );
});

test("unpinned, server and generator that fill the machine are said to do so", () => {
  const run = closedRun();
  run.plan.serverCpus = null;
  run.server!.cores = 1.03;
  run.server!.busyThreads = 2;
  assert.match(
    reasonOf(run, "cores-shared").fact,
    /They used 1\.91 of 2 cores: the throughput is what both can do together\.$/,
  );
  run.server!.cores = 0.5;
  assert.match(reasonOf(run, "cores-shared").fact, /They used 1\.38 of 2 cores\.$/);
});

test("connections that are gone without a recorded ending are counted all the same", () => {
  const run = closedRun();
  run.connections.openAtEnd = 990;
  run.connections.endings = { reset: 4 };
  assert.match(reasonOf(run, "connections-ended").fact, /^10 of 1,000 connections ended early/);
});

test("a cost that was sampled over another time than the window is left out, and the run is suspect", () => {
  const run = closedRun();
  run.server = null;
  assert.deepEqual(reasonsOf(run, { meterLate: true }), ["server-unseen suspect"]);
});
