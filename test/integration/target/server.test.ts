import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { readAllowedCpus, readMachine } from "../../../bench/plan/machine.js";
import { sampleProcess } from "../../../bench/target/account.js";
import { processTree } from "../../../bench/target/listeners.js";
import { accepts } from "../../../bench/target/resolve.js";
import { type RunningServer, type ServerExit, startServer } from "../../../bench/target/server.js";
import { EcholotError } from "../../../cli/errors.js";

const LISTEN =
  "require('net').createServer((s) => s.on('error', () => {}).resume()).listen(+process.argv[1], '127.0.0.1')";

function node(script: string): { kind: "command"; words: string[] } {
  return { kind: "command", words: [process.execPath, "-e", script, "{port}"] };
}

async function whileRunning(server: RunningServer, use: () => Promise<void>): Promise<ServerExit> {
  try {
    await use();
  } finally {
    await server.stop();
  }
  return server.stop();
}

/** False for a zombie too: who takes in an orphan that has ended, and when, is the system's affair. */
function isRunning(pid: number): boolean {
  if (process.platform === "linux") return sampleProcess(pid) !== null;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function failsToStart(fact: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof EcholotError);
    assert.deepEqual([error.code, error.exitCode], ["TARGET_START_FAILED", 3]);
    assert.match(error.message, fact);
    return true;
  };
}

describe("a started server", () => {
  test("of our own is ready when it says so, tells of itself, and ends in order", async () => {
    const server = await startServer({ kind: "own", args: ["--heartbeat", "ping"] });
    const exit = await whileRunning(server, async () => {
      assert.ok(server.port > 0);
      assert.ok(await accepts(server.address, server.port, 1_000));
      assert.equal(server.details.heartbeat, "ping");
      assert.equal(server.details.port, undefined);
    });
    assert.equal(exit.reason, "exit code 0");
    assert.equal(isRunning(server.pid), false);
  });

  test("by a command is ready when its port accepts connections", async () => {
    const server = await startServer(node(`setTimeout(() => ${LISTEN}, 100)`));
    const exit = await whileRunning(server, async () => {
      assert.deepEqual(server.command.at(-1), String(server.port));
      assert.ok(await accepts("127.0.0.1", server.port, 1_000));
    });
    assert.deepEqual([exit.signal, exit.reason], ["SIGTERM", "SIGTERM"]);
  });

  test("is pinned under its own process id", {
    skip: readMachine().canPin ? false : "taskset (package util-linux) is missing",
  }, async () => {
    const cpu = readAllowedCpus("self")!.at(-1)!;
    const server = await startServer(node(LISTEN), { cpus: [cpu] });
    await whileRunning(server, async () => assert.deepEqual(readAllowedCpus(server.pid), [cpu]));
  });

  test("that does not end on SIGTERM is killed at the deadline", async () => {
    const server = await startServer(node(`process.on('SIGTERM', () => {}); ${LISTEN}`), { stopTimeoutMs: 200 });
    assert.equal((await server.stop()).signal, "SIGKILL");
  });

  test("takes with it what it started", {
    skip: process.platform === "linux" ? false : "found through /proc",
  }, async () => {
    const words = ["sh", "-c", `"$0" -e "$1" "$2"; true`, process.execPath, LISTEN, "{port}"];
    const server = await startServer({ kind: "command", words });
    let pids: number[] = [];
    await whileRunning(server, async () => {
      pids = processTree([server.pid]);
      assert.equal(pids.length, 2);
    });
    assert.deepEqual(pids.map(isRunning), [false, false]);
    assert.equal(await accepts("127.0.0.1", server.port, 1_000), false);
  });

  test("that says much is not held up by it", async () => {
    const server = await startServer(
      node(`process.on('SIGTERM', () => process.stdout.write('x'.repeat(1e7), () => process.exit(3))); ${LISTEN}`),
    );
    assert.equal((await server.stop()).code, 3);
  });

  test("that ends by itself is reported once, with its last words", async () => {
    let report: (exit: ServerExit) => void = () => {};
    const reported = new Promise<ServerExit>((resolve) => {
      report = resolve;
    });
    const script = `${LISTEN}.on('connection', () => setTimeout(() => { console.error('out of luck'); process.exit(7); }, 50))`;
    const server = await startServer(node(script), { onExit: (exit) => report(exit) });
    const exit = await reported;
    assert.deepEqual([exit.code, exit.reason, exit.lastLines], [7, "exit code 7", ["out of luck"]]);
    assert.deepEqual(await server.stop(), exit);
  });

  test("that is stopped is not reported as gone", async () => {
    const server = await startServer(node(LISTEN), { onExit: () => assert.fail("it was asked to end") });
    await server.stop();
  });
});

