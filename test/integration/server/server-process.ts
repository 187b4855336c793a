import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../../bin/echolot.js", import.meta.url));

/** A test that fails must not leave a server behind. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface LogLine {
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real `echolot` process. */
export class EcholotProcess {
  readonly ended: Promise<Ended>;
  readonly pid: number;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: LogLine[] = [];
  #wake: () => void = () => {};
  #isOver = false;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.pid = this.#child.pid ?? 0;
    running.add(this.#child);
    let stdout = "";
    let stderr = "";
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      stdout += `${line}\n`;
      if (line.startsWith("{")) this.#lines.push(JSON.parse(line) as LogLine);
      this.#wake();
    });
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      this.#isOver = true;
      running.delete(this.#child);
      this.#wake();
      return { code, signal, stdout, stderr };
    });
  }

  /** The first log line with this message; it may have been written before. */
  async logged(msg: string): Promise<LogLine> {
    for (;;) {
      const line = this.#lines.find((candidate) => candidate.msg === msg);
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`the process ended without logging "${msg}": ${(await this.ended).stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  readonly process: EcholotProcess;
}

/** `echolot serve` on a free port, listening. */
export async function serve(...args: string[]): Promise<RunningServer> {
  const server = new EcholotProcess(["serve", "--port", "0", "--browser-port", "off", ...args]);
  const { port } = await server.logged("listening");
  return {
    port: port as number,
    process: server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
