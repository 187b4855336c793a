import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { monotonicNs } from "../../../bench/generator/clock.js";
import { Generator } from "../../../bench/generator/generator.js";
import type { WorkerReport } from "../../../bench/generator/messages.js";
import { acceptFor } from "../../../bench/protocol/handshake.js";
import { type Scenario, type ScenarioInput, scenarioSchema } from "../../../bench/scenario/scenario.js";
import { type ClientFrame, ClientFrameReader } from "../../honesty/servers/client-frames.js";
import type { Scope } from "../../tools/process.js";

/** Bytes to send, each piece in a segment of its own as far as the system allows. */
type Answer = (Buffer | "end")[];

interface Script {
  /** Frames sent together with the handshake's answer. */
  readonly greeting?: Buffer;
  /** What the server sends when it has read the client's data frame number `index`, from 0. */
  answer(frame: ClientFrame, index: number): Answer;
}

/** Runs one connection of a generator against a server that follows the script. */
async function converse(scope: Scope, script: Script, input: ScenarioInput = {}) {
  const frames: ClientFrame[] = [];
  const server = createServer((socket) => follow(socket, script, frames)).listen(0, "127.0.0.1");
  scope.after(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const scenario: Scenario = scenarioSchema.parse({
    connections: 1,
    warmupMs: 0,
    durationMs: 200,
    messageTimeoutMs: 2_000,
    connectTimeoutMs: 2_000,
    ...input,
  });
  const generator = new Generator(
    {
      scenario,
      worker: 0,
      workers: 1,
      connections: scenario.connections,
      localAddresses: [],
      pacing: "timer",
      target: { address: "127.0.0.1", port, authority: `127.0.0.1:${port}`, resource: "/ws" },
    },
    { onConnecting() {}, onInterval() {} },
  );
  const connected = await generator.connect(monotonicNs());
  const startNs = monotonicNs();
  const windowEndNs = startNs + scenario.durationMs * 1e6;
  const report = await generator.load({ startNs, windowStartNs: startNs, windowEndNs }, 0, 0);
  return { connected, report, frames, generator };
}

function follow(socket: Socket, script: Script, frames: ClientFrame[]): void {
  const reader = new ClientFrameReader();
  let shaken = false;
  let index = 0;
  const pieces: Answer = [];
  let sending = false;
  // One piece after the other, each when the kernel has taken the one before.
  const sendNext = () => {
    const piece = pieces.shift();
    sending = piece !== undefined;
    if (piece === "end") socket.end();
    else if (piece !== undefined) socket.write(piece, () => setImmediate(sendNext));
  };
  const send = (answer: Answer) => {
    pieces.push(...answer);
    if (!sending) sendNext();
  };
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    if (!shaken) {
      shaken = true;
      const key = /Sec-WebSocket-Key: (\S+)/.exec(chunk.toString("latin1"))![1]!;
      const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), script.greeting ?? Buffer.alloc(0)]));
      return;
    }
    for (const frame of reader.push(chunk)) {
      frames.push(frame);
      if (frame.opcode === 8) send([hex(`88 02 ${frame.payload.toString("hex")}`), "end"]);
      else if (frame.opcode < 8) send(script.answer(frame, index++));
    }
  });
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

/** An exact echo of a message below 126 bytes. */
function echo({ opcode, payload }: ClientFrame): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}

function assertAllAnswered({ counters, lost, inFlight }: WorkerReport): void {
  assert.ok(counters.received > 0);
  assert.deepEqual([counters.received, lost, inFlight], [counters.sent, 0, 0]);
  const { corrupted, duplicated, unexpected, reordered, wrongOpcode } = counters;
  assert.deepEqual(
    { corrupted, duplicated, unexpected, reordered, wrongOpcode },
    { corrupted: 0, duplicated: 0, unexpected: 0, reordered: 0, wrongOpcode: 0 },
  );
}

const TINY: ScenarioInput = { payloadBytes: 10 };

test("answers cut at any byte are recognised", async (t) => {
  const { report } = await converse(
    t,
    {
      answer(frame, index) {
        const bytes = echo(frame);
        const cut = index % (bytes.length + 1);
        return [bytes.subarray(0, cut), bytes.subarray(cut)];
      },
    },
    TINY,
  );
  assertAllAnswered(report);
  assert.ok(report.counters.received > 24, "each cut came twice");
  assert.equal(report.counters.receivedBytes, report.counters.received * 12);
});

test("answers that come byte by byte are recognised, in line with what is in flight", async (t) => {
  const { report } = await converse(
    t,
    { answer: (frame) => Array.from(echo(frame), (byte) => Buffer.from([byte])) },
    { ...TINY, loop: { kind: "closed", inFlight: 3 } },
  );
  assertAllAnswered(report);
});

test("a corrupt byte is found wherever the answer is cut", async (t) => {
  let corrupted = 0;
  const { report } = await converse(
    t,
    {
      answer(frame, index) {
        const bytes = echo(frame);
        const cut = index % (bytes.length + 1);
        if (index % 3 === 0) {
          corrupted++;
          bytes[2 + (index % 10)]! ^= 0x20;
        }
        return [bytes.subarray(0, cut), bytes.subarray(cut)];
      },
    },
    TINY,
  );
  assert.ok(corrupted > 10);
  assert.equal(report.counters.corrupted, corrupted);
  assert.equal(report.counters.received, report.counters.sent);
  assert.equal(report.lost, 0);
});

