import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseTargetUrl } from "../../../../bench/target/url.js";
import { EcholotError } from "../../../../cli/errors.js";

describe("a target URL", () => {
  test("is taken apart", () => {
    assert.deepEqual(parseTargetUrl("ws://Example.org:6666/ws?room=1"), {
      url: "ws://example.org:6666/ws?room=1",
      host: "example.org",
      port: 6_666,
      path: "/ws?room=1",
      hostHeader: "example.org:6666",
    });
  });

  test("without path means the root", () => {
    assert.equal(parseTargetUrl("ws://localhost:9001").path, "/");
    assert.equal(parseTargetUrl("ws://localhost:9001?a").path, "/?a");
  });

  test("without port means 80, which the Host field leaves out (RFC 6455, section 3)", () => {
    const { port, hostHeader } = parseTargetUrl("ws://example.org/ws");
    assert.deepEqual([port, hostHeader], [80, "example.org"]);
    assert.equal(parseTargetUrl("ws://example.org:80/ws").hostHeader, "example.org");
  });

  test("has an IPv6 address in brackets, and the Host field too", () => {
    const { host, hostHeader } = parseTargetUrl("ws://[::1]:6666/ws");
    assert.deepEqual([host, hostHeader], ["::1", "[::1]:6666"]);
  });
});

describe("a target is refused", () => {
  const rows: [title: string, text: string, fact: RegExp, remedy: RegExp][] = [
    ["without a scheme", "localhost:6666/ws", /has no scheme/, /^Write ws:\/\/localhost:6666\/ws\.$/],
    [
      "as a bare address",
      "127.0.0.1:6666",
      /has no scheme/,
      /^Write ws:\/\/127\.0\.0\.1:6666\/ws: .* \/ws is usual\.$/,
    ],
    [
      "as a host and a port",
      "localhost:6666",
      /has no scheme/,
      /^Write ws:\/\/localhost:6666\/ws: .* \/ws is usual\.$/,
    ],
    ["as a host, a port and the root", "localhost:6666/", /has no scheme/, /^Write ws:\/\/localhost:6666\/\.$/],
    ["as a port", "6666", /has no scheme/, /^Write ws:\/\/localhost:6666\/ws: /],
    ["as a port and a path", ":6666/echo", /has no scheme/, /^Write ws:\/\/localhost:6666\/echo\.$/],
    ["as port 0", "0", /has no scheme/, /such as ws:/],
    ["as a number that is no port", "66666", /has no scheme/, /such as ws:/],
    ["without a scheme but with its slashes", "//localhost:1/ws", /has no scheme/, /^Write ws:\/\/localhost:1\/ws\.$/],
    ["as a path", "/ws", /has no scheme/, /such as ws:/],
    ["as an http URL", "http://localhost:6666/ws", /has the scheme http:/, /^Write ws:\/\/localhost:6666\/ws\.$/],
    ["with TLS", "wss://localhost:6666/ws", /TLS, which the load generator does not support yet/, /on a ws:\/\/ port/],
    ["with a fragment", "ws://h:1/ws#top", /has a fragment/, /^Write ws:\/\/h:1\/ws\.$/],
    ["with an empty fragment", "ws://h:1/ws#", /has a fragment/, /^Write ws:\/\/h:1\/ws\.$/],
    ["with a user name", "ws://me:secret@h:1/ws", /has a user name/, /^Write ws:\/\/h:1\/ws\.$/],
    ["with port 0", "ws://h:0/ws", /has port 0/, /such as ws:/],
    ["with a port that is none", "ws://h:66666/ws", /is not a URL/, /such as ws:/],
    ["when empty", "", /has no scheme/, /such as ws:/],
    ["when it is nonsense", "not a url", /has no scheme/, /such as ws:/],
  ];
  for (const [title, text, fact, remedy] of rows) {
    test(title, () => {
      assert.throws(
        () => parseTargetUrl(text),
        (error) => {
          assert.ok(error instanceof EcholotError);
          assert.equal(error.code, "TARGET_INVALID");
          assert.match(error.message, fact);
          assert.match(error.remedy, remedy);
          return true;
        },
      );
    });
  }
});
