import assert from "node:assert/strict";
import { test } from "node:test";
import { compressMessage, decompressMessage, deflateRefusal } from "../../../../bench/protocol/deflate.js";

const AGREED = "permessage-deflate; server_no_context_takeover";

test("an answer that forgets the server's window is agreed to, with or without the client's", () => {
  assert.equal(deflateRefusal(AGREED), null);
  assert.equal(deflateRefusal(`${AGREED}; client_no_context_takeover`), null);
  assert.equal(deflateRefusal("Permessage-Deflate;Server_No_Context_Takeover"), null);
});

test("a server may choose a smaller window of its own (RFC 7692, 7.1.2.1)", () => {
  for (const bits of [8, 9, 10, 15]) {
    assert.equal(deflateRefusal(`${AGREED}; server_max_window_bits=${bits}`), null);
  }
  assert.equal(deflateRefusal(`${AGREED}; server_max_window_bits="12"`), null);
});

test("a window that is no window is refused", () => {
  for (const value of ["=7", "=16", "=010", "=", "", "=abc"]) {
    assert.match(deflateRefusal(`${AGREED}; server_max_window_bits${value}`) ?? "agreed", /nobody offered/, value);
  }
});

test("no answer is no compression", () => {
  assert.equal(deflateRefusal(null), "permessage-deflate not negotiated");
});

test("a server that keeps its window is refused: no echo could be checked alone", () => {
  assert.equal(deflateRefusal("permessage-deflate"), "server_no_context_takeover not accepted");
  assert.equal(
    deflateRefusal("permessage-deflate; client_no_context_takeover"),
    "server_no_context_takeover not accepted",
  );
});

test("an extension or parameter that nobody offered is refused", () => {
  assert.equal(deflateRefusal("x-webkit-deflate-frame"), "an extension nobody offered");
  assert.equal(deflateRefusal(`${AGREED}, x-other`), "an extension nobody offered");
  assert.equal(
    deflateRefusal(`${AGREED}; client_max_window_bits=10`),
    "deflate parameter client_max_window_bits=10 nobody offered",
  );
});

test("a parameter given twice is refused, also with two values", () => {
  assert.equal(deflateRefusal(`${AGREED}; server_no_context_takeover`), "a deflate parameter given twice");
  assert.equal(
    deflateRefusal(`${AGREED}; server_max_window_bits=10; server_max_window_bits=11`),
    "a deflate parameter given twice",
  );
});

test("the examples of RFC 7692, 7.2.3 are read", () => {
  for (const [name, hex] of [
    ["one block", "f248cdc9c90700"],
    ["two blocks", "f248050000 00ffff cac9c90700"],
    ["a stored block", "000500faff48656c6c6f00"],
    ["a block with BFINAL set", "f348cdc9c9070000"],
  ] as const) {
    assert.equal(decompressMessage(Buffer.from(hex.replaceAll(" ", ""), "hex"), 100)?.toString(), "Hello", name);
  }
});

test("a message is compressed as RFC 7692, 7.2.3.1 shows it, without its tail", () => {
  assert.equal(compressMessage(Buffer.from("Hello")).toString("hex"), "f248cdc9c90700");
});

test("what is compressed comes back, from nothing to a megabyte", () => {
  for (const payloadBytes of [0, 1, 125, 1_024, 1 << 20]) {
    const payload = Buffer.alloc(payloadBytes, "some words to compress ");
    assert.deepEqual(decompressMessage(compressMessage(payload), payloadBytes), payload);
  }
});

test("each message stands for itself: the same payload gives the same bytes", () => {
  const payload = Buffer.from("the same again, the same again");
  assert.deepEqual(compressMessage(payload), compressMessage(payload));
});

test("a message that inflates beyond the limit is none, and does not fill the memory", () => {
  const bomb = compressMessage(Buffer.alloc(64 << 20));
  assert.ok(bomb.length < 100_000);
  assert.equal(decompressMessage(bomb, 1_024), null);
  assert.equal(decompressMessage(compressMessage(Buffer.from("Hello!")), 5), null);
});

test("a compressed message that was cut short anywhere is none", () => {
  const payload = Buffer.from('{"id":7,"name":"alpha-order","value":12.5},{"id":8,"name":"alpha-order","value":1.25}');
  const compressed = compressMessage(payload);
  for (let bytes = 1; bytes < compressed.length; bytes++) {
    assert.equal(
      decompressMessage(compressed.subarray(0, bytes), 1_000),
      null,
      `${bytes} of ${compressed.length} bytes`,
    );
  }
});

test("bytes that are no deflate stream are none", () => {
  assert.equal(decompressMessage(Buffer.from("ffffffffff", "hex"), 100), null);
});
