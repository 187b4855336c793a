import { type ChildProcess, execFileSync, spawn } from "node:child_process";
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
  for (let block = 0; block < Number(values.blocks); block++) {
    // Who goes first changes from block to block.
    const echoes = block % 2 === 0 ? [TEN_LINES(), ECHOLOT()] : [ECHOLOT(), TEN_LINES()];
    const costs = new Map<string, Cost>();
    for (const echo of echoes) {
      const server = await start(echo.args);
      costs.set(echo.name, runClient(server, depth));
      if (echo.name === "ten lines") costs.set("generator", runGenerator(server, depth));
      await stop(server);
    }
    const least = costs.get("ten lines")!;
    const endpoint = costs.get("echolot")!.serverUs / least.serverUs;
    const generator = costs.get("generator")!.clientUs / least.clientUs;
    row.endpoint.push(endpoint);
    row.generator.push(generator);
    process.stderr.write(
      `depth ${depth} block ${block + 1}: ten lines ${us(least.serverUs)}, endpoint ${us(costs.get("echolot")!.serverUs)} = ${endpoint.toFixed(3)}x; ` +
        `C client ${us(least.clientUs)}, generator ${us(costs.get("generator")!.clientUs)} = ${generator.toFixed(3)}x\n`,
    );
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

function TEN_LINES() {
  return { name: "ten lines", args: [join(ROOT, "dist/bench/yardstick/ten-line-echo.js")] };
}

function ECHOLOT() {
  const listening = ["--host", "127.0.0.1", "--port", "0", "--browser-port", "off"];
  return { name: "echolot", args: [join(ROOT, "dist/bin/echolot.js"), "serve", ...listening] };
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

function runGenerator({ port, pid }: Server, depth: number): Cost {
  const args = ["load", `ws://127.0.0.1:${port}/ws`, "--connections", values.connections, "--in-flight", String(depth)];
  args.push("--payload", values.payload, "--warmup", `${WARMUP_SECONDS}s`, "--duration", `${values.seconds}s`);
  args.push("--server-pid", String(pid), "--results-dir", folder, "--json");
  const text = execFileSync(process.execPath, [join(ROOT, "dist/bin/echolot.js"), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64 << 20,
  });
  const result: Result = JSON.parse(text);
  const messages = result.receivedPerSecond * (result.windowMs / 1_000);
  const seconds = result.generator.reduce((sum, each) => sum + each.userSeconds + each.systemSeconds, 0);
  if (result.verdict.kind === "void") throw new Error(`void: ${JSON.stringify(result.verdict.reasons)}`);
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
