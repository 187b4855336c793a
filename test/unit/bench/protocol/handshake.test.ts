import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptFor, handshakeRequest, readHandshakeResponse } from "../../../../bench/protocol/handshake.js";

/** The key and its answer of RFC 6455, 1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const STATUS = "HTTP/1.1 101 Switching Protocols";
const UPGRADE = "Upgrade: websocket";
const CONNECTION = "Connection: Upgrade";
const ACCEPTED = `Sec-WebSocket-Accept: ${ACCEPT}`;

function response(...lines: string[]): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function judge(...lines: string[]) {
  return readHandshakeResponse(response(...lines), ACCEPT);
}

function refusal(...lines: string[]): string {
  const outcome = judge(...lines);
  assert.equal(outcome.kind, "refused", `${JSON.stringify(lines)} gave ${JSON.stringify(outcome)}`);
  return outcome.kind === "refused" ? outcome.reason : "";
}

test("the RFC's example key asks for the RFC's example answer", () => {
  assert.equal(acceptFor(KEY), ACCEPT);
});

test("a request holds what RFC 6455, 4.1 demands, and no more", () => {
  const request = handshakeRequest({ authority: "server.example.com:6666", resource: "/chat?a=1", key: KEY });
  assert.equal(
    request.toString("latin1"),
    "GET /chat?a=1 HTTP/1.1\r\nHost: server.example.com:6666\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
});

test("an offer of extensions goes into a header of its own", () => {
  const request = handshakeRequest({ authority: "a", resource: "/", key: KEY, extensions: "permessage-deflate" });
  assert.match(request.toString("latin1"), /\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n$/);
});

test("the RFC's example response is accepted, and the frames behind it are left alone", () => {
  const example = response(STATUS, UPGRADE, CONNECTION, ACCEPTED);
  assert.deepEqual(readHandshakeResponse(Buffer.concat([example, Buffer.from("8100", "hex")]), ACCEPT), {
    kind: "accepted",
    extensions: null,
    consumedBytes: example.length,
  });
});

test("header names, and the values that are tokens, may be of either case", () => {
  const outcome = judge(
    STATUS,
    "UPGRADE:WebSocket",
    "connection: keep-alive , UPGRADE",
    `sec-websocket-accept:   ${ACCEPT}  `,
  );
  assert.equal(outcome.kind, "accepted");
});

test("the server's answer to an offer is handed on, of several headers the values in a row", () => {
  const outcome = judge(
    STATUS,
    UPGRADE,
    CONNECTION,
    ACCEPTED,
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
    "Sec-WebSocket-Extensions: x-other",
  );
  assert.equal(
    outcome.kind === "accepted" ? outcome.extensions : null,
    "permessage-deflate; server_no_context_takeover, x-other",
  );
});

test("a response cut anywhere is incomplete until its last byte", () => {
  const whole = response(STATUS, UPGRADE, CONNECTION, ACCEPTED);
  for (let bytes = 0; bytes < whole.length; bytes++) {
    assert.deepEqual(readHandshakeResponse(whole.subarray(0, bytes), ACCEPT), { kind: "incomplete" }, `${bytes} bytes`);
  }
  assert.equal(readHandshakeResponse(whole, ACCEPT).kind, "accepted");
});

test("another status than 101 is refused by its number", () => {
  assert.equal(refusal("HTTP/1.1 404 Not Found", "Content-Length: 0"), "status 404");
  assert.equal(refusal("HTTP/1.1 503 Service Unavailable"), "status 503");
  assert.equal(refusal("HTTP/1.1 200"), "status 200");
  assert.equal(refusal("HTTP/1.1 301 Moved Permanently", "Location: /ws"), "status 301");
});

test("what is not HTTP/1.1 is refused", () => {
  assert.equal(refusal("HTTP/1.0 101 Switching Protocols", UPGRADE, CONNECTION, ACCEPTED), "not HTTP/1.1");
  assert.equal(refusal("HTTP/1.1 1010 Odd", UPGRADE, CONNECTION, ACCEPTED), "not HTTP/1.1");
  assert.deepEqual(readHandshakeResponse(Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"), ACCEPT), {
    kind: "refused",
    reason: "not HTTP",
  });
});

test("each header that RFC 6455, 4.1 demands is missed", () => {
  assert.equal(refusal(STATUS, CONNECTION, ACCEPTED), "no Upgrade: websocket");
  assert.equal(refusal(STATUS, "Upgrade: h2c", CONNECTION, ACCEPTED), "no Upgrade: websocket");
  assert.equal(refusal(STATUS, UPGRADE, ACCEPTED), "no Connection: Upgrade");
  assert.equal(refusal(STATUS, UPGRADE, "Connection: keep-alive", ACCEPTED), "no Connection: Upgrade");
  assert.equal(refusal(STATUS, UPGRADE, CONNECTION), "wrong Sec-WebSocket-Accept");
});

test("an answer to another key is refused, also where only the case differs", () => {
  const wrong = "wrong Sec-WebSocket-Accept";
  assert.equal(
    refusal(STATUS, UPGRADE, CONNECTION, `Sec-WebSocket-Accept: ${acceptFor("AAAAAAAAAAAAAAAAAAAAAA==")}`),
    wrong,
  );
  assert.equal(refusal(STATUS, UPGRADE, CONNECTION, `Sec-WebSocket-Accept: ${ACCEPT.toLowerCase()}`), wrong);
  assert.equal(refusal(STATUS, UPGRADE, CONNECTION, ACCEPTED, ACCEPTED), wrong);
});

test("a subprotocol that nobody offered is refused", () => {
  assert.equal(
    refusal(STATUS, UPGRADE, CONNECTION, ACCEPTED, "Sec-WebSocket-Protocol: chat"),
    "a subprotocol nobody offered",
  );
});

test("a line that is no header is refused", () => {
  assert.equal(refusal(STATUS, UPGRADE, "no colon here", CONNECTION, ACCEPTED), "malformed response header");
  assert.equal(refusal(STATUS, UPGRADE, ": no name", CONNECTION, ACCEPTED), "malformed response header");
});

test("a header that never ends is refused, not kept for ever", () => {
  const endless = Buffer.alloc(65_537, "x");
  endless.write(`${STATUS}\r\nX: `);
  assert.deepEqual(readHandshakeResponse(endless.subarray(0, 65_536), ACCEPT), { kind: "incomplete" });
  assert.deepEqual(readHandshakeResponse(endless, ACCEPT), { kind: "refused", reason: "endless response header" });
});
