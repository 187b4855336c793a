import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { createEchoServer } from "../../../src/index.js";
import { closeFrameOf, maskedFrame, RawClient } from "./raw-client.js";
import { serve } from "./server-process.js";

const TIMEOUT = { timeout: 60_000 };
const GOODBYE = { code: 1001, reason: "server is shutting down" };

test(
  "SIGTERM: three hundred clients get 1001 over the window, the port is closed, the exit code is 0",
  TIMEOUT,
  async () => {
    await using server = await serve("--drain-window", "1s");
    const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.open(server.port)));
    server.process.signal("SIGTERM");
    const times = await Promise.all(
      clients.map(async (client) => {
        assert.deepEqual(await client.closeFrame(), GOODBYE);
        const toldMs = performance.now();
        client.socket.end();
        return toldMs;
      }),
    );
    const spreadMs = Math.max(...times) - Math.min(...times);
    assert.ok(spreadMs > 700, `spread over ${spreadMs} ms`);
    assert.equal((await server.process.logged("draining")).connections, 300);
    const { code, stderr } = await server.process.ended;
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.equal(await refusal(server.port), "ECONNREFUSED");
  },
);

test("during --drain-delay /readyz says 503, new handshakes get 503, and echoes go on", TIMEOUT, async () => {
  await using server = await serve("--drain-delay", "2s", "--drain-window", "0");
  using client = await RawClient.open(server.port);
  server.process.signal("SIGINT");
  await server.process.logged("draining");
  assert.match(await get(server.port, "/readyz"), /^HTTP\/1\.1 503 .*draining\n$/s);
  assert.match(await get(server.port, "/healthz"), /^HTTP\/1\.1 200 /);
  assert.match(await get(server.port, "/ws"), /^HTTP\/1\.1 503 /);
  client.write("81 81 00000000 61");
  assert.equal((await client.read(3)).toString("hex"), "810161");
  assert.deepEqual(await client.closeFrame(), GOODBYE);
  client.socket.end();
  assert.equal((await server.process.ended).code, 0);
});

test("what was read before the signal is echoed, in order, before the 1001", TIMEOUT, async () => {
  await using server = await serve("--drain-window", "0");
  using client = await RawClient.open(server.port);
  const messages = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`message ${index}`));
  client.socket.write(Buffer.concat(messages.map((message) => maskedFrame(0x81, message))));
  assert.equal((await client.frame()).payload.toString(), "message 0");
  server.process.signal("SIGTERM");
  let echoed = 1;
  let frame = await client.frame();
  for (; frame.opcode === 1; frame = await client.frame()) {
    assert.equal(frame.payload.toString(), `message ${echoed}`);
    echoed++;
  }
  assert.deepEqual(closeFrameOf(frame.payload), GOODBYE);
  client.socket.end();
  assert.equal((await server.process.ended).code, 0);
});

test("a slow reader gets what waits for it before the 1001, and the process waits for that", TIMEOUT, async () => {
  await using server = await serve("--drain-window", "0");
  using client = await RawClient.open(server.port);
  const message = Buffer.alloc(14 * 2 ** 20, "x");
  client.socket.pause();
  await new Promise((resolve) => client.socket.write(maskedFrame(0x82, message), resolve));
  server.process.signal("SIGTERM");
  await server.process.logged("drained");
  client.socket.resume();
  assert.ok((await client.frame()).payload.equals(message));
  assert.deepEqual(await client.closeFrame(), GOODBYE);
  client.socket.end();
  assert.equal((await server.process.ended).code, 0);
});

test("a ws client sees a clean close", TIMEOUT, async () => {
  await using server = await serve();
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/ws`);
  await once(client, "open");
  server.process.signal("SIGTERM");
  const [code, reason] = await once(client, "close");
  assert.equal(code, 1001);
  assert.equal(String(reason), "server is shutting down");
  assert.equal((await server.process.ended).code, 0);
});

test("connections that are open at the deadline are cut, with exit code 0", TIMEOUT, async () => {
  await using server = await serve("--drain-window", "0", "--drain-deadline", "500ms");
  using deaf = await RawClient.open(server.port);
  const beganMs = performance.now();
  server.process.signal("SIGTERM");
  assert.deepEqual(await deaf.closeFrame(), GOODBYE);
  assert.equal((await server.process.ended).code, 0);
  // uWebSockets.js alone would give a peer that does not answer 4 to 8 s.
  assert.ok(performance.now() - beganMs < 3_000);
});

test("clients whose turn has not come by a second signal do not hold it up", TIMEOUT, async () => {
  await using server = await serve("--drain-window", "50s", "--drain-deadline", "55s");
  using _client = await RawClient.open(server.port);
  server.process.signal("SIGTERM");
  await server.process.logged("draining");
  const beganMs = performance.now();
  server.process.signal("SIGINT");
  assert.equal((await server.process.ended).signal, "SIGINT");
  assert.ok(performance.now() - beganMs < 5_000);
});

test("without clients a signal ends the process at once", TIMEOUT, async () => {
  await using server = await serve("--drain-window", "9s");
  const beganMs = performance.now();
  server.process.signal("SIGTERM");
  assert.equal((await server.process.ended).code, 0);
  assert.ok(performance.now() - beganMs < 5_000);
});

test("a server made from code drains and closes, and leaves its ports free", TIMEOUT, async () => {
  const server = createEchoServer({ port: 0, browserPort: 0, host: "127.0.0.1", drainWindowMs: 0 });
  const { port, browserPort } = await server.start();
  assert.ok(browserPort !== undefined && browserPort !== port);
  using first = await RawClient.open(port);
  using second = await RawClient.open(browserPort);
  await server.drain();
  assert.deepEqual(await first.closeFrame(), GOODBYE);
  assert.deepEqual(await second.closeFrame(), GOODBYE);
  assert.equal(server.stats().closed.drain, 2);
  server.close();
  await first.end();
  assert.equal(await refusal(port), "ECONNREFUSED");
  assert.equal(await refusal(browserPort), "ECONNREFUSED");
});

async function get(port: number, path: string): Promise<string> {
  using client = await RawClient.connect(port);
  client.request(`GET ${path} HTTP/1.1`, "Host: test");
  client.socket.end();
  return (await client.end()).toString();
}

/** Why a connection to the port fails. */
async function refusal(port: number): Promise<unknown> {
  const socket = connect(port, "127.0.0.1");
  const [error] = await once(socket, "error");
  return (error as NodeJS.ErrnoException).code;
}
