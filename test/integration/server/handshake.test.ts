import assert from "node:assert/strict";
import { test } from "node:test";
import { HANDSHAKE, RawClient } from "./raw-client.js";
import { serve } from "./server-process.js";

const TIMEOUT = { timeout: 30_000 };

test(
  "the handshake of RFC 6455 1.3 is answered with its accept key, and no subprotocol is chosen",
  TIMEOUT,
  async () => {
    await using server = await serve();
    using client = await RawClient.connect(server.port);
    client.request(...HANDSHAKE, "Sec-WebSocket-Protocol: chat, superchat");
    const head = await client.head();
    assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    assert.match(head, /\r\nUpgrade: websocket\r\n/i);
    assert.match(head, /\r\nConnection: Upgrade\r\n/i);
    assert.doesNotMatch(head, /Sec-WebSocket-Protocol/i);
  },
);

test(
  "tokens are found in lists, in repeated headers and in any case; a query string does no harm",
  TIMEOUT,
  async () => {
    await using server = await serve();
    using client = await RawClient.connect(server.port);
    client.request(
      "GET /ws?token=1 HTTP/1.1",
      "host: test",
      "upgrade: h2c, WebSocket",
      "connection: keep-alive",
      "connection: UPGRADE",
      "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
      "sec-websocket-version: 13",
    );
    assert.match(await client.head(), /^HTTP\/1\.1 101 /);
  },
);

const REFUSALS: readonly {
  readonly title: string;
  readonly lines: readonly string[];
  readonly status: RegExp;
  readonly head?: RegExp;
  readonly body?: RegExp;
}[] = [
  {
    title: "GET /ws without an upgrade: 426, and how to connect",
    lines: ["GET /ws HTTP/1.1", "Host: echo.example"],
    status: /^HTTP\/1\.1 426 Upgrade Required\r\n/,
    head: /\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/,
    body: /websocat ws:\/\/echo\.example\/ws/,
  },
  {
    title: "version 8: 426 with the version that is spoken",
    lines: replaced("Sec-WebSocket-Version: 8"),
    status: /^HTTP\/1\.1 426 /,
    head: /\r\nSec-WebSocket-Version: 13\r\n/,
  },
  { title: "no version: 426", lines: without("Sec-WebSocket-Version"), status: /^HTTP\/1\.1 426 / },
  {
    title: "a version given twice: 426",
    lines: [...HANDSHAKE, "Sec-WebSocket-Version: 13"],
    status: /^HTTP\/1\.1 426 /,
  },
  { title: "no key: 400", lines: without("Sec-WebSocket-Key"), status: /^HTTP\/1\.1 400 / },
  { title: "a key of 3 bytes: 400", lines: replaced("Sec-WebSocket-Key: YWJj"), status: /^HTTP\/1\.1 400 / },
  {
    title: "a key of 24 characters that is not base64 of 16 bytes: 400",
    lines: replaced("Sec-WebSocket-Key: abcdefghijklmnopqrstuvwx"),
    status: /^HTTP\/1\.1 400 /,
    body: /Sec-WebSocket-Key/,
  },
  {
    title: "two keys: 400",
    lines: [...HANDSHAKE, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    status: /^HTTP\/1\.1 400 /,
  },
  {
    title: "no Upgrade token in Connection: 400",
    lines: replaced("Connection: keep-alive"),
    status: /^HTTP\/1\.1 400 /,
    body: /Connection/,
  },
  { title: "another protocol in Upgrade: 426", lines: replaced("Upgrade: h2c"), status: /^HTTP\/1\.1 426 / },
  { title: "no Host: 400", lines: without("Host"), status: /^HTTP\/1\.1 400 / },
  {
    title: "a POST: 405 with Allow",
    lines: ["POST /ws HTTP/1.1", ...HANDSHAKE.slice(1), "Content-Length: 0"],
    status: /^HTTP\/1\.1 405 /,
    head: /\r\nAllow: GET\r\n/,
  },
  {
    title: "another path: 404",
    lines: ["GET /other HTTP/1.1", ...HANDSHAKE.slice(1)],
    status: /^HTTP\/1\.1 404 /,
    body: /\/ws/,
  },
  { title: "a path below /ws: 404", lines: ["GET /ws/ HTTP/1.1", ...HANDSHAKE.slice(1)], status: /^HTTP\/1\.1 404 / },
];

test("what RFC 6455 4.2.1 does not allow is refused, and the server goes on", TIMEOUT, async (t) => {
  await using server = await serve();
  for (const { title, lines, status, head, body } of REFUSALS) {
    await t.test(title, async () => {
      using client = await RawClient.connect(server.port);
      client.request(...lines);
      const answer = await client.head();
      assert.match(answer, status);
      if (head !== undefined) assert.match(answer, head);
      client.socket.end();
      const rest = (await client.end()).toString();
      if (body !== undefined) assert.match(rest, body);
    });
  }
  using client = await RawClient.open(server.port);
  client.write("81 80 00000000");
  assert.equal((await client.read(2)).toString("hex"), "8100");
});

test(
  "health, readiness and 404 answer in plain HTTP and close; HEAD has no body; POST is refused",
  TIMEOUT,
  async () => {
    await using server = await serve();
    for (const [line, status, body] of [
      ["GET /healthz", 200, "ok\n"],
      ["GET /readyz", 200, "ready\n"],
      ["HEAD /readyz", 200, ""],
      ["POST /healthz", 405, "Only GET and HEAD.\n"],
      ["GET /", 404, "Nothing here. The WebSocket endpoint is /ws; /healthz and /readyz tell the state.\n"],
    ] as const) {
      using client = await RawClient.connect(server.port);
      client.request(`${line} HTTP/1.1`, "Host: test");
      const head = await client.head();
      assert.ok(head.startsWith(`HTTP/1.1 ${status} `), `${line}: ${head}`);
      assert.match(head, /\r\nConnection: close\r\n/i);
      client.socket.end();
      assert.equal((await client.end()).toString(), body, line);
    }
  },
);

function without(header: string): string[] {
  return HANDSHAKE.filter((line) => !line.startsWith(`${header}:`));
}

function replaced(line: string): string[] {
  const header = line.slice(0, line.indexOf(":") + 1);
  return HANDSHAKE.map((original) => (original.startsWith(header) ? line : original));
}
