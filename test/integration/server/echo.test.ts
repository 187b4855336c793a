import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { WebSocket } from "ws";
import { HANDSHAKE, maskedFrame, RawClient } from "./raw-client.js";
import { serve } from "./server-process.js";

const MIB = 2 ** 20;
const TIMEOUT = { timeout: 60_000 };

test("a text message comes back as one text frame with the same bytes", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  client.write("81 85 37fa213d 7f9f4d5158"); // RFC 6455 5.7: a masked "Hello"
  assert.equal((await client.read(7)).toString("hex"), "810548656c6c6f");
});

test("a binary message comes back as a binary frame", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  client.write("82 83 37fa213d 37fbde"); // 00 01 ff
  assert.equal((await client.read(5)).toString("hex"), "82030001ff");
});

test("empty messages come back empty, text and binary", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  client.write("81 80 37fa213d  82 80 37fa213d");
  assert.equal((await client.read(4)).toString("hex"), "81008200");
});

test(
  "a fragmented message comes back as one, with a ping between its fragments answered at once",
  TIMEOUT,
  async () => {
    await using server = await serve();
    using client = await RawClient.open(server.port);
    client.write("01 83 00000000 48656c"); // "Hel", not the last
    client.write("89 82 00000000 0102"); // ping
    client.write("80 82 00000000 6c6f"); // "lo", the last
    assert.equal((await client.read(4)).toString("hex"), "8a020102");
    assert.equal((await client.read(7)).toString("hex"), "810548656c6c6f");
  },
);

test("a message that arrives byte by byte comes back whole", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  for (const byte of maskedFrame(0x82, Buffer.from("abc"))) {
    await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
  }
  assert.equal((await client.read(5)).toString("hex"), "8203616263");
});

test("lengths around each frame header's limits come back in order, byte for byte", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  const messages = [1, 124, 125, 126, 127, 65_535, 65_536, 65_537, 3].map((length) => randomBytes(length));
  for (const message of messages) client.socket.write(maskedFrame(0x82, message));
  for (const message of messages) {
    const frame = await client.frame();
    assert.equal(frame.opcode, 2);
    assert.ok(frame.payload.equals(message), `${message.length} bytes`);
  }
});

test("ten thousand pipelined messages come back once each and in order", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  const messages = Array.from({ length: 10_000 }, (_, index) => Buffer.from(`message ${index}`));
  client.socket.write(Buffer.concat(messages.map((message) => maskedFrame(0x81, message))));
  for (const message of messages) assert.equal((await client.frame()).payload.toString(), message.toString());
});

test("a message of exactly the limit, 16 MiB, comes back; in one frame and in fragments", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  const message = randomBytes(16 * MIB);
  client.socket.write(maskedFrame(0x82, message));
  assert.ok((await client.frame()).payload.equals(message));

  client.socket.write(maskedFrame(0x02, message.subarray(0, 10 * MIB)));
  client.socket.write(maskedFrame(0x80, message.subarray(10 * MIB)));
  assert.ok((await client.frame()).payload.equals(message));
});

test("a ping is answered with its own payload (RFC 6455 5.5.3)", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  client.write("89 84 00000000 deadbeef  89 80 00000000");
  assert.equal((await client.read(8)).toString("hex"), "8a04deadbeef8a00");
});

test("a close frame is answered with the same code (RFC 6455 5.5.1)", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  client.write("88 82 00000000 03e8");
  assert.equal((await client.closeFrame()).code, 1000);
  client.socket.end();
  assert.equal((await client.end()).length, 0);
});

test("permessage-deflate is negotiated and messages of many sizes survive the round trip", TIMEOUT, async () => {
  await using server = await serve();
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, { perMessageDeflate: { threshold: 0 } });
  await once(client, "open");
  assert.match(client.extensions, /permessage-deflate/);
  const texts = [0, 1, 100, 511, 512, 513, 5_000, 70_000, MIB].map((length) => "señal €100 ".repeat(length / 8 + 1));
  for (const text of texts) {
    client.send(text);
    const [data, isBinary] = await once(client, "message");
    assert.equal(isBinary, false);
    assert.equal(digest(data as Buffer), digest(Buffer.from(text)));
  }
  client.terminate();
});

test("with deflate, an echo is compressed from the threshold of 512 bytes on, and not below", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port, "Sec-WebSocket-Extensions: permessage-deflate");
  const short = Buffer.alloc(511, "x");
  const long = Buffer.alloc(512, "x");
  client.socket.write(Buffer.concat([maskedFrame(0x81, short), maskedFrame(0x81, long)]));
  const first = await client.frame();
  assert.equal(first.rsv1, false);
  assert.ok(first.payload.equals(short));
  const second = await client.frame();
  assert.equal(second.rsv1, true);
  assert.ok(second.payload.length < 512);
  // RFC 7692 7.2.2: the four bytes that the sender left off are put back.
  const inflated = inflateRawSync(Buffer.concat([second.payload, Buffer.from("0000ffff", "hex")]), { finishFlush: 2 });
  assert.ok(inflated.equals(long));
});

test("a client that did not offer deflate gets plain frames, also above the threshold", TIMEOUT, async () => {
  await using server = await serve();
  using client = await RawClient.open(server.port);
  const message = Buffer.alloc(4_000, "x");
  client.socket.write(maskedFrame(0x81, message));
  const frame = await client.frame();
  assert.equal(frame.rsv1, false);
  assert.ok(frame.payload.equals(message));
});

test(
  "an offer of deflate is accepted only where it can be honoured, and never with --no-deflate",
  TIMEOUT,
  async () => {
    await using compressing = await serve();
    await using plain = await serve("--no-deflate");
    for (const [port, offer, accepted] of [
      [compressing.port, "permessage-deflate; client_max_window_bits", true],
      [compressing.port, "permessage-deflate; server_max_window_bits=10", false],
      [compressing.port, "x-webkit-deflate-frame", false],
      [plain.port, "permessage-deflate", false],
    ] as const) {
      using client = await RawClient.connect(port);
      client.request(...HANDSHAKE, `Sec-WebSocket-Extensions: ${offer}`);
      const head = await client.head();
      assert.match(head, /^HTTP\/1\.1 101 /);
      assert.equal(/^Sec-WebSocket-Extensions: permessage-deflate/im.test(head), accepted, offer);
    }
  },
);

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
