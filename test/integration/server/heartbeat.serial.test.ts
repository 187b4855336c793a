import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createEchoServer } from "../../../src/index.js";
import { maskedFrame, RawClient } from "./raw-client.js";
import { serve } from "./server-process.js";

const TIMEOUT = { timeout: 60_000 };
const PING = "89 80 00000000";
const PONG = "8a 80 00000000";
const MESSAGE = "81 81 00000000 61";
/** A busy machine may be late; a heartbeat is never early. */
const LATE_MS = 1_500;

test("idle mode: a peer that says nothing is pinged, and closed with 1001 after the time-out", TIMEOUT, async () => {
  await using server = await serve("--idle-timeout", "2s");
  using client = await RawClient.open(server.port);
  const openedMs = performance.now();
  assert.equal((await client.read(2)).toString("hex"), "8900");
  const pingedMs = performance.now() - openedMs;
  assert.deepEqual(await client.closeFrame(), { code: 1001, reason: "idle for 2 s" });
  const closedMs = performance.now() - openedMs;
  assert.ok(pingedMs > 1_200 && pingedMs < closedMs, `pinged after ${pingedMs} ms`);
  assert.ok(closedMs > 1_950 && closedMs < 2_000 + LATE_MS, `closed after ${closedMs} ms`);
});

test(
  "idle mode: a pong, a ping or a message keeps the connection, whatever answers the server's ping",
  TIMEOUT,
  async () => {
    await using server = await serve("--idle-timeout", "1s");
    await Promise.all(
      [
        { sends: PONG, comesBack: "" },
        { sends: PING, comesBack: "8a00" },
        { sends: MESSAGE, comesBack: "810161" },
      ].map(async ({ sends, comesBack }) => {
        using client = await RawClient.open(server.port);
        const openedMs = performance.now();
        while (performance.now() - openedMs < 3_000) {
          assert.equal((await client.read(2)).toString("hex"), "8900", `after ${sends}`);
          client.write(sends);
          assert.equal((await client.read(comesBack.length / 2)).toString("hex"), comesBack);
        }
      }),
    );
  },
);

test("idle mode: a peer that takes a long echo slowly is alive, although it sends nothing", TIMEOUT, async () => {
  await using server = await serve("--idle-timeout", "4s", "--max-message", "64MiB");
  using client = await RawClient.open(server.port);
  const message = Buffer.alloc(64 * 2 ** 20, "x");
  client.socket.write(maskedFrame(0x82, message));
  const beganMs = performance.now();
  client.socket.on("data", () => {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), 8);
  });
  assert.ok((await client.frame()).payload.equals(message));
  assert.ok(performance.now() - beganMs > 5_000, "the echo took longer than the time-out");
  client.write(MESSAGE);
  let frame = await client.frame();
  while (frame.opcode === 9) frame = await client.frame();
  assert.equal(frame.payload.toString(), "a");
});

test("ping mode: messages and pongs do not keep a connection, and the server never pings", TIMEOUT, async () => {
  await using server = await serve("--idle-timeout", "2s", "--heartbeat", "ping");
  using client = await RawClient.open(server.port);
  const openedMs = performance.now();
  const chatter = setInterval(() => client.write(`${MESSAGE} ${PONG}`), 200);
  let echoes = 0;
  let frame = await client.frame();
  for (; frame.opcode === 1; frame = await client.frame()) echoes++;
  clearInterval(chatter);
  const closedMs = performance.now() - openedMs;
  assert.equal(frame.opcode, 8);
  assert.equal(frame.payload.toString("hex"), `03e9${Buffer.from("no ping for 2 s").toString("hex")}`);
  assert.ok(echoes > 3, `${echoes} echoes`);
  assert.ok(closedMs > 1_950 && closedMs < 2_000 + LATE_MS, `closed after ${closedMs} ms`);
});

