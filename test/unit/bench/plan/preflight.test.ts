import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Machine } from "../../../../bench/plan/machine.js";
import { planRun } from "../../../../bench/plan/preflight.js";
import type { PlanOptions, PlanTarget } from "../../../../bench/plan/request.js";
import type { Scenario } from "../../../../bench/scenario/scenario.js";
import { EcholotError } from "../../../../cli/errors.js";
import { cores, foundServer, mac, machine, openLoop, ourServer, remoteServer, scenario } from "./cases.js";

describe("a plan", () => {
  test("on two cores has the server on the first and one generator process on the second", () => {
    assert.deepEqual(planRun(scenario(), ourServer(), machine()), {
      workers: [{ index: 0, connections: 1_000, localAddresses: [], cpus: [1] }],
      serverCpus: [0],
      pacing: "timer",
      openFilesLimit: 20_000,
      notes: [],
    });
  });

  test("on one core pins nothing, paces by timers and says why", () => {
    const plan = planRun(openLoop(1_000), ourServer(), machine({ cores: [[0]] }));
    assert.deepEqual([plan.serverCpus, plan.workers.map(({ cpus }) => cpus), plan.pacing], [null, [null], "timer"]);
    assert.match(plan.notes.join("\n"), /share one CPU/);
    assert.match(plan.notes.join("\n"), /paced by timers/);
  });

  test("without taskset pins nothing and names the package", () => {
    const plan = planRun(openLoop(1_000), ourServer(), machine({ canPin: false }));
    assert.deepEqual([plan.serverCpus, plan.workers[0]!.cpus, plan.pacing], [null, null, "timer"]);
    assert.match(plan.notes[0]!, /`taskset` \(package util-linux\)/);
  });

  test("on a Mac works with what is known and says what is not done", () => {
    const plan = planRun(scenario({ connections: 2_000 }), ourServer(), mac());
    assert.deepEqual(
      plan.workers.map(({ connections, cpus }) => [connections, cpus]),
      [500, 500, 500, 500].map((connections) => [connections, null]),
    );
    assert.deepEqual(plan.notes, [
      "On darwin nothing is pinned and the server's cost is not measured; both need Linux.",
    ]);
    assert.equal(plan.openFilesLimit, null);
  });

  test("leaves a server that somebody else started where it is", () => {
    const plan = planRun(scenario(), foundServer(), machine());
    assert.deepEqual([plan.serverCpus, plan.workers[0]!.cpus], [null, null]);
    assert.match(plan.notes[0]!, /not moved.*taskset -c 0/);
  });
});

