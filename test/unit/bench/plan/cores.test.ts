import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { layOutCores } from "../../../../bench/plan/cores.js";
import type { Machine } from "../../../../bench/plan/machine.js";
import type { PlanOptions, PlanTarget } from "../../../../bench/plan/request.js";
import { cores, foundServer, machine, ourServer, remoteServer } from "./cases.js";

/** Two hardware threads a core, numbered as most machines with several cores do. */
const FOUR_CORES_EIGHT_THREADS = [
  [0, 4],
  [1, 5],
  [2, 6],
  [3, 7],
];

describe("the layout of cores", () => {
  const rows: [
    title: string,
    target: PlanTarget,
    machine: Machine,
    options: PlanOptions,
    server: number[] | null,
    generator: number[] | null,
    generatorCores: number,
  ][] = [
    [
      "gives our server the first core and generators the others",
      ourServer(),
      machine({ cores: cores(4) }),
      {},
      [0],
      [1, 2, 3],
      3,
    ],
    [
      "gives our server as many as asked",
      ourServer(),
      machine({ cores: cores(4) }),
      { serverCores: 2 },
      [0, 1],
      [2, 3],
      2,
    ],
    [
      "uses one hardware thread of each core",
      ourServer(),
      machine({ cores: FOUR_CORES_EIGHT_THREADS }),
      {},
      [0],
      [1, 2, 3],
      3,
    ],
    ["uses both hardware threads of an only core", ourServer(), machine({ cores: [[0, 1]] }), {}, [0], [1], 1],
    [
      "uses only the CPUs that this process may use",
      ourServer(),
      machine({ cores: [[2], [5]], cpuCount: 8 }),
      {},
      [2],
      [5],
      1,
    ],
    [
      "keeps the first core free when the server is remote",
      remoteServer(),
      machine({ cores: cores(4) }),
      {},
      null,
      [1, 2, 3],
      3,
    ],
    ["pins nothing for a remote server on one core", remoteServer(), machine({ cores: cores(1) }), {}, null, null, 1],
    [
      "keeps clear of a server that is pinned",
      foundServer({ serverCpus: [2] }),
      machine({ cores: cores(4) }),
      {},
      [2],
      [0, 1, 3],
      3,
    ],
    [
      "keeps clear of the whole core of a server that is pinned",
      foundServer({ serverCpus: [4] }),
      machine({ cores: FOUR_CORES_EIGHT_THREADS }),
      {},
      [4],
      [1, 2, 3],
      3,
    ],
    [
      "uses the other hardware thread where there is nothing else",
      foundServer({ serverCpus: [0] }),
      machine({ cores: [[0, 1]] }),
      {},
      [0],
      [1],
      1,
    ],
    [
      "sees that this program and the server have been pinned apart",
      foundServer({ serverCpus: [0] }),
      machine({ cores: [[1]], cpuCount: 2 }),
      {},
      [0],
      [1],
      1,
    ],
    ["pins nothing beside a server that may use every core", foundServer(), machine(), {}, null, null, 1],
    [
      "pins nothing beside a server that was not found",
      foundServer({ serverPids: [], serverCpus: null }),
      machine(),
      {},
      null,
      null,
      1,
    ],
    ["pins nothing when told so", ourServer(), machine({ cores: cores(4) }), { pin: "off" }, null, null, 2],
    [
      "stays within the CPU time of a cgroup",
      ourServer(),
      machine({ cores: cores(16), cpuQuotaCores: 3.5 }),
      {},
      [0],
      [1, 2],
      2,
    ],
    [
      "pins nothing with the CPU time of one",
      ourServer(),
      machine({ cores: cores(16), cpuQuotaCores: 1 }),
      {},
      null,
      null,
      1,
    ],
  ];
  for (const [title, target, on, options, server, generator, generatorCores] of rows) {
    test(title, () => {
      const layout = layOutCores(target, on, options);
      assert.deepEqual(
        [layout.serverCpus, layout.generatorCpus, layout.generatorCores, layout.problems],
        [server, generator, generatorCores, []],
      );
    });
  }

  const notes: [title: string, target: PlanTarget, machine: Machine, options: PlanOptions, note: RegExp | null][] = [
    ["nothing where server and generator have cores of their own", ourServer(), machine(), {}, null],
    ["nothing of pinning being off for a remote server", remoteServer(), machine(), { pin: "off" }, null],
    ["that pinning is off", ourServer(), machine(), { pin: "off" }, /^Pinning is off/],
    [
      "two hardware threads of one core",
      ourServer(),
      machine({ cores: [[0, 1]] }),
      {},
      /^CPUs 0 and 1 are hardware threads/,
    ],
    ["a server that was not found", foundServer({ serverCpus: null }), machine(), {}, /was not found/],
    [
      "a cgroup's limit",
      remoteServer(),
      machine({ cores: cores(4), cpuQuotaCores: 1.5 }),
      {},
      /time of 1\.5 of 4 CPUs/,
    ],
    [
      "one CPU rather than its consequences",
      foundServer(),
      machine({ cores: [[0]], canPin: true }),
      {},
      /share one CPU/,
    ],
  ];
  for (const [title, target, on, options, note] of notes) {
    test(`notes ${title}`, () => {
      const layout = layOutCores(target, on, options);
      assert.equal(layout.notes.length, note === null ? 0 : 1);
      if (note !== null) assert.match(layout.notes[0]!, note);
    });
  }
});
