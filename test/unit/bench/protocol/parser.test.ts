import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageParser } from "../../../../bench/protocol/parser.js";

interface Options {
  compressionAllowed?: boolean;
  maxMessageBytes?: number;
}

/** What a parser handed over: "1 48656c6c6f" for a text message, "1* ..." for a compressed one, "ping ...", "! reason". */
class Log {
  readonly events: string[] = [];
  readonly frames: number[] = [];
  readonly parser: MessageParser;

  constructor({ compressionAllowed = false, maxMessageBytes = 1_000 }: Options = {}) {
    this.parser = new MessageParser(
      {
        onMessage: (opcode, payload, compressed, frames) => {
          this.events.push(`${opcode}${compressed ? "*" : ""} ${payload.toString("hex")}`);
          this.frames.push(frames);
        },
        onControl: (opcode, payload) => this.events.push(`${CONTROL[opcode]} ${payload.toString("hex")}`),
        onViolation: (reason) => this.events.push(`! ${reason}`),
      },
      { compressionAllowed, maxMessageBytes },
    );
  }

  push(...chunks: Buffer[]): this {
    for (const chunk of chunks) {
      // Read from the middle of a buffer that is used again, as a socket's is.
      const shared = Buffer.concat([Buffer.from([0xee]), chunk, Buffer.from([0xee])]);
      this.parser.push(shared, 1, 1 + chunk.length);
      shared.fill(0xdd);
    }
    return this;
  }
}

const CONTROL: Readonly<Record<number, string>> = { 8: "close", 9: "ping", 10: "pong" };

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function parse(hex: string, options?: Options): string[] {
  return new Log(options).push(bytes(hex)).events;
}

test("the unmasked examples of RFC 6455, 5.7 are read", () => {
  assert.deepEqual(parse("81 05 48656c6c6f"), ["1 48656c6c6f"]);
  assert.deepEqual(parse("01 03 48656c  80 02 6c6f"), ["1 48656c6c6f"]);
  assert.deepEqual(parse("89 05 48656c6c6f"), ["ping 48656c6c6f"]);
});

test("each form of the length is read", () => {
  const payload = (length: number) => Buffer.alloc(length, 0xab);
  const read = (header: string, length: number) =>
    new Log({ maxMessageBytes: 70_000 }).push(Buffer.concat([bytes(header), payload(length)])).events;
  assert.deepEqual(read("8200", 0), ["2 "]);
  assert.deepEqual(read("827d", 125), [`2 ${payload(125).toString("hex")}`]);
  assert.deepEqual(read("827e007e", 126), [`2 ${payload(126).toString("hex")}`]);
  assert.deepEqual(read("827effff", 65_535), [`2 ${payload(65_535).toString("hex")}`]);
  assert.deepEqual(read("827f0000000000010000", 65_536), [`2 ${payload(65_536).toString("hex")}`]);
});

test("messages that come in one chunk are handed over one by one", () => {
  assert.deepEqual(parse("81 01 41  82 02 0102  81 00  8a 00"), ["1 41", "2 0102", "1 ", "pong "]);
});

test("control frames between fragments are handed over as they come", () => {
  const log = new Log().push(bytes("01 02 4142  89 01 70  00 00  8a 00  80 01 43  88 02 03e8"));
  assert.deepEqual(log.events, ["ping 70", "pong ", "1 414243", "close 03e8"]);
  assert.deepEqual(log.frames, [3]);
});

test("a message tells in how many frames it came", () => {
  assert.deepEqual(
    new Log().push(bytes("81 01 41  01 01 41 80 01 42  02 00 00 00 00 00 80 00  82 00")).frames,
    [1, 2, 4, 1],
  );
});

const WIRE = bytes(
  `81 05 48656c6c6f  02 03 010203  89 02 7069  00 7e 007e ${"aa".repeat(126)}  80 01 04  82 00  88 05 03e8627965`,
);
const WIRE_EVENTS = ["1 48656c6c6f", "ping 7069", `2 010203${"aa".repeat(126)}04`, "2 ", "close 03e8627965"];

test("chunks cut at any byte give the same messages", () => {
  for (let cut = 0; cut <= WIRE.length; cut++) {
    const log = new Log().push(WIRE.subarray(0, cut), WIRE.subarray(cut));
    assert.deepEqual(log.events, WIRE_EVENTS, `cut at ${cut}`);
  }
});

test("chunks cut at any two bytes give the same messages", () => {
  for (let first = 0; first <= WIRE.length; first++) {
    for (let second = first; second <= WIRE.length; second++) {
      const log = new Log().push(WIRE.subarray(0, first), WIRE.subarray(first, second), WIRE.subarray(second));
      assert.deepEqual(log.events, WIRE_EVENTS, `cut at ${first} and ${second}`);
    }
  }
});

test("bytes that come one at a time give the same messages", () => {
  assert.deepEqual(new Log().push(...Array.from(WIRE, (byte) => Buffer.from([byte]))).events, WIRE_EVENTS);
});

