import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateRawSync } from "node:zlib";
import { HANDSHAKE, maskedFrame, RawClient } from "../integration/server/raw-client.js";
import { type RunningServer, serve } from "../integration/server/server-process.js";

const TIMEOUT = { timeout: 60_000 };
const KIB = 1024;
const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate";

/** Each line of docs/DEVIATIONS.md, by its first cell, and what shows that it is so. */
const DEVIATIONS: Readonly<Record<string, (server: RunningServer) => Promise<void>>> = {
  "RFC 6455 7.1.7: a protocol error is answered with 1002": async (server) => {
    for (const [what, hex] of [
      ["reserved opcode 3", "83 80 00000000"],
      ["RSV2", "a1 80 00000000"],
      ["RSV1 without deflate", "c1 81 00000000 61"],
      ["a fragmented ping", "09 80 00000000"],
      ["a ping of 126 bytes", `89 fe 007e 00000000 ${"61".repeat(126)}`],
      ["a continuation of nothing", "80 81 00000000 61"],
      ["a length of 2^63 and more", "82 ff 8000000000000001 00000000"],
      ["text in the middle of a fragmented text", "01 81 00000000 61  81 81 00000000 62"],
    ]) {
      await closesBare(server, hex, what);
    }
  },

  "RFC 6455 8.1: invalid UTF-8 is answered with 1007": async (server) => {
    await closesBare(server, "81 81 00000000 ff", "in one frame");
    await closesBare(server, "01 81 00000000 e2  80 81 00000000 28", "across fragments");
  },

  "RFC 7692 7.2.2: data that does not inflate fails the connection": async (server) => {
    await closesBare(server, "c1 82 00000000 ffff", "garbage", DEFLATE);
  },

  "RFC 6455 7.4.1: a message that is too big is answered with 1009": async (server) => {
    using above = await RawClient.open(server.port);
    above.socket.write(maskedFrame(0x82, Buffer.alloc(2 * KIB + 65_536)));
    assert.equal((await above.closeFrame()).code, 1009);
    await closesBare(server, "82 ff 0000000000010801 00000000", "one byte beyond twice the limit and 64 KiB");
  },

  "RFC 6455 5.1: an unmasked frame closes the connection": async (server) => {
    using client = await RawClient.open(server.port);
    client.write("81 05 48656c6c6f"); // "Hello", its first four bytes taken for the mask
    client.write("62637e21"); // what completes it
    const frame = await client.frame();
    assert.equal(frame.opcode, 1);
    assert.equal(frame.payload.toString("hex"), "27070f1269");
  },

  "RFC 6455 5.4: the fragments of two messages must not be mixed": async (server) => {
    using client = await RawClient.open(server.port);
    client.write("02 81 00000000 61  82 81 00000000 62");
    assert.equal((await client.read(4)).toString("hex"), "82026162");
  },

  "RFC 6455 5.2: RSV1 on a control frame is an error": async (server) => {
    using client = await RawClient.open(server.port, DEFLATE);
    client.write("c9 81 00000000 61");
    assert.equal((await client.read(3)).toString("hex"), "8a0161");
  },

  "RFC 7692 6.1: RSV1 is set on a message's first frame only": async (server) => {
    using client = await RawClient.open(server.port, DEFLATE);
    const deflated = deflateRawSync(Buffer.from("Hello"), { finishFlush: 2 }).subarray(0, -4);
    client.socket.write(maskedFrame(0x01, deflated.subarray(0, 3)));
    client.socket.write(maskedFrame(0xc0, deflated.subarray(3)));
    assert.equal((await client.frame()).payload.toString(), "Hello");
  },

  "RFC 6455 5.2: a length is written in the fewest bytes": async (server) => {
    using client = await RawClient.open(server.port);
    client.write("82 fe 0001 00000000 61");
    assert.equal((await client.read(3)).toString("hex"), "820161");
  },

  "RFC 6455 7.4: a close code that must not be sent is a protocol error": async (server) => {
    const forbidden = [999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map((code) => [
      `88 82 00000000 ${hex16(code)}`,
      code,
    ]);
    for (const [hex, what] of [
      ...forbidden,
      ["88 81 00000000 03", "1 byte"],
      ["88 83 00000000 03e8 ff", "bad UTF-8"],
    ]) {
      await answersClose(server, String(hex), "8800", String(what));
    }
  },

  "RFC 6455 5.5.1: a close frame is answered with its code": async (server) => {
    for (const code of [1012, 1014, 3000, 3999]) {
      await answersClose(server, `88 82 00000000 ${hex16(code)}`, "8800", String(code));
    }
    for (const code of [1000, 1001, 1011, 4000, 4999]) {
      await answersClose(server, `88 82 00000000 ${hex16(code)}`, `8802${hex16(code)}`, String(code));
    }
  },

  "RFC 6455 4.1: a client waits for the handshake's answer": async (server) => {
    using client = await RawClient.connect(server.port);
    client.socket.write(
      Buffer.concat([Buffer.from(`${HANDSHAKE.join("\r\n")}\r\n\r\n`), maskedFrame(0x81, Buffer.from("lost"))]),
    );
    assert.match(await client.head(), /^HTTP\/1\.1 101 /);
    client.write("81 81 00000000 61");
    assert.equal((await client.read(3)).toString("hex"), "810161");
  },

  "RFC 9112 3.2.2: a server accepts a target in absolute form": async (server) => {
    using client = await RawClient.connect(server.port);
    client.request("GET http://test/ws HTTP/1.1", ...HANDSHAKE.slice(1));
    assert.match(await client.head(), /^HTTP\/1\.1 505 /);
  },

  "own promise: a slow reader gets 1013": async () => {
    await using server = await serve("--max-buffered", "64KiB");
    using client = await RawClient.open(server.port);
    client.socket.pause();
    const message = Buffer.alloc(64 * KIB, "x");
    const frames = Buffer.concat(Array.from({ length: 800 }, () => maskedFrame(0x82, message)));
    await new Promise((resolve) => client.socket.write(frames, resolve));
    // The server's patience itself is under test.
    await sleep(14_000);
    client.socket.resume();
    const all = await client.end();
    const whole = Math.floor(all.length / (message.length + 10));
    assert.ok(whole > 0 && whole < 800, `${whole} echoes`);
    for (let i = 0; i < whole; i++) {
      const start = i * (message.length + 10);
      assert.equal(all.subarray(start, start + 10).toString("hex"), "827f0000000000010000");
    }
    assert.ok(!all.subarray(-100).includes(Buffer.from("slow reader")));
  },

  "own promise: any byte counts as a sign of life": async () => {
    await using server = await serve("--idle-timeout", "1s");
    using client = await RawClient.open(server.port);
    client.write("82 fe 0200 00000000");
    const trickle = setInterval(() => client.write("61"), 50);
    let frame = await client.frame();
    while (frame.opcode === 9) frame = await client.frame();
    clearInterval(trickle);
    assert.equal(frame.payload.readUInt16BE(0), 1001);
  },
};

test("each deviation is as docs/DEVIATIONS.md says", TIMEOUT, async (t) => {
  await using server = await serve("--max-message", "1KiB");
  for (const [rule, shows] of Object.entries(DEVIATIONS)) await t.test(rule, () => shows(server));
});

test("docs/DEVIATIONS.md has these lines and no others", () => {
  const document = readFileSync(new URL("../../../docs/DEVIATIONS.md", import.meta.url), "utf8");
  const rules = [...document.matchAll(/^\| ((?:RFC|own) [^|]*) \|/gm)].map(([, rule]) => rule);
  assert.deepEqual(rules, Object.keys(DEVIATIONS));
});

/** The connection ends without any frame. */
async function closesBare(server: RunningServer, hex: string, what: string, ...lines: string[]): Promise<void> {
  using client = await RawClient.open(server.port, ...lines);
  client.write(hex);
  assert.equal((await client.end()).toString("hex"), "", what);
}

async function answersClose(server: RunningServer, hex: string, answer: string, what: string): Promise<void> {
  using client = await RawClient.open(server.port);
  client.write(hex);
  assert.equal((await client.end()).toString("hex"), answer, what);
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, "0");
}
