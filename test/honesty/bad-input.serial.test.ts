import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../bench/index.js";
import { startEcholot } from "../tools/echolot.js";
import { ECHOLOT } from "../tools/paths.js";
import { type Exit, freePort, type Running, type Scope, startProcess } from "../tools/process.js";
import { startLiar } from "./drive.js";

/** Short enough that a hang shows: whatever the input, the command ends by itself within its own time-outs. */
const BRIEF = ["--connections", "20", "--warmup", "100ms", "--duration", "600ms"];
const TIMEOUTS = ["--connect-timeout", "500ms", "--message-timeout", "500ms"];
/** A command that has not ended by then hangs. */
const HANG_MS = 30_000;

interface Run {
  readonly exit: Exit;
  readonly report: string;
  readonly errors: string;
  /** The saved result; null where none was. */
  readonly saved: Result | null;
}

class Command {
  readonly process: Running;
  readonly #resultsDir: string;

  private constructor(process: Running, resultsDir: string) {
    this.process = process;
    this.#resultsDir = resultsDir;
  }

  static async start(scope: Scope, args: readonly string[]): Promise<Command> {
    const resultsDir = await mkdtemp(join(tmpdir(), "echolot-bad-input-"));
    scope.after(() => rm(resultsDir, { recursive: true, force: true }));
    const all = [ECHOLOT, "load", ...BRIEF, ...TIMEOUTS, "--results-dir", resultsDir, ...args];
    return new Command(await startProcess(scope, process.execPath, all), resultsDir);
  }

  async end(): Promise<Run> {
    const hang = new AbortController();
    const timer = setTimeout(() => hang.abort(), HANG_MS);
    const exit = await Promise.race([
      this.process.exit,
      new Promise<never>((_, reject) => {
        hang.signal.addEventListener("abort", () =>
          reject(new Error(`it hangs; it printed:\n${this.process.output()}`)),
        );
      }),
    ]);
    clearTimeout(timer);
    const report = this.process.stdout.join("\n");
    const errors = this.process.stderr.join("\n");
    assert.doesNotMatch(`${report}\n${errors}`, /^\s+at .*:\d+:\d+\)?$/m, "no stack trace");
    assert.equal(exit.signal, null);
    return { exit, report, errors, saved: await this.#readSaved() };
  }

