import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { EcholotError } from "../../cli/errors.js";
import { pinnedCommand } from "../plan/pinning.js";
import { endWithParent, hold, release, signalGroup } from "./leash.js";
import { accepts } from "./resolve.js";

/** The server to start: Echolot's own, or any command. */
export type ServerCommand =
  | {
      kind: "own";
      /** Further options of `echolot serve`. */
      args?: readonly string[] | undefined;
    }
  | {
      kind: "command";
      /** Program and arguments; `{port}` in any of them becomes the port. */
      words: readonly string[];
      /** The port it listens on; left out: a free one, which `{port}` must tell it. */
      port?: number | undefined;
    };

export interface ServerSettings {
  /** Address it is reached at, and our own listens on. */
  address?: string | undefined;
  /** CPUs to pin it to. */
  cpus?: readonly number[] | null | undefined;
  /** Time it may take until it accepts connections. */
  startTimeoutMs?: number | undefined;
  /** Time from SIGTERM to SIGKILL. */
  stopTimeoutMs?: number | undefined;
  /** Called when it ends without being asked to. */
  onExit?: ((exit: ServerExit) => void) | undefined;
}

export interface ServerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** "exit code 1" or "SIGKILL" */
  reason: string;
  /** What it last said on its standard error, or on its output where it said nothing there. */
  lastLines: string[];
}

export interface RunningServer {
  pid: number;
  address: string;
  port: number;
  command: string[];
  /** What our own server says of itself when it is ready; empty for others. */
  details: Record<string, unknown>;
  /** Ends it and everything it started; the same promise however often it is called. */
  stop(): Promise<ServerExit>;
}

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;
/** Time for the last lines to arrive when the process has ended. */
const CLOSE_TIMEOUT_MS = 1_000;
const PROBE_EVERY_MS = 20;
const LINES_KEPT = 10;
const LINE_CHARACTERS_KEPT = 500;

/**
 * Starts a server in a process group of its own, pinned where asked, and waits until it can be connected to.
 * @throws EcholotError TARGET_START_FAILED with the last lines it wrote
 */
export async function startServer(server: ServerCommand, settings: ServerSettings = {}): Promise<RunningServer> {
  const address = settings.address ?? "127.0.0.1";
  const { command, port } = server.kind === "own" ? ownCommand(server.args, address) : await fillIn(server, address);
  const [program, ...args] = [...endWithParent(), ...pinnedCommand(command, settings.cpus ?? null)];
  const env = server.kind === "own" ? withoutOwnSettings(process.env) : process.env;
  const child = spawn(program!, args, { detached: true, env, stdio: ["ignore", "pipe", "pipe"] });
  const output = new Output(child);
  const ended = endOf(child, output);
  if (child.pid !== undefined) hold(child);

  let stopping: Promise<ServerExit> | undefined;
  const stop = (): Promise<ServerExit> => {
    stopping ??= endServer(child, ended, settings.stopTimeoutMs ?? STOP_TIMEOUT_MS);
    return stopping;
  };
  const given = new AbortController();
  try {
    const ready = server.kind === "own" ? listeningLine(output) : untilAccepting(address, port, given.signal);
    const timeoutMs = settings.startTimeoutMs ?? START_TIMEOUT_MS;
    const { port: portInUse, details } = await beforeEndOrTimeout(ready, ended, timeoutMs, command, output);
    void ended.then((exit) => stopping === undefined && settings.onExit?.(exit));
    return { pid: child.pid!, address, port: portInUse, command, details, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    given.abort();
  }
}

/** The endpoint as documented: settings meant for this program's command must not change what is measured. */
function withoutOwnSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ECHOLOT_")));
}

interface Ready {
  port: number;
  details: Record<string, unknown>;
}

function ownCommand(args: readonly string[] = [], address: string): { command: string[]; port: number } {
  const program = fileURLToPath(new URL("../../bin/echolot.js", import.meta.url));
  const listening = ["--host", address, "--port", "0", "--browser-port", "off", "--log-level", "info"];
  return { command: [process.execPath, program, "serve", ...args, ...listening], port: 0 };
}