test("a long header cut at each of its bytes is put together", () => {
  const wire = Buffer.concat([bytes("827f0000000000010000"), Buffer.alloc(65_536, 7)]);
  for (let cut = 0; cut <= 11; cut++) {
    const log = new Log({ maxMessageBytes: 65_536 }).push(wire.subarray(0, cut), wire.subarray(cut));
    assert.deepEqual(log.events, [`2 ${"07".repeat(65_536)}`], `cut at ${cut}`);
  }
});

test("a boundary is where no frame and no message is begun", () => {
  const log = new Log();
  const steps: [chunk: string, atBoundary: boolean][] = [
    ["81", false],
    ["01", false],
    ["41", true],
    ["8100", true],
    ["0100", false],
    ["8900", false],
    ["8000", true],
  ];
  assert.equal(log.parser.atBoundary, true);
  for (const [chunk, atBoundary] of steps) {
    assert.equal(log.push(bytes(chunk)).parser.atBoundary, atBoundary, `after ${chunk}`);
  }
});

test("a compressed message is marked as such, also in fragments, and the one after it is not", () => {
  const log = new Log({ compressionAllowed: true }).push(bytes("c1 01 41  41 01 41  80 01 42  81 01 43"));
  assert.deepEqual(log.events, ["1* 41", "1* 4142", "1 43"]);
});

const VIOLATIONS: [what: string, wire: string, reason: RegExp, options?: Options][] = [
  ["a masked frame", "81 81 00000000 41", /masked.*5\.1/],
  ["an empty masked frame", "81 80 00000000", /masked.*5\.1/],
  ["RSV1 without an extension", "c1 00", /RSV1 without/],
  ["RSV2", "a1 00", /reserved bit/],
  ["RSV3", "91 00", /reserved bit/],
  ["RSV3 although compression is agreed", "d1 00", /reserved bit/, { compressionAllowed: true }],
  ["opcode 3", "83 00", /reserved opcode 3/],
  ["opcode 7", "87 00", /reserved opcode 7/],
  ["opcode 11", "8b 00", /reserved opcode 11/],
  ["opcode 15", "8f 00", /reserved opcode 15/],
  ["a fragmented ping", "09 00", /fragmented control.*5\.5/],
  ["a fragmented close", "08 02 03e8", /fragmented control.*5\.5/],
  ["a compressed ping", "c9 00", /compressed control/, { compressionAllowed: true }],
  ["a ping of 126 bytes", `89 7e 007e ${"00".repeat(126)}`, /over 125 bytes.*5\.5/],
  ["a ping with a 64-bit length", "89 7f 0000000000000001 41", /over 125 bytes.*5\.5/],
  ["a continuation of nothing", "80 01 41", /nothing to continue.*5\.4/],
  ["a continuation of a finished message", "01 00 80 00 80 00", /nothing to continue.*5\.4/],
  ["text inside a fragmented text", "01 01 41 81 01 42", /inside a fragmented.*5\.4/],
  ["binary inside a fragmented text", "01 01 41 02 01 42", /inside a fragmented.*5\.4/],
  ["RSV1 on a continuation", "41 01 41 c0 01 42", /RSV1 on a continuation/, { compressionAllowed: true }],
  ["125 in the 16-bit form", `82 7e 007d ${"00".repeat(125)}`, /longer form.*5\.2/],
  ["0 in the 16-bit form", "82 7e 0000", /longer form.*5\.2/],
  ["0 in the 64-bit form", "82 7f 0000000000000000", /longer form.*5\.2/],
  ["65535 in the 64-bit form", "82 7f 000000000000ffff 00", /longer form.*5\.2/],
  ["a length with its highest bit set", "82 7f 8000000000000000 00", /more than 1000 bytes/],
  ["a length that no memory holds", "82 7f 7fffffffffffffff 00", /more than 1000 bytes/],
  ["a message above the limit", "82 7e 03e9 00", /more than 1000 bytes/],
  ["fragments above the limit together", `02 7e 03e8 ${"00".repeat(1_000)} 80 01 00`, /more than 1000 bytes/],
];

for (const [what, wire, reason, options] of VIOLATIONS) {
  test(`${what} from a server ends the parsing`, () => {
    // What follows would be a message if parsing went on.
    const whole = Buffer.concat([bytes("81 02 6f6b"), bytes(wire), bytes("8101418200")]);
    const chunked = [...whole].map((byte) => Buffer.from([byte]));
    for (const log of [new Log(options).push(whole), new Log(options).push(...chunked)]) {
      assert.equal(log.events[0], "1 6f6b");
      const violation = log.events.findIndex((event) => event.startsWith("! "));
      assert.match(log.events[violation] ?? "no violation", reason);
      assert.deepEqual(log.events.slice(violation + 1), [], "nothing is handed over after the violation");
    }
  });
}

test("a message of just the limit is read, whole and in fragments, with control frames between", () => {
  const payload = "00".repeat(1_000);
  assert.deepEqual(parse(`82 7e 03e8 ${payload}`), [`2 ${payload}`]);
  assert.deepEqual(parse(`02 7e 03e8 ${payload}  89 05 0102030405  80 00`), ["ping 0102030405", `2 ${payload}`]);
});

test("a control frame of 125 bytes is allowed", () => {
  assert.deepEqual(parse(`89 7d ${"70".repeat(125)}`), [`ping ${"70".repeat(125)}`]);
});
