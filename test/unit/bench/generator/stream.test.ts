import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";
import { MessageStream } from "../../../../bench/generator/stream.js";
import { decompressMessage } from "../../../../bench/protocol/deflate.js";
import { OPCODE } from "../../../../bench/protocol/frame.js";
import { MessageParser } from "../../../../bench/protocol/parser.js";
import { ClientFrameReader } from "../../../honesty/servers/client-frames.js";

const MAX_READ_BYTES = 64 * 1024;

interface Choice {
  payloadBytes: number;
  payloadType?: "binary" | "text";
  deflate?: boolean;
  seed?: number;
  maxBatch?: number;
}

function streamOf({ payloadBytes, payloadType = "binary", deflate = false, seed = 1, maxBatch = 8 }: Choice) {
  return new MessageStream({ payloadBytes, payloadType, deflate, seed }, maxBatch, MAX_READ_BYTES);
}

const SIZES = [0, 1, 2, 3, 4, 5, 125, 126, 1_024, 65_536, 1 << 20];

test("the cycle is as long as its memory allows, and never longer than its indices reach", () => {
  const length = (payloadBytes: number) => streamOf({ payloadBytes }).length;
  assert.deepEqual(SIZES.map(length), [1, 64, 4_096, 4_096, 4_096, 4_096, 4_096, 4_096, 1_024, 16, 4]);
});

for (const payloadType of ["binary", "text"] as const) {
  test(`frames of ${payloadType} messages are masked client frames of the payloads, from any place and over the end`, () => {
    for (const payloadBytes of SIZES) {
      const maxBatch = 8;
      const stream = streamOf({ payloadBytes, payloadType, maxBatch });
      const positions = [0, 1, stream.length >> 1, stream.length - 1].filter((position) => position < stream.length);
      for (const position of positions) {
        for (const count of [1, 2, maxBatch]) {
          const wire = stream.frames(position, count);
          assert.equal(stream.frames(position, count), wire, "asked for again, the same memory");
          const reader = new ClientFrameReader();
          const frames = reader.push(wire);
          assert.equal(frames.length, count);
          assert.equal(reader.heldBytes, 0);
          frames.forEach((frame, i) => {
            assert.ok(frame.fin && !frame.rsv1 && frame.key !== null);
            assert.equal(frame.opcode, payloadType === "text" ? OPCODE.text : OPCODE.binary);
            assert.ok(frame.payload.equals(stream.payloads[(position + i) % stream.length]!));
          });
        }
      }
    }
  });
}

test("a whole cycle sends each message once, each with a masking key of its own", () => {
  const stream = streamOf({ payloadBytes: 125 });
  const keys = new Set<string>();
  for (let position = 0; position < stream.length; position++) {
    const [frame] = new ClientFrameReader().push(stream.frames(position, 1));
    assert.ok(frame!.payload.equals(stream.payloads[position]!));
    keys.add(frame!.key!.toString("hex"));
  }
  assert.equal(keys.size, stream.length);
  assert.equal(keys.has("00000000"), false, "a mask of zeros costs some servers nothing");
});

test("payloads of one cycle all differ, and each tells its index", () => {
  for (const payloadBytes of SIZES) {
    for (const deflate of [false, true]) {
      const stream = streamOf({ payloadBytes, deflate });
      const seen = new Set<string>();
      stream.payloads.forEach((payload, index) => {
        assert.equal(payload.length, payloadBytes);
        assert.equal(stream.claimedIndex(payload), index);
        assert.ok(stream.isPayload(index, payload));
        if (stream.length > 1) assert.ok(!stream.isPayload((index + 1) % stream.length, payload));
        seen.add(payload.toString("latin1"));
      });
      assert.equal(seen.size, stream.length, `${payloadBytes} bytes`);
    }
  }
});

test("a payload with one byte changed, cut off or added is not the message it claims to be", () => {
  const stream = streamOf({ payloadBytes: 125 });
  const payload = stream.payloads[77]!;
  for (let at = 4; at < payload.length; at++) {
    const changed = Buffer.from(payload);
    changed[at]! ^= 0x10;
    assert.equal(stream.claimedIndex(changed), 77);
    assert.ok(!stream.isPayload(77, changed), `byte ${at}`);
  }
  assert.ok(!stream.isPayload(77, payload.subarray(0, 124)));
  assert.ok(!stream.isPayload(77, Buffer.concat([payload, Buffer.alloc(1)])));
});

