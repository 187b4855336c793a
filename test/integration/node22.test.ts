import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { WebSocket } from "ws";
import { listeningPort, runLoad } from "../tools/echolot.js";
import { ROOT } from "../tools/paths.js";
import { runProcess, startProcess } from "../tools/process.js";
import { lackTool, requireTool } from "../tools/toolchain.js";

const NPM_FLAGS = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=0"];
/** What npm says where there is no network. */
const REGISTRY_UNREACHABLE = /code (ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENOTCACHED)/;
/** Through SIGKILL a directory may still be in use for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5 };

/** An installation of the packed package, made by the Node at `node`. @returns its directory */
async function installPackage(t: TestContext, node: string): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "echolot-node22-")));
  t.after(() => rm(directory, REMOVAL));
  // The package is packed as it was built for this test run, so its prepare script must not build it again.
  await runProcess(t, "npm", ["pack", "--ignore-scripts", "--pack-destination", directory, ...NPM_FLAGS], {
    cwd: ROOT,
  });
  const [archive] = (await readdir(directory)).filter((name) => name.endsWith(".tgz"));
  assert.ok(archive !== undefined);
  await writeFile(join(directory, "package.json"), '{ "private": true }');
  await runProcess(t, "npm", ["install", ...NPM_FLAGS, `./${archive}`], { cwd: directory, env: pathWith(node) });
  return directory;
}

/** npm chooses the binaries for the Node that it runs on, the first on the PATH. */
function pathWith(node: string): { PATH: string } {
  return { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
}

/** The newer binaries need glibc 2.38 on Linux; elsewhere they always load. */
function expectedNative(): RegExp {
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const [major = 2, minor = 38] = (report.header.glibcVersionRuntime ?? "2.38").split(".").map(Number);
  return major > 2 || minor >= 38 ? /^20\.69\./ : /^20\.51\./;
}

test("the packed package serves on Node 22 with the uWebSockets.js binary that this C library can load", async (t) => {
  const node = await requireTool(t, "node22");
  if (node === undefined) return;
  const directory = await installPackage(t, node).catch((error: Error) => {
    if (REGISTRY_UNREACHABLE.test(error.message)) return lackTool(t, "node22", error);
    throw error;
  });
  if (directory === undefined) return;
  const program = join(directory, "node_modules", ".bin", "echolot");
  const env = pathWith(node);

  const { stdout: versions } = await runProcess(t, "node", ["--version"], { cwd: directory, env });
  assert.match(versions.join(), /^v22\./);

  const server = await startProcess(
    t,
    program,
    ["serve", "--host", "127.0.0.1", "--port", "0", "--browser-port", "off"],
    {
      cwd: directory,
      env,
    },
  );
  const port = await listeningPort(server, "port");
  const { uWebSockets } = JSON.parse(await server.waitForLine(/"msg":"listening"/)) as { uWebSockets: string };
  assert.match(uWebSockets, expectedNative());

  const url = `ws://127.0.0.1:${port}/ws`;
  const client = new WebSocket(url);
  t.after(() => client.terminate());
  await once(client, "open");
  client.send("Hello Server!");
  const [echo] = await once(client, "message");
  assert.equal(String(echo), "Hello Server!");

  const report = await runLoad(t, [url, "--connections", "20", "--warmup", "0.2s", "--duration", "1s"], {
    program: [program],
    cwd: directory,
    env,
  });
  assert.equal(report.connections.established, 20);
  assert.ok(report.ledger.received > 0);
  assert.equal(report.ledger.lost, 0);

  const exports = `const { createEchoServer } = await import("echolot/server");
    const { load } = await import("echolot/harness");
    const whole = await import("echolot");
    console.log(String([whole.createEchoServer === createEchoServer, whole.load === load]));`;
  const importer = await runProcess(t, "node", ["--input-type=module", "-e", exports], { cwd: directory, env });
  assert.deepEqual(importer.stdout, ["true,true"]);

  client.close();
  assert.deepEqual(await server.stop("SIGTERM"), { code: 0, signal: null }, server.output());
});
