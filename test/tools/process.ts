import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** What ends when a test ends: a `TestContext`, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(end: () => void | Promise<void>): void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Output that counts as too late when the test has named no time of its own. */
const LINE_TIMEOUT_MS = 30_000;

const running = new Set<ChildProcess>();

// A test file that the runner ends for its time must not leave its servers behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const [signal, number] of [["SIGTERM", 15] as const, ["SIGINT", 2] as const]) {
  process.once(signal, () => process.exit(128 + number));
}

/** A process under test, its output kept by line. */
export class Running {
  readonly pid: number;
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the process has ended and its output is read to the end. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #ended: Exit | undefined;

  /** Settles once the process runs, or rejects because it cannot be started. */
  static async start(command: string, args: readonly string[], options: StartOptions = {}): Promise<Running> {
    const child = spawn(command, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    await once(child, "spawn");
    return new Running(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid as number;
    this.stdin = child.stdin as NodeJS.WritableStream;
    // A process that has ended cannot be written to; the test hears of its end, not of the pipe's.
    this.stdin.on("error", () => {});
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.exit = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.#ended = { code, signal };
        this.#notify();
        resolve(this.#ended);
      });
    });
    this.#collect(child.stdout as Readable, this.stdout);
    this.#collect(child.stderr as Readable, this.stderr);
  }

  /** The first line, on either stream, that was or will be printed and matches; rejects on the end or the time-out. */
  waitForLine(pattern: RegExp, { times = 1, timeoutMs = LINE_TIMEOUT_MS } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        act();
      };
      const fail = (what: string) =>
        settle(() => reject(new Error(`${what} before line ${times} like ${pattern}; it printed:\n${this.output()}`)));
      const look = () => {
        const found = [...this.stdout, ...this.stderr].filter((line) => pattern.test(line))[times - 1];
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#ended !== undefined) fail(`ended (${describeExit(this.#ended)})`);
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms went by`), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** Everything printed so far, for a failed assertion's message. */
  output(): string {
    return [...this.stdout, ...this.stderr.map((line) => `stderr: ${line}`)].join("\n");
  }

  /** Sends the signal. @returns how the process ended */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    this.#child.kill(signal);
    return this.exit;
  }

  #collect(stream: Readable, lines: string[]): void {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      this.#notify();
    });
  }

  #notify(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** Starts a process that is killed, if it still runs, when `scope` ends. */
export async function startProcess(
  scope: Scope,
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Running> {
  const started = await Running.start(command, args, options);
  scope.after(async () => {
    await started.stop("SIGKILL");
  });
  return started;
}

/** Runs a process to its end. @throws Error with its output when the exit code is not 0 */
export async function runProcess(
  scope: Scope,
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Running> {
  const started = await startProcess(scope, command, args, options);
  const exit = await started.exit;
  if (exit.code !== 0) {
    throw new Error(`${[command, ...args].join(" ")} ended (${describeExit(exit)}):\n${started.output()}`);
  }
  return started;
}

export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `by ${signal}`;
}

/** A port of 127.0.0.1 that nothing listens on at the moment of asking. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Whether nothing listens on the port of 127.0.0.1. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