test("what carries no index of the cycle claims none", () => {
  const stream = streamOf({ payloadBytes: 125 });
  assert.equal(stream.claimedIndex(Buffer.from("{}{}")), -1);
  assert.equal(stream.claimedIndex(Buffer.from([0x41, 0x41, 0x41, 0xff])), -1);
  assert.equal(stream.claimedIndex(Buffer.from("AA__")), 4_095);
  assert.equal(stream.claimedIndex(Buffer.from("ABAA")), -1, "4096 lies beyond the cycle");
  for (const cut of ["", "A", "AA", "AAA"]) assert.equal(stream.claimedIndex(Buffer.from(cut)), -1, `"${cut}"`);
});

test("a corrupt copy is told from a frame that has nothing to do with the message", () => {
  const stream = streamOf({ payloadBytes: 125 });
  const payload = stream.payloads[9]!;
  const changed = Buffer.from(payload);
  changed[0]! ^= 1;
  changed[124]! ^= 1;
  assert.equal(stream.differingBytes(9, payload), 0);
  assert.equal(stream.differingBytes(9, changed), 2);
  assert.equal(stream.differingBytes(9, payload.subarray(0, 100)), 25);
  assert.equal(stream.differingBytes(9, Buffer.concat([changed, Buffer.alloc(3)])), 5);
  const cut = payload.subarray(0, 124);
  const longer = Buffer.concat([changed, Buffer.alloc(60)]);
  for (const copy of [changed, cut, cut.subarray(0, 0), longer, Buffer.alloc(125)])
    assert.ok(stream.isLike(9, copy), `${copy.length} bytes`);
  for (const other of [Buffer.from("unasked"), Buffer.alloc(126), stream.payloads[10]!.subarray(0, 124)])
    assert.ok(!stream.isLike(9, other), `${other.length} bytes`);
});

test("text is valid UTF-8, of every size, so that a server may check it", () => {
  for (const payloadBytes of SIZES) {
    for (const deflate of [false, true]) {
      const stream = streamOf({ payloadBytes, payloadType: "text", deflate });
      assert.ok(stream.payloads.every((payload) => isUtf8(payload)));
    }
  }
});

test("binary payloads use all byte values", () => {
  const stream = streamOf({ payloadBytes: 125 });
  assert.equal(new Set(Buffer.concat(stream.payloads)).size, 256);
});

test("the echo stream is what an exact echo answers, unmasked, cycle after cycle", () => {
  for (const payloadBytes of SIZES) {
    const stream = streamOf({ payloadBytes, payloadType: "text" });
    let index = 0;
    const parser = new MessageParser(
      {
        onMessage(opcode, payload, compressed, frames) {
          assert.equal(opcode, OPCODE.text);
          assert.equal(compressed, false);
          assert.equal(frames, 1);
          assert.ok(payload.equals(stream.payloads[index++ % stream.length]!));
        },
        onControl: () => assert.fail("no control frames"),
        onViolation: (reason) => assert.fail(reason),
      },
      { compressionAllowed: false, maxMessageBytes: 1 << 20 },
    );
    parser.push(stream.echo, 0, stream.echo.length);
    assert.ok(index >= stream.length);
    assert.equal(stream.echoCycleBytes, stream.echoFrameBytes * stream.length);
    assert.equal(stream.echo.length, stream.echoCycleBytes + MAX_READ_BYTES, "a read from any offset lies inside");
  }
});

test("with compression the frames have RSV1 and inflate to the payloads", () => {
  for (const payloadBytes of SIZES) {
    const stream = streamOf({ payloadBytes, deflate: true, maxBatch: 3 });
    const positions = [0, stream.length - 1];
    for (const position of positions) {
      const frames = new ClientFrameReader().push(stream.frames(position, 3));
      assert.equal(frames.length, 3);
      frames.forEach((frame, i) => {
        assert.ok(frame.fin && frame.rsv1 && frame.key !== null);
        const payload = decompressMessage(frame.payload, payloadBytes);
        assert.ok(payload?.equals(stream.payloads[(position + i) % stream.length]!));
      });
    }
  }
});

test("compressible payloads compress to between a fifth and four fifths, as messages in practice do", () => {
  const stream = streamOf({ payloadBytes: 1_024, deflate: true });
  const share = stream.frames(0, 256).length / (256 * 1_024);
  assert.ok(share > 0.2 && share < 0.8, `${share}`);
});

test("the same seed sends the same bytes, another seed others", () => {
  const wire = (seed: number, deflate: boolean) => streamOf({ payloadBytes: 64, seed, deflate }).frames(0, 8);
  for (const deflate of [false, true]) {
    assert.deepEqual(wire(4, deflate), wire(4, deflate));
    assert.notDeepEqual(wire(4, deflate), wire(5, deflate));
  }
});
