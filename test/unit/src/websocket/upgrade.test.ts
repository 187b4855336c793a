import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseHandshake } from "../../../../src/websocket/upgrade.js";

const GOOD = {
  host: "test",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

function status(changes: Record<string, string | undefined>, method = "get"): string {
  const headers = Object.entries({ ...GOOD, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return refuseHandshake({ method, headers: new Map(headers) })?.status.slice(0, 3) ?? "101";
}

test("the rules of RFC 6455 4.2.1, item by item", () => {
  for (const [item, changes, expected] of [
    ["all in order", {}, "101"],
    ["Upgrade in capitals", { upgrade: "WEBSOCKET" }, "101"],
    ["Upgrade in a list", { upgrade: "h2c , websocket" }, "101"],
    ["no Upgrade", { upgrade: undefined }, "426"],
    ["an empty Upgrade", { upgrade: "" }, "426"],
    ["a longer token", { upgrade: "websocket2" }, "426"],
    ["Connection in a list", { connection: "keep-alive, upgrade" }, "101"],
    ["no Connection", { connection: undefined }, "400"],
    ["Connection: close", { connection: "close" }, "400"],
    ["no version", { "sec-websocket-version": undefined }, "426"],
    ["version 8", { "sec-websocket-version": "8" }, "426"],
    ["version 013", { "sec-websocket-version": "013" }, "426"],
    ["two versions", { "sec-websocket-version": "13, 13" }, "426"],
    ["no key", { "sec-websocket-key": undefined }, "400"],
    ["an empty key", { "sec-websocket-key": "" }, "400"],
    ["a key of 15 bytes", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAA" }, "400"],
    ["a key of 17 bytes", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAAA=" }, "400"],
    ["a key of 18 bytes", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAAAA" }, "400"],
    ["a key that is not base64", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAA-_==" }, "400"],
    ["two keys", { "sec-websocket-key": `${GOOD["sec-websocket-key"]}, ${GOOD["sec-websocket-key"]}` }, "400"],
  ] as const) {
    assert.equal(status(changes), expected, item);
  }
  assert.equal(status({}, "post"), "405");
  assert.equal(status({ upgrade: undefined }, "head"), "405");
});

test("each 426 names the protocol and the version to use", () => {
  for (const changes of [{ upgrade: undefined }, { "sec-websocket-version": "7" }]) {
    const headers = Object.entries({ ...GOOD, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    assert.deepEqual(refuseHandshake({ method: "get", headers: new Map(headers) })?.headers, [
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
    ]);
  }
});