test("ping mode: a client's pings keep the connection; after the last one the time-out runs", TIMEOUT, async () => {
  await using server = await serve("--idle-timeout", "1500ms", "--heartbeat", "ping");
  using client = await RawClient.open(server.port);
  for (let round = 0; round < 5; round++) {
    await sleep(600);
    client.write(PING);
    assert.equal((await client.read(2)).toString("hex"), "8a00");
  }
  const lastPingMs = performance.now();
  assert.deepEqual(await client.closeFrame(), { code: 1001, reason: "no ping for 1.5 s" });
  const closedMs = performance.now() - lastPingMs;
  assert.ok(closedMs > 1_450 && closedMs < 1_500 + LATE_MS, `closed after ${closedMs} ms`);
});

test("by default both modes close after 15 s: idle the silent, ping the one that only talks", TIMEOUT, async () => {
  await using idle = await serve();
  await using ping = await serve("--heartbeat", "ping");
  const times = await Promise.all(
    [idle, ping].map(async ({ port }) => {
      using client = await RawClient.open(port);
      const openedMs = performance.now();
      const chatter = port === ping.port ? setInterval(() => client.write(MESSAGE), 1_000) : undefined;
      let frame = await client.frame();
      while (frame.opcode !== 8) frame = await client.frame();
      clearInterval(chatter);
      assert.equal(frame.payload.readUInt16BE(0), 1001);
      return performance.now() - openedMs;
    }),
  );
  for (const closedMs of times)
    assert.ok(closedMs > 14_950 && closedMs < 15_000 + LATE_MS, `closed after ${closedMs} ms`);
});

test("a server that stood still for longer than the time-out blames nobody for it", TIMEOUT, async () => {
  await using server = await serve("--idle-timeout", "1s");
  using client = await RawClient.open(server.port);
  assert.equal((await client.read(2)).toString("hex"), "8900");
  client.write(PONG);
  server.process.signal("SIGSTOP");
  await sleep(3_000);
  server.process.signal("SIGCONT");
  for (let round = 0; round < 3; round++) {
    assert.equal((await client.read(2)).toString("hex"), "8900");
    client.write(PONG);
  }
});

test(
  "what a peer sent while the server was busy counts, although the deadline passed before it was read",
  TIMEOUT,
  async () => {
    const server = createEchoServer({ port: 0, browserPort: "off", heartbeat: "ping", idleTimeoutMs: 4_000 });
    const { port } = await server.start();
    using client = await RawClient.open(port);
    let sinceLastPingMs: number;
    do {
      client.write(PING);
      const lastPingMs = performance.now();
      assert.equal((await client.read(2)).toString("hex"), "8a00");
      await sleep(3_700);
      sinceLastPingMs = performance.now() - lastPingMs;
    } while (sinceLastPingMs > 3_900);
    // From here the event loop comes to its timers before it comes to its sockets.
    await new Promise((resolve) => setImmediate(resolve));
    client.write(PING);
    const untilMs = performance.now() + 4_200 - sinceLastPingMs;
    while (performance.now() < untilMs);
    assert.equal((await client.read(2)).toString("hex"), "8a00");
    client.write(MESSAGE);
    assert.equal((await client.read(3)).toString("hex"), "810161");
    server.close();
  },
);

test("a peer that never answers the close frame, and keeps sending, is cut soon after", TIMEOUT, async () => {
  await using server = await serve("--idle-timeout", "200ms", "--heartbeat", "ping");
  using client = await RawClient.open(server.port);
  assert.equal((await client.closeFrame()).code, 1001);
  const closedMs = performance.now();
  const noise = setInterval(() => client.socket.write(Buffer.alloc(1)), 100);
  await new Promise((resolve) => client.socket.once("close", resolve));
  clearInterval(noise);
  assert.ok(performance.now() - closedMs < 12_000, "uWebSockets.js ticks every 4 s, and gives it two ticks");
});

test("a peer that ends its side without a close frame is let go at once", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  client.write(MESSAGE);
  client.socket.end();
  const openMs = performance.now();
  const rest = await client.end();
  assert.ok(performance.now() - openMs < 5_000);
  assert.equal(rest.toString("hex"), "810161");
});
