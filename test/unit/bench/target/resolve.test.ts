import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { accepts, isLocal, isLoopback, type Lookup, resolveTarget } from "../../../../bench/target/resolve.js";
import { parseTargetUrl } from "../../../../bench/target/url.js";
import { EcholotError } from "../../../../cli/errors.js";

const answering =
  (...addresses: string[]): Lookup =>
  async () =>
    addresses.map((address) => ({ address }));

async function withServer(host: string, use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.destroy()).listen(0, host);
  await once(server, "listening");
  try {
    await use((server.address() as { port: number }).port);
  } finally {
    server.close();
  }
}

describe("a target's address", () => {
  test("is the URL's own where it is one", async () => {
    const target = await resolveTarget(parseTargetUrl("ws://127.0.0.1:9/ws"), () => assert.fail("no look-up"));
    assert.deepEqual([target.address, target.loopback, target.local, target.path], ["127.0.0.1", true, true, "/ws"]);
    assert.equal((await resolveTarget(parseTargetUrl("ws://[::1]:9/"))).address, "::1");
  });

  test("of localhost is on the loopback", async () => {
    const target = await resolveTarget(parseTargetUrl("ws://localhost:9/"));
    assert.deepEqual([target.loopback, target.hostHeader], [true, "localhost:9"]);
  });

  test("is the one that accepts connections", async () => {
    await withServer("127.0.0.1", async (port) => {
      const url = parseTargetUrl(`ws://several.test:${port}/`);
      assert.equal((await resolveTarget(url, answering("127.0.0.9", "127.0.0.1"))).address, "127.0.0.1");
      assert.equal((await resolveTarget(url, answering("::1", "127.0.0.1"))).address, "127.0.0.1");
    });
  });

  test("is the first where none accepts, on loopback the first of IPv4", async () => {
    await withServer("127.0.0.1", async (port) => {
      const url = parseTargetUrl(`ws://several.test:${port}/`);
      assert.equal((await resolveTarget(url, answering("127.0.0.9", "127.0.0.8"))).address, "127.0.0.9");
      assert.equal((await resolveTarget(url, answering("::1", "127.0.0.8"))).address, "127.0.0.8");
    });
  });

  test("of a name without any is an error that names it", async () => {
    await assert.rejects(resolveTarget(parseTargetUrl("ws://no-such-host.invalid:1/")), (error) => {
      assert.ok(error instanceof EcholotError);
      assert.deepEqual([error.code, error.exitCode], ["TARGET_UNRESOLVED", 3]);
      assert.match(error.message, /^the name "no-such-host\.invalid" has no address \((ENOTFOUND|EAI_AGAIN)\)$/);
      return true;
    });
    await assert.rejects(
      resolveTarget(parseTargetUrl("ws://empty.test:1/"), answering()),
      /has no address \(no address\)/,
    );
  });
});

test("loopback is 127.0.0.0/8, ::1 and the mapped form", () => {
  const addresses = [
    "127.0.0.1",
    "127.64.3.9",
    "::1",
    "::ffff:127.0.0.1",
    "128.0.0.1",
    "10.0.0.127",
    "::2",
    "192.0.2.7",
  ];
  assert.deepEqual(addresses.map(isLoopback), [true, true, true, true, false, false, false, false]);
});

test("an address of documentation (RFC 5737) is not this machine's", () =>
  assert.equal(isLocal("198.51.100.1"), false));

test("a port that nobody listens on accepts nothing", async () => {
  let freed = 0;
  await withServer("127.0.0.1", async (port) => {
    assert.equal(await accepts("127.0.0.1", port, 1_000), true);
    freed = port;
  });
  assert.equal(await accepts("127.0.0.1", freed, 1_000), false);
});
