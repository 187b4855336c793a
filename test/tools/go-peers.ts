import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "./build-once.js";
import { BUILT, ROOT } from "./paths.js";
import { type Running, runProcess, type Scope, startProcess } from "./process.js";

export type GoServer = "article-server" | "gorilla-server";
export type GoClient = "gws-client" | "gorilla-client";

/** What a Go client prints: the Report of test/peers/exchange. */
export interface ExchangeReport {
  readonly client: string;
  readonly extensions: string;
  readonly messages: number;
  readonly bytes: number;
  readonly pongs: number;
  readonly closeCode: number;
  readonly faults: readonly string[];
}

const SOURCES = join(ROOT, "test", "peers");

/** The programs of test/peers, built once for all test files. @param go path of the go command */
export function buildGoPeers(scope: Scope, go: string): Promise<string> {
  return buildOnce(join(BUILT, `go-peers-${contentHash()}`), async (into) => {
    await runProcess(scope, go, ["build", "-trimpath", "-o", `${into}/`, "./..."], {
      cwd: SOURCES,
      env: { GOWORK: "off" },
    });
  });
}

/** Starts a Go server on a free port. @returns the server and its endpoint */
export async function startGoServer(
  scope: Scope,
  go: string,
  name: GoServer,
  args: readonly string[] = [],
): Promise<{ server: Running; url: string }> {
  const programs = await buildGoPeers(scope, go);
  const server = await startProcess(scope, join(programs, name), ["-port", "0", ...args]);
  const [port] = (await server.waitForLine(/^listening on port \d+$/)).match(/\d+$/) as RegExpMatchArray;
  return { server, url: `ws://127.0.0.1:${port}/ws` };
}

/** Runs a Go client against an endpoint. @returns what it reports, its faults included */
export async function holdExchange(
  scope: Scope,
  go: string,
  name: GoClient,
  url: string,
  args: readonly string[] = [],
): Promise<ExchangeReport> {
  const programs = await buildGoPeers(scope, go);
  const client = await startProcess(scope, join(programs, name), ["-url", url, ...args]);
  await client.exit;
  const [line] = client.stdout;
  if (line === undefined) throw new Error(`${name} reported nothing:\n${client.output()}`);
  return JSON.parse(line) as ExchangeReport;
}

function contentHash(): string {
  const hash = createHash("sha256");
  const paths = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.(go|mod|sum)$/.test(path),
  );
  for (const path of paths.sort()) hash.update(path).update(readFileSync(join(SOURCES, path)));
  return hash.digest("hex").slice(0, 12);
}
