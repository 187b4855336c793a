import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeBody,
  FIN,
  headerBytes,
  MASK,
  maskedFrame,
  maskedFrameBytes,
  OPCODE,
  readCloseBody,
  writeHeader,
  writeMaskedFrame,
} from "../../../../bench/protocol/frame.js";

function header(firstByte: number, payloadBytes: number, maskBit: 0 | 0x80): string {
  const out = Buffer.alloc(14);
  return out.toString("hex", 0, writeHeader(out, 0, firstByte, payloadBytes, maskBit));
}

test("a header takes the shortest form that holds the length (RFC 6455, 5.2)", () => {
  assert.equal(header(0x82, 0, 0), "8200");
  assert.equal(header(0x82, 125, 0), "827d");
  assert.equal(header(0x82, 126, 0), "827e007e");
  assert.equal(header(0x82, 65_535, 0), "827effff");
  assert.equal(header(0x82, 65_536, 0), "827f0000000000010000");
  assert.equal(header(0x82, 2 ** 31, 0), "827f0000000080000000");
  assert.equal(header(0x82, 2 ** 32 + 5, 0), "827f0000000100000005");
});

test("the examples of RFC 6455, 5.7 come out as printed there", () => {
  assert.equal(header(0x81, 5, 0), "8105");
  assert.equal(header(0x82, 256, 0), "827e0100");
  assert.equal(header(0x82, 65_536, 0), "827f0000000000010000");
  const hello = Buffer.from("Hello");
  assert.equal(maskedFrame(FIN | OPCODE.text, hello, 0x37fa213d).toString("hex"), "818537fa213d7f9f4d5158");
  assert.equal(maskedFrame(FIN | OPCODE.pong, hello, 0x37fa213d).toString("hex"), "8a8537fa213d7f9f4d5158");
});

test("the mask bit goes with each form of the length", () => {
  assert.equal(header(0x81, 125, MASK), "81fd");
  assert.equal(header(0x81, 126, MASK), "81fe007e");
  assert.equal(header(0x81, 65_536, MASK), "81ff0000000000010000");
});

test("the sizes told beforehand are the sizes written", () => {
  for (const payloadBytes of [0, 1, 125, 126, 65_535, 65_536]) {
    assert.equal(header(0x82, payloadBytes, 0).length / 2, headerBytes(payloadBytes));
    const frame = maskedFrame(0x82, Buffer.alloc(payloadBytes), 1);
    assert.equal(frame.length, maskedFrameBytes(payloadBytes));
  }
});

test("a masking key keeps its most significant byte first, also where that is above 7f", () => {
  assert.equal(
    maskedFrame(0x82, Buffer.from("000000000000", "hex"), 0xfffe7d01).toString("hex"),
    "8286fffe7d01fffe7d01fffe",
  );
  assert.equal(maskedFrame(0x82, Buffer.from("000000000000", "hex"), -1).toString("hex"), "8286ffffffffffffffffffff");
});

test("a masked frame is written in its place and nowhere else", () => {
  const out = Buffer.alloc(16, 0xee);
  const end = writeMaskedFrame(out, 3, 0x81, Buffer.from("Hi"), 0x01020304);
  assert.equal(end, 11);
  assert.equal(out.toString("hex"), "eeeeee818201020304496beeeeeeeeee");
});

test("an empty message is six bytes with its mask", () => {
  assert.equal(maskedFrame(0x81, Buffer.alloc(0), 0x0a0b0c0d).toString("hex"), "81800a0b0c0d");
});

test("a close body is a code and a UTF-8 reason (RFC 6455, 5.5.1)", () => {
  assert.equal(closeBody(1000).toString("hex"), "03e8");
  assert.equal(closeBody(1013, "zu spät").toString("hex"), "03f57a75207370c3a474");
  assert.deepEqual(readCloseBody(Buffer.from("03f57a75207370c3a474", "hex")), { code: 1013, reason: "zu spät" });
  assert.deepEqual(readCloseBody(Buffer.from("0fa0", "hex")), { code: 4000, reason: "" });
});

test("a close frame without a code stands for 1005 (RFC 6455, 7.1.5)", () => {
  assert.deepEqual(readCloseBody(Buffer.alloc(0)), { code: 1005, reason: "" });
});
