import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Result } from "../bench/result/result.js";

/**
 * What Echolot costs beside the least that could do the same, in one run: the endpoint beside a ten-line uWebSockets.js
 * echo (both loaded by the C client), the generator beside the C client (both loading the ten-line echo).
 * Blocks are interleaved, so that a slow moment of the machine meets all sides; the ratio is taken within a block.
 */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SERVER_CPU = "0";
const CLIENT_CPU = "1";
const WARMUP_SECONDS = 1;

const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "1000" },
    payload: { type: "string", default: "125" },
    depths: { type: "string", default: "1,10" },
    json: { type: "boolean", default: false },
  },
});

interface Server {
  child: ChildProcess;
  port: number;
  pid: number;
}

/** CPU microseconds a message. */
interface Cost {
  serverUs: number;
  clientUs: number;
}

interface Block {
  tenLines: Cost;
  echolot: Cost;
  generator: Cost;
}

const TEN_LINES = [join(ROOT, "dist/bench/yardstick/ten-line-echo.js")];
const ECHOLOT = [
  ...[join(ROOT, "dist/bin/echolot.js"), "serve"],
  ...["--host", "127.0.0.1", "--port", "0", "--browser-port", "off"],
];

const started: ChildProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), "echolot-yardstick-"));
process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const client = compileClient();
const rows: { depth: number; endpoint: number[]; generator: number[] }[] = [];
for (const depth of values.depths.split(",").map(Number)) {
  const row = { depth, endpoint: [] as number[], generator: [] as number[] };
  rows.push(row);
  const blocks = Number(values.blocks);
  for (let block = 0, disturbed = 0; block < blocks && disturbed <= blocks; ) {
    const measured = await runBlock(depth, block % 2 === 0);
    if ("disturbance" in measured) {
      disturbed++;
      console.error(`depth ${depth} block ${block + 1} again: ${measured.disturbance}`);
      continue;
    }
    block++;
    row.endpoint.push(measured.echolot.serverUs / measured.tenLines.serverUs);
    row.generator.push(measured.generator.clientUs / measured.tenLines.clientUs);
    console.error(
      `depth ${depth} block ${block}: ten lines ${us(measured.tenLines.serverUs)}, endpoint ${us(measured.echolot.serverUs)} ` +
        `= ${row.endpoint.at(-1)!.toFixed(3)}x; C client ${us(measured.tenLines.clientUs)}, generator ${us(measured.generator.clientUs)} ` +
        `= ${row.generator.at(-1)!.toFixed(3)}x`,
    );
  }
  if (row.endpoint.length < blocks) {
    console.error("Too many blocks were disturbed: end other programs and run it again.");
    process.exit(3);
  }
}

if (values.json) console.log(JSON.stringify(rows));
else {
  console.log(
    `\nCPU a message as a ratio, ${values.connections} connections x ${values.payload} B, median (least to most) of ${values.blocks} blocks`,
  );
  for (const { depth, endpoint, generator } of rows) {
    console.log(
      `  depth ${String(depth).padStart(2)}: endpoint / ten lines ${range(endpoint)}   generator / C client ${range(generator)}`,
    );
  }
}

/** The same server for both clients, and the same client for both servers. Who goes first changes from block to block. */
async function runBlock(depth: number, leastFirst: boolean): Promise<Block | { disturbance: string }> {
  const block: Partial<Block> = {};
  for (const least of [leastFirst, !leastFirst]) {
    const server = await start(least ? TEN_LINES : ECHOLOT);
    try {
      if (!least) {
        block.echolot = runClient(server, depth);
        continue;
      }
      block.tenLines = runClient(server, depth);
      const generator = runGenerator(server, depth);
      if ("disturbance" in generator) return generator;
      block.generator = generator;
    } finally {
      await stop(server);
    }
  }
  return block as Block;
}

function compileClient(): string {
  const program = join(folder, "epoll-client");
  const source = join(ROOT, "bench/yardstick/epoll-client.c");
  if (!existsSync(source)) throw new Error(`${source} is missing: run this in a checkout of the project`);
  try {
    execFileSync("cc", ["-O3", "-march=native", source, "-o", program], { stdio: ["ignore", "inherit", "inherit"] });
  } catch {
    console.error("This comparison needs a C compiler as `cc` (Debian: apt-get install gcc libc6-dev).");
    process.exit(2);
  }
  return program;
}

function start(args: string[]): Promise<Server> {
  const child = spawn("taskset", ["-c", SERVER_CPU, process.execPath, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(child);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}`)));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const { msg, port } = JSON.parse(line);
      if (msg === "listening") resolve({ child, port, pid: child.pid! });
    });
  });
}

function stop({ child }: Server): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

function runClient({ port, pid }: Server, depth: number): Cost {
  const args = [port, pid, values.connections, values.payload, depth, WARMUP_SECONDS, values.seconds].map(String);
  return JSON.parse(execFileSync("taskset", ["-c", CLIENT_CPU, client, ...args], { encoding: "utf8" }));
}

function runGenerator({ port, pid }: Server, depth: number): Cost | { disturbance: string } {
  const args = ["load", `ws://127.0.0.1:${port}/ws`, "--connections", values.connections, "--in-flight", String(depth)];
  args.push("--payload", values.payload, "--warmup", `${WARMUP_SECONDS}s`, "--duration", `${values.seconds}s`);
  args.push("--server-pid", String(pid), "--results-dir", folder, "--json");
  const { stdout } = spawnSync(process.execPath, [join(ROOT, "dist/bin/echolot.js"), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64 << 20,
  });
  const result: Result = JSON.parse(stdout);
  if (result.verdict.kind === "void") return { disturbance: result.verdict.reasons[0]!.fact };
  const messages = result.receivedPerSecond * (result.windowMs / 1_000);
  const seconds = result.generator.reduce((sum, each) => sum + each.userSeconds + each.systemSeconds, 0);
  return { serverUs: result.server!.cpuPerMessageUs!, clientUs: (seconds / messages) * 1e6 };
}

function us(value: number): string {
  return `${value.toFixed(2)} us`;
}

function range(ratios: number[]): string {
  const sorted = ratios.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
  return `${median.toFixed(3)} (${sorted[0]!.toFixed(3)} to ${sorted.at(-1)!.toFixed(3)})`;
}