test("a ping between fragments is answered with its payload, and the message counts once", async (t) => {
  const { report, frames } = await converse(
    t,
    {
      answer({ opcode, payload }) {
        const first = Buffer.concat([Buffer.from([opcode, 4]), payload.subarray(0, 4)]);
        const last = Buffer.concat([Buffer.from([0x80, 6]), payload.subarray(4)]);
        return [first, hex("89 04 70696e67"), last];
      },
    },
    TINY,
  );
  assertAllAnswered(report);
  assert.equal(report.counters.fragmented, report.counters.received);
  assert.equal(report.counters.pings, report.counters.received);
  const pongs = frames.filter(({ opcode }) => opcode === 10);
  assert.equal(pongs.length, report.counters.pings);
  for (const { payload, key, fin } of pongs) {
    assert.equal(payload.toString("latin1"), "ping");
    assert.ok(fin && key !== null, "a client's frame is masked (RFC 6455, 5.1)");
  }
});

test("pongs that nobody asked for are counted and allowed (RFC 6455, 5.5.3)", async (t) => {
  const { report } = await converse(t, { answer: (frame) => [Buffer.concat([hex("8a 01 41"), echo(frame)])] }, TINY);
  assertAllAnswered(report);
  assert.equal(report.counters.pongs, report.counters.received);
});

test("frames in the segment of the handshake's answer are read", async (t) => {
  const greeting = hex("81 05 48656c6c6f 89 00");
  const { report } = await converse(t, { greeting, answer: (frame) => [echo(frame)] }, TINY);
  assert.equal(report.counters.unexpected, 1);
  assert.equal(report.counters.pings, 1);
  assert.equal(report.counters.received, report.counters.sent);
});

test("each connection ends with the closing handshake and code 1000", async (t) => {
  const { frames } = await converse(t, { answer: (frame) => [echo(frame)] }, TINY);
  const last = frames.at(-1)!;
  assert.equal(last.opcode, 8);
  assert.equal(last.payload.toString("hex"), "03e8");
  assert.ok(last.key !== null);
});

test("a close frame is answered with its code, and its reason is told", async (t) => {
  const { report, frames } = await converse(t, { answer: () => [hex("88 0b 03f7 676f6f6420627965 21"), "end"] }, TINY);
  assert.deepEqual(report.endings, { "close 1015 good bye!": 1 });
  assert.equal(report.openAtEnd, 0);
  assert.equal(report.lost, 1);
  const close = frames.find(({ opcode }) => opcode === 8)!;
  assert.equal(close.payload.toString("hex"), "03f7");
});

test("a close frame without a code is told as 1005", async (t) => {
  const { report } = await converse(t, { answer: () => [hex("88 00"), "end"] }, TINY);
  assert.deepEqual(report.endings, { "close 1005": 1 });
});

const VIOLATIONS: readonly [what: string, frames: string, ending: RegExp][] = [
  ["a length that no memory holds", "82 7f 7fffffffffffffff 00", /more than 1048576 bytes/],
  ["a length in a longer form than needed", "82 7e 0001 00", /longer form/],
  ["a masked frame", "81 81 00000000 41", /masked/],
  ["a reserved opcode", "83 00", /reserved opcode 3/],
  ["a compressed frame that nobody negotiated", "c1 00", /RSV1/],
  ["a continuation of nothing", "80 00", /nothing to continue/],
];

for (const [what, frames, ending] of VIOLATIONS) {
  test(`${what} ends the connection, and what is under way on it is lost`, async (t) => {
    // The first answer is right, so that the violation comes on the path that is not parsed.
    const script: Script = { answer: (frame, index) => [index === 0 ? echo(frame) : hex(frames)] };
    const { report } = await converse(t, script, { ...TINY, loop: { kind: "closed", inFlight: 2 } });
    const [reason, count] = Object.entries(report.endings)[0]!;
    assert.match(reason, /^protocol: /);
    assert.match(reason, ending);
    assert.equal(count, 1);
    assert.deepEqual([report.counters.received, report.lost, report.openAtEnd], [1, report.counters.sent - 1, 0]);
    assert.equal(report.counters.unexpected + report.counters.corrupted, 0);
  });
}

test("answers behind a violation in the same segment do not count", async (t) => {
  const { report } = await converse(
    t,
    { answer: (frame) => [Buffer.concat([hex("82 7e 0001 00"), echo(frame)])] },
    TINY,
  );
  assert.equal(report.counters.received, 0);
  assert.deepEqual([report.counters.sent, report.lost], [1, 1]);
});

test("an answer before a violation in the same segment counts, and nothing is sent after it", async (t) => {
  const { report } = await converse(t, { answer: (frame) => [Buffer.concat([echo(frame), hex("83 00")])] }, TINY);
  assert.deepEqual([report.counters.sent, report.counters.received, report.lost], [1, 1, 0]);
});

test("a handshake that is refused is told, and no message is sent", async (t) => {
  const refusing = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"));
  }).listen(0, "127.0.0.1");
  t.after(() => void refusing.close());
  await once(refusing, "listening");
  const { port } = refusing.address() as { port: number };
  const scenario = scenarioSchema.parse({ connections: 3, durationMs: 100, warmupMs: 0 });
  const generator = new Generator(
    {
      scenario,
      worker: 0,
      workers: 1,
      connections: 3,
      localAddresses: ["127.0.0.2", "127.0.0.3"],
      pacing: "timer",
      target: { address: "127.0.0.1", port, authority: "a", resource: "/" },
    },
    { onConnecting() {}, onInterval() {} },
  );
  const { established, failures } = await generator.connect(monotonicNs());
  assert.equal(established, 0);
  assert.deepEqual(failures, { "status 429": 3 });
});