describe("the number of generator processes", () => {
  const rows: [title: string, s: Scenario, t: PlanTarget, m: Machine, o: PlanOptions, expected: number[]][] = [
    [
      "is one for few connections",
      scenario({ connections: 400 }),
      ourServer(),
      machine({ cores: cores(8) }),
      {},
      [400],
    ],
    [
      "is two a server core at the most",
      scenario({ connections: 9_001 }),
      ourServer(),
      machine({ cores: cores(8) }),
      {},
      [4_501, 4_500],
    ],
    [
      "follows the cores given to the server",
      scenario({ connections: 4_000 }),
      ourServer(),
      machine({ cores: cores(8) }),
      { serverCores: 2 },
      [1_000, 1_000, 1_000, 1_000],
    ],
    [
      "is one for each core kept for them when the server is remote",
      scenario({ connections: 3_000 }),
      remoteServer(),
      machine({ cores: cores(4) }),
      {},
      [1_000, 1_000, 1_000],
    ],
    [
      "grows with the rate, also on few connections",
      openLoop(120_000, { connections: 10 }),
      remoteServer(),
      machine({ cores: cores(8) }),
      {},
      [4, 3, 3],
    ],
    [
      "is at least what the open files ask for, beyond the cores",
      scenario({ connections: 30_000 }),
      foundServer(),
      machine(),
      {},
      [15_000, 15_000],
    ],
    [
      "is what the caller says",
      scenario({ connections: 1_000 }),
      ourServer(),
      machine(),
      { workers: 3 },
      [334, 333, 333],
    ],
    [
      "is never more than there are connections",
      scenario({ connections: 2 }),
      ourServer(),
      machine(),
      { workers: 5 },
      [1, 1],
    ],
    [
      "is half of the cores when a server on this machine is not pinned",
      scenario({ connections: 4_000 }),
      foundServer({ serverCpus: [0, 1, 2, 3] }),
      machine({ cores: cores(4) }),
      {},
      [2_000, 2_000],
    ],
    [
      "counts on the whole CPUs of a cgroup only",
      scenario({ connections: 4_000 }),
      remoteServer(),
      machine({ cores: cores(16), cpuQuotaCores: 2.5 }),
      {},
      [4_000],
    ],
  ];
  for (const [title, s, t, m, o, expected] of rows) {
    test(title, () => {
      assert.deepEqual(
        planRun(s, t, m, o).workers.map(({ connections }) => connections),
        expected,
      );
    });
  }

  test("leaves a core to each while they last, and all cores to all beyond that", () => {
    const cpusOf = (workers: number) =>
      planRun(scenario(), ourServer(), machine({ cores: cores(4) }), { workers }).workers.map(({ cpus }) => cpus);
    assert.deepEqual(cpusOf(3), [[1], [2], [3]]);
    assert.deepEqual(cpusOf(4), [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });
});

describe("pacing", () => {
  const rows: [title: string, s: Scenario, m: Machine, o: PlanOptions, expected: "spin" | "timer"][] = [
    ["polls the clock in an open loop with a core for each process", openLoop(1_000), machine(), {}, "spin"],
    ["uses timers in a closed loop", scenario({ pacing: "spin" }), machine(), {}, "timer"],
    ["uses timers where processes share a core", openLoop(1_000), machine(), { workers: 2 }, "timer"],
    ["uses timers where pinning is off", openLoop(1_000), machine(), { pin: "off" }, "timer"],
    [
      "uses timers where a cgroup limits the CPU time",
      openLoop(1_000),
      machine({ cores: cores(4), cpuQuotaCores: 3 }),
      {},
      "timer",
    ],
    ["uses timers when asked", openLoop(1_000, { pacing: "timer" }), machine(), {}, "timer"],
    [
      "polls the clock when asked, also on shared cores",
      openLoop(1_000, { pacing: "spin" }),
      machine({ cores: [[0]] }),
      {},
      "spin",
    ],
  ];
  for (const [title, s, m, o, expected] of rows) {
    test(title, () => assert.equal(planRun(s, ourServer(), m, o).pacing, expected));
  }

  test("says so when it polls the clock on cores that others need", () => {
    const plan = planRun(openLoop(1_000, { pacing: "spin" }), ourServer(), machine(), { pin: "off" });
    assert.match(plan.notes.join("\n"), /polls the clock as asked, on cores that others need/);
  });
});

describe("a plan is impossible", () => {
  const rows: [title: string, s: Scenario, t: PlanTarget, m: Machine, o: PlanOptions, fact: RegExp, remedy: RegExp][] =
    [
      [
        "when our own server cannot hold the connections",
        scenario({ connections: 20_000 }),
        ourServer(),
        machine(),
        {},
        /^the server may hold 20,000 files open, too few for 20,000 connections$/,
        /^Raise the hard limit with `ulimit -Hn NUMBER`.*LimitNOFILE=/,
      ],
      [
        "when the server found cannot",
        scenario({ connections: 1_000 }),
        foundServer({ serverOpenFiles: 1_024 }),
        machine(),
        {},
        /^the server may hold 1,024 files open, too few for 1,000 connections$/,
        /^Restart the server with a higher limit/,
      ],
      [
        "when the processes asked for cannot hold the connections",
        scenario({ connections: 50_000 }),
        foundServer(),
        machine(),
        { workers: 2 },
        /^50,000 connections from 2 generator processes need more than the 20,000 open files/,
        /^Allow 3 generator processes\. Raise/,
      ],
      [
        "when a process may open next to nothing",
        scenario({ connections: 10 }),
        remoteServer(),
        machine({ openFilesLimit: 64 }),
        {},
        /^a process may hold 64 files open/,
        /LimitNOFILE/,
      ],
      [
        "when one address lacks ports for a remote server",
        scenario({ connections: 28_233 }),
        remoteServer(),
        machine(),
        {},
        /^28,233 connections from 1 source address to one port need more than the 28,232 ports .*32768 to 60999/,
        /sysctl -w net\.ipv4\.ip_local_port_range="1024 65535".*give more source addresses/,
      ],
      [
        "when the server is on the one IPv6 loopback address",
        scenario({ connections: 28_233 }),
        foundServer({ address: "::1" }),
        machine(),
        {},
        /28,233 connections from 1 source address/,
        /IPv4 loopback address/,
      ],
      [
        "when a source address is of another family",
        scenario(),
        remoteServer(),
        machine(),
        { localAddresses: ["192.0.2.1", "2001:db8::1"] },
        /^2001:db8::1 cannot be the source of a connection to 192\.0\.2\.7$/,
        /IPv4 or IPv6/,
      ],
      [
        "when memory is short",
        scenario({ connections: 100_000 }),
        foundServer(),
        machine({ availableMemoryBytes: 2 ** 30 }),
        {},
        /^100,000 connections and the messages under way on them need at least 1,568 MiB of memory, and 1,024 MiB/,
        /fewer connections/,
      ],
      [
        "when messages under way fill the memory",
        scenario({ connections: 1_000, payloadBytes: 16 << 20, loop: { kind: "closed", inFlight: 1 } }),
        foundServer(),
        machine(),
        {},
        /need at least 16,076 MiB/,
        /smaller messages/,
      ],
      [
        "when the server is given every core",
        scenario(),
        ourServer(),
        machine(),
        { serverCores: 2 },
        /^2 cores for the server leave none of 2 for the generator$/,
        /Give the server 1 at the most/,
      ],
    ];
  for (const [title, s, t, m, o, fact, remedy] of rows) {
    test(title, () => {
      assert.throws(
        () => planRun(s, t, m, o),
        (error) => {
          assert.ok(error instanceof EcholotError);
          assert.equal(error.code, "PLAN_IMPOSSIBLE");
          assert.match(error.message, fact);
          assert.match(error.remedy, remedy);
          return true;
        },
      );
    });
  }

  test("and names all that is missing at once, each remedy once", () => {
    assert.throws(
      () => planRun(scenario({ connections: 60_000 }), ourServer({ address: "::1" }), machine(), { workers: 1 }),
      (error) => {
        assert.ok(error instanceof EcholotError);
        assert.equal(error.message.split("; ").length, 3);
        assert.match(error.message, /generator process need.*the server may hold.*source address/);
        return true;
      },
    );
  });

  test("at one connection more than the limit, and not at the limit", () => {
    const atLimit = (connections: number) => () => planRun(scenario({ connections }), ourServer(), machine());
    assert.doesNotThrow(atLimit(19_900));
    assert.throws(atLimit(19_901), /too few for 19,901 connections/);
  });
});

describe("a plan notes", () => {
  test("messages under way that TCP may drop", () => {
    const plan = planRun(scenario({ connections: 1_000, payloadBytes: 2 << 20 }), ourServer(), machine());
    assert.match(plan.notes[0]!, /2,000 MiB of messages are under way.*hold 2,048 MiB.*tcp_mem/);
  });

  test("a packet filter that follows fewer connections than asked for", () => {
    const noted = (connections: number) =>
      planRun(scenario({ connections }), foundServer(), machine({ conntrackLimit: 65_536 })).notes.some((note) =>
        note.includes("nf_conntrack_max"),
      );
    assert.deepEqual([noted(52_000), noted(53_000)], [false, true]);
  });
});
