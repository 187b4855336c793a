/** A child that uses CPU and memory when told to, and says by its own account what it used. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export type Order =
  | { kind: "burn"; ms: number }
  /** Burns in threads, which stay or end. */
  | { kind: "threads"; ms: number; threads: number; after: "stay" | "end" }
  /** Burns in a child of its own. */
  | { kind: "child"; ms: number }
  | { kind: "allocate"; bytes: number }
  | { kind: "listen"; host: string };

export interface Answer {
  pid: number;
  port: number;
  /** CPU seconds of the process, or of its child for `child`. */
  cpuSeconds: number;
}

const FILE = fileURLToPath(import.meta.url);

/** A burner under the test's control. */
export class Burner {
  readonly #child: ChildProcess = fork(FILE, ["burner"]);

  get pid(): number {
    return this.#child.pid!;
  }

  async tell(order: Order): Promise<Answer> {
    this.#child.send(order);
    return (await once(this.#child, "message"))[0] as Answer;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Computes for half of the time and makes system calls for the other, so that both kinds of CPU time show. */
function burn(ms: number): void {
  const start = performance.now();
  while (performance.now() - start < ms / 2) Math.hypot(start, 1);
  while (performance.now() - start < ms) process.memoryUsage.rss();
}

const kept: Buffer[] = [];

async function obey(order: Order): Promise<Answer> {
  switch (order.kind) {
    case "burn":
      burn(order.ms);
      break;
    case "threads":
      await Promise.all(
        Array.from({ length: order.threads }, async () => {
          const worker = new Worker(FILE, { workerData: order });
          await once(worker, order.after === "end" ? "exit" : "message");
        }),
      );
      break;
    case "child": {
      const child = new Burner();
      return child.tell({ kind: "burn", ms: order.ms });
    }
    case "allocate":
      kept.push(Buffer.alloc(order.bytes, 1));
      break;
    case "listen": {
      const server = createServer().listen(0, order.host);
      await once(server, "listening");
      return { pid: process.pid, port: (server.address() as { port: number }).port, cpuSeconds: cpuSeconds() };
    }
  }
  return { pid: process.pid, port: 0, cpuSeconds: cpuSeconds() };
}

if (!isMainThread && workerData?.kind === "threads") {
  const order = workerData as Extract<Order, { kind: "threads" }>;
  burn(order.ms);
  parentPort!.postMessage("done");
  if (order.after === "stay") parentPort!.on("message", () => {});
} else if (process.argv[2] === "burner" && process.send !== undefined) {
  process.on("message", async (order: Order) => process.send!(await obey(order)));
  process.on("disconnect", () => process.exit());
}