describe("a server fails to start", () => {
  test("when it ends, and its last lines say why", async () => {
    const script = "for (let i = 1; i <= 12; i++) console.error('line ' + i); process.exit(4)";
    await assert.rejects(
      startServer(node(script)),
      failsToStart(/^the server ended before it was ready \(exit code 4\); it said:\n {2}line 3\n(.*\n)*? {2}line 12$/),
    );
  });

  test("when the program does not exist", async () => {
    await assert.rejects(
      startServer({ kind: "command", words: ["no-such-program-here", "{port}"] }),
      failsToStart(/no-such-program-here/),
    );
  });

  test("when it is not ready in time, and is ended", async () => {
    const script = "console.log('pid ' + process.pid); setInterval(() => {}, 1000)";
    let pid = 0;
    await assert.rejects(startServer(node(script), { startTimeoutMs: 1_000 }), (error) => {
      failsToStart(/was not ready after 1000 ms; it said:\n {2}pid \d+$/)(error);
      pid = Number(/pid (\d+)/.exec((error as Error).message)![1]);
      return true;
    });
    assert.equal(isRunning(pid), false);
  });

  test("when our own server refuses its options", async () => {
    await assert.rejects(startServer({ kind: "own", args: ["--heartbeat", "never"] }), failsToStart(/--heartbeat/));
  });

  test("when another program has the port", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    try {
      await assert.rejects(
        startServer({ kind: "command", words: ["true"], port }),
        failsToStart(new RegExp(`^another program accepts connections on 127.0.0.1 port ${port} already$`)),
      );
    } finally {
      other.close();
    }
  });

  test("when nothing tells it its port", async () => {
    await assert.rejects(startServer({ kind: "command", words: ["true"] }), failsToStart(/does not say which port/));
  });
});

describe("a server does not outlive the program that started it", () => {
  const module = new URL("../../../bench/target/server.js", import.meta.url).href;

  /** Starts a program that starts a server, ends the program in some way, and returns once the server is gone. */
  async function endParent(
    end: string,
    signal?: NodeJS.Signals,
  ): Promise<{ code: number | null; signal: string | null }> {
    const script = `
      const { startServer } = await import(${JSON.stringify(module)});
      const server = await startServer(${JSON.stringify(node(LISTEN))});
      process.stdout.write(server.pid + "\\n");
      ${end}`;
    const program = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = once(program, "exit");
    const [line] = (await once(createInterface({ input: program.stdout }), "line")) as [string];
    const pid = Number(line);
    if (signal !== undefined) program.kill(signal);
    const [code, endSignal] = (await exited) as [number | null, string | null];
    for (let turns = 0; isRunning(pid) && turns < 500; turns++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(isRunning(pid), false);
    return { code, signal: endSignal };
  }

  test("when that exits without stopping it", async () => {
    assert.deepEqual(await endParent("process.exit(5);"), { code: 5, signal: null });
  });

  test("when that throws", async () => {
    assert.equal((await endParent("setImmediate(() => { throw new Error('thrown'); });")).code, 1);
  });

  test("when that gets a signal, which still ends it", async () => {
    assert.deepEqual(await endParent("", "SIGINT"), { code: null, signal: "SIGINT" });
    assert.deepEqual(await endParent("", "SIGTERM"), { code: null, signal: "SIGTERM" });
  });

  test("and a handler of the program's own winds it up instead", async () => {
    const end =
      "process.on('SIGTERM', async () => { const { reason } = await server.stop(); process.exit(reason === 'SIGTERM' ? 9 : 1); });process.stdout.write('')";
    assert.deepEqual(await endParent(end, "SIGTERM"), { code: 9, signal: null });
  });

  test("when that is killed", {
    skip: process.platform === "linux" ? false : "needs a signal at the parent's death",
  }, async () => {
    assert.deepEqual(await endParent("", "SIGKILL"), { code: null, signal: "SIGKILL" });
  });
});
