import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptsDeflate } from "../../../../src/websocket/extensions.js";

test("offers of permessage-deflate that can be honoured are accepted, others declined", () => {
  for (const [offer, accepted] of [
    [undefined, false],
    ["", false],
    ["permessage-deflate", true],
    // What browsers send.
    ["permessage-deflate; client_max_window_bits", true],
    ["permessage-deflate;client_max_window_bits=15", true],
    ['permessage-deflate; client_max_window_bits="10"', true],
    ["permessage-deflate; server_no_context_takeover; client_no_context_takeover", true],
    ["x-webkit-deflate-frame, permessage-deflate", true],
    // RFC 7692 7.1.3: a client lists its preferences; the first that fits is taken.
    ["permessage-deflate; server_max_window_bits=10, permessage-deflate", true],
    ["permessage-deflate; server_max_window_bits=10", false],
    ["permessage-deflate; server_max_window_bits=16", false],
    ["permessage-deflate; client_max_window_bits=7", false],
    ["permessage-deflate; client_max_window_bits=16", false],
    ["permessage-deflate; client_max_window_bits=08", false],
    ["permessage-deflate; client_max_window_bits=", false],
    ["permessage-deflate; client_no_context_takeover=1", false],
    ["permessage-deflate; client_no_context_takeover; client_no_context_takeover", false],
    ["permessage-deflate; unknown", false],
    ["permessage-deflate;", false],
    ["x-webkit-deflate-frame", false],
    ["permessage-bzip2", false],
    ['other; a="x, permessage-deflate"', false],
    ['other; a="x, y", permessage-deflate', true],
  ] as const) {
    assert.equal(acceptsDeflate(offer), accepted, offer);
  }
});
