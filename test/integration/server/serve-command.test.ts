import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RawClient } from "./raw-client.js";
import { EcholotProcess, serve } from "./server-process.js";

const TIMEOUT = { timeout: 30_000 };

test("the log line that says it listens is JSON in a pipe, with ports, versions and modes", TIMEOUT, async () => {
  await using server = new EcholotProcess(["serve", "--port", "0", "--browser-port", "0"]);
  const line = await server.logged("listening");
  assert.equal(line.level, "info");
  assert.equal(line.pid, server.pid);
  assert.ok(Number(line.port) > 0 && Number(line.browserPort) > 0 && line.port !== line.browserPort);
  assert.match(String(line.uWebSockets), /^20\.\d+\.\d+$/);
  assert.equal(line.deflate, true);
  assert.equal(line.heartbeat, "idle");
  for (const port of [line.port, line.browserPort]) {
    using client = await RawClient.open(port as number);
    client.write("81 81 00000000 61");
    assert.equal((await client.read(3)).toString("hex"), "810161");
  }
});

test("a port in use is an error with a remedy, whoever holds it, and the exit code is 2", TIMEOUT, async (t) => {
  await t.test("another echolot", async () => {
    // Given by number, because uWebSockets.js would share such a port and not one that the system chose.
    const port = await freePort();
    await using first = await serve("--port", String(port));
    assert.equal(first.port, port);
    await refusesToServe(port);
  });
  await t.test("another program", async () => {
    const other = createServer().listen(0);
    await once(other, "listening");
    await refusesToServe((other.address() as AddressInfo).port);
    other.close();
  });
  await t.test("the browser port", async () => {
    await using first = await serve();
    const second = new EcholotProcess(["serve", "--port", "0", "--browser-port", String(first.port)]);
    const { code, stderr } = await second.ended;
    assert.equal(code, 2);
    assert.match(stderr, /^error PORT_IN_USE: .*\n.*--browser-port/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function refusesToServe(port: number): Promise<void> {
  const { code, stdout, stderr } = await new EcholotProcess(["serve", "--port", String(port)]).ended;
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    `error PORT_IN_USE: another program listens on port ${port}\n` +
      `Stop it (on Linux "ss -ltnp sport = :${port}" names it), or choose another port with --port (0: any free one).\n`,
  );
}

const MISTAKES: readonly (readonly [title: string, args: readonly string[], message: RegExp])[] = [
  [
    "a value out of range",
    ["serve", "--port", "70000"],
    /^error OPTION_INVALID: --port cannot be "70000"\nAllowed: an integer from 0 to 65535\.\n$/,
  ],
  ["an unknown flag", ["serve", "--prot", "1"], /^error OPTION_UNKNOWN: unknown option --prot\nDid you mean --port\?/],
  ["an argument that is none", ["serve", "6666"], /^error OPTION_UNKNOWN: unexpected argument "6666"\n/],
  ["one port for both", ["serve", "--port", "7000", "--browser-port", "7000"], /^error OPTION_CONFLICT: /],
  ["a drain that outlasts its deadline", ["serve", "--drain-window", "1min"], /^error OPTION_CONFLICT: /],
  ["an address of another machine", ["serve", "--host", "192.0.2.1"], /^error LISTEN_FAILED: .*EADDRNOTAVAIL/],
  ["an unknown command", ["sevre"], /^error COMMAND_UNKNOWN: .*\nDid you mean "serve"\?/],
  ["a config file that is not there", ["serve", "--config", "/nonexistent.json"], /^error CONFIG_UNREADABLE: .*ENOENT/],
];

test("a mistake is named in two lines, without a stack trace, and the exit code is 2", TIMEOUT, async (t) => {
  for (const [title, args, message] of MISTAKES) {
    await t.test(title, async () => {
      const { code, stdout, stderr } = await new EcholotProcess(args).ended;
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 3);
    });
  }
});

test("ECHOLOT_DEBUG=1 adds the stack trace", TIMEOUT, async () => {
  const { stderr } = await new EcholotProcess(["serve", "--port", "x"], { ECHOLOT_DEBUG: "1" }).ended;
  assert.match(stderr, /^error OPTION_INVALID: .*\n.*\n.*\n\s+at /);
});

test("the config file and the environment reach the server; --help and --version exit with 0", TIMEOUT, async () => {
  const directory = mkdtempSync(join(tmpdir(), "echolot-"));
  const config = join(directory, "config.json");
  writeFileSync(config, JSON.stringify({ serve: { port: 0, browserPort: "off", heartbeat: "ping", deflate: true } }));
  {
    await using server = new EcholotProcess(["serve", "--config", config], { ECHOLOT_DEFLATE: "off" });
    const line = await server.logged("listening");
    assert.equal(line.heartbeat, "ping");
    assert.equal(line.deflate, false);
    assert.equal(line.browserPort, undefined);
  }
  rmSync(directory, { recursive: true });

  const help = await new EcholotProcess(["serve", "--help"]).ended;
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: echolot serve \[options\]\n/);
  const version = await new EcholotProcess(["--version"]).ended;
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("at debug level each connection is logged, and no payload ever", TIMEOUT, async () => {
  await using server = await serve("--log-level", "debug");
  {
    using client = await RawClient.open(server.port);
    client.write("81 86 00000000 736563726574"); // "secret"
    await client.frame();
    client.write("88 88 00000000 03e8 736563726574"); // the same as a close reason
    assert.equal((await client.closeFrame()).code, 1000);
  }
  const closed = await server.process.logged("connection closed");
  assert.equal(closed.cause, "peer");
  server.process.signal("SIGTERM");
  const { stdout } = await server.process.ended;
  assert.match(stdout, /"msg":"connection opened"/);
  assert.doesNotMatch(stdout, /secret/);
});
