import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ECHOLOT, ROOT } from "./paths.js";
import { describeExit, type Running, type Scope, type StartOptions, startProcess } from "./process.js";

/** The parts of the JSON of `echolot load --json` that tests of the whole program look at. */
export interface LoadReport {
  readonly connections: { readonly established: number; readonly extensions: Readonly<Record<string, number>> };
  readonly ledger: Readonly<
    Record<"sent" | "received" | "lost" | "corrupted" | "duplicated" | "reordered" | "compressed", number>
  >;
  readonly verdict: { readonly faulty: boolean; readonly reasons: readonly { readonly code: string }[] };
}

export interface Endpoint {
  readonly server: Running;
  readonly port: number;
  /** The endpoint of the article. */
  readonly url: string;
}

/** Starts `echolot serve` on 127.0.0.1, on a free port and without the browsers' port unless the flags name them. */
export async function startEcholot(scope: Scope, flags: readonly string[] = []): Promise<Endpoint> {
  const unless = (flag: string, value: string) => (flags.includes(flag) ? [] : [flag, value]);
  const ports = [...unless("--port", "0"), ...unless("--browser-port", "off")];
  const args = [ECHOLOT, "serve", "--host", "127.0.0.1", ...ports, ...flags];
  const server = await startProcess(scope, process.execPath, args, { cwd: ROOT });
  const port = await listeningPort(server, "port");
  return { server, port, url: `ws://127.0.0.1:${port}/ws` };
}

/** Waits for the server's "listening" log line. @returns one of its ports */
export async function listeningPort(server: Running, field: "port" | "browserPort"): Promise<number> {
  const line = await server.waitForLine(/"msg":"listening"/);
  return (JSON.parse(line) as Record<typeof field, number>)[field];
}

/**
 * Runs `echolot load` and reads its JSON; the exit code is the test's own affair, since a busy machine makes a run
 * suspect or void without any fault of the server.
 */
export async function runLoad(
  scope: Scope,
  args: readonly string[],
  { program = [process.execPath, ECHOLOT], ...options }: StartOptions & { readonly program?: readonly string[] } = {},
): Promise<LoadReport> {
  const results = await mkdtemp(join(tmpdir(), "echolot-results-"));
  scope.after(() => rm(results, { recursive: true, force: true }));
  const [command, ...before] = program;
  const flags = ["load", ...args, "--results-dir", results, "--json"];
  const load = await startProcess(scope, command as string, [...before, ...flags], options);
  const exit = await load.exit;
  if (load.stdout.length === 0)
    throw new Error(`echolot ${flags.join(" ")} ended (${describeExit(exit)}):\n${load.output()}`);
  return JSON.parse(load.stdout.join("\n")) as LoadReport;
}