  async #readSaved(): Promise<Result | null> {
    const [run] = await readdir(this.#resultsDir);
    if (run === undefined) return null;
    return JSON.parse(await readFile(join(this.#resultsDir, run, "result.json"), "utf8")) as Result;
  }
}

async function runLoad(t: TestContext, ...args: string[]): Promise<Run> {
  return (await Command.start(t, args)).end();
}

/** The report is a void one and shows no latency; the words may break anywhere over lines. */
function assertVoid({ exit, report, saved }: Run, ...words: RegExp[]): void {
  assert.equal(exit.code, 3, report);
  const flat = report.replace(/\s+/g, " ");
  assert.match(flat, /VOID/);
  for (const word of words) assert.match(flat, word);
  assert.doesNotMatch(flat, /p99 \d/, "figures of a void run are not shown");
  assert.equal(saved?.verdict.kind, "void");
}

function assertUsage({ exit, report, errors, saved }: Run, ...words: RegExp[]): void {
  assert.equal(exit.code, 2, errors);
  for (const word of words) assert.match(errors, word);
  assert.equal(report, "");
  assert.equal(saved, null);
}

test("no server at all makes a void run, in either loop", async (t) => {
  const url = `ws://127.0.0.1:${await freePort()}/ws`;
  for (const loop of [[], ["--rate", "1000"]]) {
    const run = await runLoad(t, url, ...loop);
    assertVoid(run, /No connection was established/i, /refused/, /nothing listens there/);
    assert.deepEqual(run.saved?.connections.failures, { refused: 20 });
  }
});

test("a name without an address is an error that names it", async (t) => {
  const run = await runLoad(t, "ws://no-such-host.invalid/ws");
  assert.equal(run.exit.code, 3);
  assert.match(run.errors, /TARGET_UNRESOLVED.*no-such-host\.invalid/);
  assert.equal(run.report, "");
});

test("a target that is no WebSocket URL is an error of usage", async (t) => {
  assertUsage(await runLoad(t, "http://127.0.0.1/"), /TARGET_INVALID.*http/, /ws:\/\/127\.0\.0\.1\//);
  assertUsage(await runLoad(t, "nonsense"), /TARGET_INVALID.*nonsense/);
});

test("an option that does not exist, or two that exclude each other, are errors of usage", async (t) => {
  assertUsage(await runLoad(t, "--conections", "5"), /OPTION_UNKNOWN.*conections/, /--connections/);
  assertUsage(await runLoad(t, "--rate", "100", "--in-flight", "3"), /OPTION_CONFLICT/);
  assertUsage(await runLoad(t, "--rate", "fast"), /OPTION_INVALID.*rate.*fast/);
});

test("a wrong path is a void run that says so", async (t) => {
  const { port } = await startEcholot(t);
  const run = await runLoad(t, `ws://127.0.0.1:${port}/nope`);
  assertVoid(run, /status 404/, /path/);
  assert.deepEqual(run.saved?.connections.failures, { "status 404": 20 });
});

test("a refused handshake is a void run with the status", async (t) => {
  const { url } = await startLiar(t, ["--upgrade", "503"]);
  assertVoid(await runLoad(t, url), /status 503/);
});

test("a server that never answers the handshake is a void run after the time-out", async (t) => {
  const { url } = await startLiar(t, ["--upgrade", "never"]);
  const run = await runLoad(t, url);
  assertVoid(run, /No connection was established/i, /timeout/);
});

test("a server that stands still before the handshake is a void run after the time-out", async (t) => {
  const { url, server } = await startLiar(t);
  process.kill(server.pid, "SIGSTOP");
  assertVoid(await runLoad(t, url), /timeout/);
});

test("a server that never answers a message is a void run, in either loop", async (t) => {
  const { url } = await startLiar(t, ["--mute"]);
  for (const loop of [[], ["--rate", "1000"]]) {
    const run = await runLoad(t, url, ...loop);
    assertVoid(run, /no answer came/);
    assert.equal(run.saved?.ledger.received, 0);
    assert.equal(run.saved?.ledger.lost, run.saved?.ledger.sent);
  }
});

test("a server that is no WebSocket server is named as such", async (t) => {
  const { url } = await startLiar(t, ["--upgrade", "200"]);
  assertVoid(await runLoad(t, url), /status 200/);
});

for (const loop of [[], ["--rate", "2000"]]) {
  test(`a server killed in mid-run makes a void run (${loop.join(" ") || "closed loop"})`, async (t) => {
    const { url, server } = await startLiar(t, ["--busy-after", "1000"]);
    const command = await Command.start(t, [url, ...loop, "--duration", "2s"]);
    await server.waitForLine(/^busy$/);
    await server.stop("SIGKILL");
    const run = await command.end();
    assertVoid(run, /ended/i, /20 of 20 connections/);
    const { ledger, connections } = run.saved!;
    assert.equal(ledger.sent, ledger.received + ledger.lost);
    assert.ok(ledger.received > 0);
    assert.equal(connections.openAtEnd, 0);
  });
}

test("a server that loses messages fails the run with exit code 1", async (t) => {
  const { url } = await startLiar(t, ["--drop", "500"]);
  const run = await runLoad(t, url);
  assert.equal(run.exit.code, run.saved?.verdict.kind === "void" ? 3 : 1, "a void verdict goes before a fault");
  assert.match(run.report.replace(/\s+/g, " "), /never answered/);
  assert.equal(run.saved?.verdict.faulty, true);
});

test("an interrupt ends the run, reports it as cut short, and saves it", async (t) => {
  const { url, server } = await startLiar(t, ["--busy-after", "1000"]);
  const command = await Command.start(t, [url, "--duration", "60s", "--rate", "1000"]);
  await server.waitForLine(/^busy$/);
  process.kill(command.process.pid, "SIGINT");
  const run = await command.end();
  assert.ok(run.saved !== null, run.errors);
  assert.ok(run.saved.verdict.reasons.some(({ code }) => code === "interrupted"));
  assert.match(run.report, /cut short/);
});

test("an interrupt ends a run that still connects", async (t) => {
  const { url } = await startLiar(t, ["--upgrade", "never"]);
  const command = await Command.start(t, [url, "--connect-timeout", "60s"]);
  await command.process.waitForLine(/connections to 127\.0\.0\.1/);
  process.kill(command.process.pid, "SIGINT");
  const run = await command.end();
  assertVoid(run, /No connection was established/i);
});

test("an interrupt that comes while the own server still starts ends the run, too", async (t) => {
  const command = await Command.start(t, ["--duration", "60s"]);
  await command.process.waitForLine(/measured/);
  process.kill(command.process.pid, "SIGINT");
  const run = await command.end();
  assert.ok(
    run.saved?.verdict.reasons.some(({ code }) => code === "interrupted" || code === "no-connection"),
    run.report,
  );
  assert.equal(run.saved?.ledger.sent, 0);
});

test("an interrupted run has the server's cost and does not blame the generator", async (t) => {
  const { url, server } = await startLiar(t, ["--busy-after", "1000"]);
  const command = await Command.start(t, [url, "--duration", "60s", "--rate", "1000", "--pacing", "spin"]);
  await server.waitForLine(/^busy$/);
  process.kill(command.process.pid, "SIGINT");
  const { saved } = await command.end();
  assert.notEqual(saved?.server ?? null, null, "the server's cost");
  assert.notEqual(saved?.machine ?? null, null, "the machine's load");
  assert.ok(saved!.generator[0]!.busyShare < 0.9, `busy ${saved!.generator[0]!.busyShare}`);
});

test("a second interrupt waits for no answer", async (t) => {
  const { url, server } = await startLiar(t, ["--mute", "--busy-after", "20"]);
  const command = await Command.start(t, [url, "--duration", "60s", "--message-timeout", "10min"]);
  await server.waitForLine(/^busy$/);
  // Two signals at once may arrive as one.
  const again = setInterval(() => process.kill(command.process.pid, "SIGINT"), 250);
  t.after(() => clearInterval(again));
  const { saved } = await command.end();
  clearInterval(again);
  assert.deepEqual([saved?.ledger.lost, saved?.ledger.inFlight], [0, 20]);
});

test("a folder that results cannot be saved in is an error before the run, not after it", async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), "echolot-bad-input-")), "file");
  t.after(() => rm(dirname(file), { recursive: true, force: true }));
  await writeFile(file, "");
  for (const folder of [file, join(file, "below"), "/proc/echolot/results"]) {
    const run = await runLoad(t, "--results-dir", folder, "--duration", "60s");
    assertUsage(run, /RESULT_UNWRITABLE/);
    assert.doesNotMatch(run.errors, /connections/, "nothing was planned");
  }
});

test("an option that would change nothing is an error of usage", async (t) => {
  assertUsage(await runLoad(t, "--arrivals", "exponential"), /OPTION_CONFLICT.*--arrivals/, /--rate/);
  assertUsage(await runLoad(t, "--server-pid", "1"), /OPTION_CONFLICT.*--server-pid/);
  assertUsage(await runLoad(t, "ws://127.0.0.1:1/ws", "--server-pid", "99999999"), /OPTION_INVALID.*99999999/);
});

test("a command that is killed leaves no generator behind", async (t) => {
  const { url, server } = await startLiar(t, ["--busy-after", "1000"]);
  const command = await Command.start(t, [url, "--duration", "60s", "--workers", "2"]);
  await server.waitForLine(/^busy$/);
  await command.process.stop("SIGKILL");
  await server.waitForLine(/^alone$/);
});
