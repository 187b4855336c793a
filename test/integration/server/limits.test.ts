import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { WebSocket } from "ws";
import { createEchoServer } from "../../../src/index.js";
import { closeFrameOf, maskedFrame, RawClient } from "./raw-client.js";
import { serve } from "./server-process.js";

const KIB = 1024;
const TIMEOUT = { timeout: 60_000 };

test(
  "a message one byte above the limit is answered with 1009 and not echoed; the limit itself is echoed",
  TIMEOUT,
  async () => {
    await using server = await serve("--max-message", "1KiB");
    using client = await RawClient.open(server.port);
    client.socket.write(maskedFrame(0x82, Buffer.alloc(KIB)));
    assert.equal((await client.frame()).payload.length, KIB);
    client.socket.write(maskedFrame(0x82, Buffer.alloc(KIB + 1)));
    assert.deepEqual(await client.closeFrame(), {
      code: 1009,
      reason: "message of 1025 bytes; at most 1024 are echoed",
    });
  },
);

test("the limit counts a fragmented message as a whole", TIMEOUT, async () => {
  await using server = await serve("--max-message", "1KiB");
  using client = await RawClient.open(server.port);
  client.socket.write(maskedFrame(0x02, Buffer.alloc(600)));
  client.socket.write(maskedFrame(0x80, Buffer.alloc(600)));
  assert.equal((await client.closeFrame()).code, 1009);
});

test("the limit counts a compressed message after inflating", TIMEOUT, async () => {
  await using server = await serve("--max-message", "1KiB");
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, { perMessageDeflate: { threshold: 0 } });
  const code = await new Promise((resolve, reject) => {
    client.on("open", () => client.send("x".repeat(1_500)));
    client.on("close", resolve);
    client.on("error", reject);
  });
  assert.equal(code, 1009);
});

test("a slow reader gets an exact beginning of its echoes, then 1013, and nothing after", TIMEOUT, async () => {
  await using server = await serve("--max-buffered", "256KiB");
  using client = await RawClient.open(server.port);
  client.socket.pause();
  // More than the limit and the kernel's buffers of both sides together.
  const messages = Array.from({ length: 3_000 }, (_, index) => numbered(index, 16 * KIB));
  await writeAll(client, messages);
  client.socket.resume();

  let echoed = 0;
  let frame = await client.frame();
  for (; frame.opcode === 2; frame = await client.frame()) {
    assert.ok(frame.payload.equals(messages[echoed]), `echo ${echoed}`);
    echoed++;
  }
  assert.equal(frame.opcode, 8);
  assert.deepEqual(closeFrameOf(frame.payload), {
    code: 1013,
    reason: "slow reader; more than 262144 bytes waited for it",
  });
  assert.ok(echoed > 16 && echoed < messages.length, `${echoed} echoes`);
  assert.equal((await client.end()).length, 0);
});

test("a reader that is slow at first and then catches up loses nothing and stays connected", TIMEOUT, async () => {
  await using server = await serve("--max-buffered", "64MiB");
  using client = await RawClient.open(server.port);
  for (let round = 0; round < 2; round++) {
    client.socket.pause();
    const messages = Array.from({ length: 2_000 }, (_, index) => numbered(index, 16 * KIB));
    await writeAll(client, messages);
    client.socket.resume();
    for (const message of messages) assert.ok((await client.frame()).payload.equals(message));
  }
});

test("pings whose answers are not read count as slow reading, too", TIMEOUT, async () => {
  await using server = await serve("--max-buffered", "16KiB");
  using client = await RawClient.open(server.port);
  client.socket.pause();
  const pings = Buffer.concat(Array.from({ length: 200_000 }, () => maskedFrame(0x89, Buffer.alloc(125))));
  await writeAll(client, [pings], false);
  client.socket.resume();
  let frame = await client.frame();
  while (frame.opcode === 10) frame = await client.frame();
  assert.equal(closeFrameOf(frame.payload).code, 1013);
});

test("one message may wait even when it is longer than what may be buffered", TIMEOUT, async () => {
  await using server = await serve("--max-buffered", "1KiB");
  using client = await RawClient.open(server.port);
  client.socket.pause();
  const message = numbered(0, 12 * KIB * KIB);
  await writeAll(client, [message]);
  client.socket.resume();
  assert.ok((await client.frame()).payload.equals(message));
});

test("a throw in the message handler closes that connection with 1011 and no other", TIMEOUT, async () => {
  const lines: string[] = [];
  const server = createEchoServer({
    port: 0,
    browserPort: "off",
    host: "127.0.0.1",
    log: pino({}, { write: (line) => lines.push(line) }),
    onMessage: (message) => {
      if (message.byteLength === 3) throw new Error("three bytes are one too many");
    },
  });
  const { port } = await server.start();
  using good = await RawClient.open(port);
  using bad = await RawClient.open(port);
  good.write("82 81 00000000 01");
  bad.write("82 82 00000000 0102");
  assert.equal((await good.read(3)).toString("hex"), "820101");
  assert.equal((await bad.read(4)).toString("hex"), "82020102");

  bad.write("82 83 00000000 010203");
  assert.deepEqual(await bad.closeFrame(), { code: 1011, reason: "internal error" });
  good.write("82 81 00000000 02");
  assert.equal((await good.read(3)).toString("hex"), "820102");

  assert.equal(lines.length, 1);
  assert.match(lines[0], /"message":"three bytes are one too many".*"msg":"handler failed"/);
  const stats = server.stats();
  assert.equal(stats.closed.handlerError, 1);
  assert.equal(stats.connectionsOpen, 1);
  assert.equal(stats.messagesIn, 4);
  assert.equal(stats.messagesOut, 3);
  assert.equal(stats.bytesIn, 7);
  assert.equal(stats.bytesOut, 4);
  server.close();
});

function numbered(index: number, bytes: number): Buffer {
  const message = Buffer.alloc(bytes, index);
  message.writeUInt32BE(index);
  return message;
}

/** Resolves when the kernel, and so the server, has taken the last byte but for the socket buffers. */
async function writeAll(client: RawClient, parts: readonly Buffer[], mask = true): Promise<void> {
  const bytes = Buffer.concat(mask ? parts.map((part) => maskedFrame(0x82, part)) : parts);
  await new Promise<void>((resolve, reject) => {
    client.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