async function fillIn(
  { words, port: given }: Extract<ServerCommand, { kind: "command" }>,
  address: string,
): Promise<{ command: string[]; port: number }> {
  if (given === undefined && !words.some((word) => word.includes("{port}"))) {
    throw new EcholotError(
      "TARGET_START_FAILED",
      `the command "${words.join(" ")}" does not say which port the server is to take`,
      "Write {port} where the command takes the port, or name the port.",
    );
  }
  const port = given ?? (await freePort(address));
  if (await accepts(address, port, PROBE_EVERY_MS * 10)) {
    throw new EcholotError(
      "TARGET_START_FAILED",
      `another program accepts connections on ${address} port ${port} already`,
      "End it, or choose another port.",
    );
  }
  return { command: words.map((word) => word.replaceAll("{port}", String(port))), port };
}

async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Reads what a child says, all of it, for a full pipe would stop the child; keeps the last lines. */
class Output {
  readonly #errors: string[] = [];
  readonly #lines: string[] = [];
  onLine: (line: string) => void = () => {};

  readonly #pipes: readonly Readable[];

  constructor({ stdout, stderr }: ChildProcessByStdio<null, Readable, Readable>) {
    this.#pipes = [stdout, stderr];
    createInterface({ input: stdout }).on("line", (line) => {
      keepLast(this.#lines, line);
      this.onLine(line);
    });
    createInterface({ input: stderr }).on("line", (line) => keepLast(this.#errors, line));
  }

  close(): void {
    for (const pipe of this.#pipes) pipe.destroy();
  }

  get lastLines(): string[] {
    return [...(this.#errors.length > 0 ? this.#errors : this.#lines)];
  }
}

function keepLast(lines: string[], line: string): void {
  lines.push(line.slice(0, LINE_CHARACTERS_KEPT));
  if (lines.length > LINES_KEPT) lines.shift();
}

/** Resolves when the child has ended and its last words are read. */
function endOf(child: ChildProcess, output: Output): Promise<ServerExit> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, reason: error.message, lastLines: [] });
    });
    child.once("exit", (code, signal) => {
      release(child);
      // A process that has left the group may hold the pipes open for ever.
      const enough = setTimeout(() => output.close(), CLOSE_TIMEOUT_MS);
      child.once("close", () => {
        clearTimeout(enough);
        resolve({ code, signal, reason: signal ?? `exit code ${code}`, lastLines: output.lastLines });
      });
    });
  });
}

async function endServer(child: ChildProcess, ended: Promise<ServerExit>, timeoutMs: number): Promise<ServerExit> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return ended;
  signalGroup(child.pid, "SIGTERM");
  const deadline = setTimeout(() => signalGroup(child.pid!, "SIGKILL"), timeoutMs);
  try {
    return await ended;
  } finally {
    clearTimeout(deadline);
  }
}

/** Our own server logs one JSON line when it listens. */
function listeningLine(output: Output): Promise<Ready> {
  return new Promise((resolve) => {
    output.onLine = (line) => {
      const { msg, port, level: _level, time: _time, pid: _pid, ...details } = parseObject(line);
      if (msg !== "listening" || typeof port !== "number") return;
      output.onLine = () => {};
      resolve({ port, details });
    };
  });
}

function parseObject(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function untilAccepting(address: string, port: number, given: AbortSignal): Promise<Ready> {
  while (!given.aborted && !(await accepts(address, port, 1_000))) {
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  return { port, details: {} };
}

async function beforeEndOrTimeout(
  ready: Promise<Ready>,
  ended: Promise<ServerExit>,
  timeoutMs: number,
  command: readonly string[],
  output: Output,
): Promise<Ready> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(startFailed(command, `was not ready after ${timeoutMs} ms`, output.lastLines));
    }, timeoutMs);
  });
  const gone = ended.then(({ reason, lastLines }) => {
    throw startFailed(command, `ended before it was ready (${reason})`, lastLines);
  });
  try {
    return await Promise.race([ready, gone, late]);
  } finally {
    clearTimeout(timer);
    gone.catch(() => {});
  }
}

function startFailed(command: readonly string[], what: string, lastLines: readonly string[]): EcholotError {
  const said = lastLines.length === 0 ? "; it said nothing" : `; it said:\n  ${lastLines.join("\n  ")}`;
  return new EcholotError(
    "TARGET_START_FAILED",
    `the server ${what}${said}`,
    `Try the command by itself: ${command.join(" ")}`,
  );
}
