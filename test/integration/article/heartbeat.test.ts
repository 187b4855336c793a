import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startEcholot } from "../../tools/echolot.js";
import { holdExchange, startGoServer } from "../../tools/go-peers.js";
import { type Running, startProcess } from "../../tools/process.js";
import { requireTool } from "../../tools/toolchain.js";

// The article's heartbeat: the opening and each of the client's pings give a connection 15 s, nothing else does.
// The same clients run against Echolot and against the article's own server. All wait at the same time.

const HEARTBEAT_MS = 15_000;
const PATIENCE_MS = 60_000;

const SERVERS = {
  "Echolot in ping mode": async (t: TestContext) => (await startEcholot(t, ["--heartbeat", "ping"])).url,
  "the article's Go server": async (t: TestContext) => {
    const go = await requireTool(t, "go");
    return go === undefined ? undefined : (await startGoServer(t, go, "article-server")).url;
  },
};

/** Starts websocat; its input stays open, since at its end websocat would close the connection by itself. */
async function websocat(
  t: TestContext,
  start: (t: TestContext) => Promise<string | undefined>,
  flags: readonly string[],
): Promise<Running | undefined> {
  const program = await requireTool(t, "websocat");
  if (program === undefined) return undefined;
  const url = await start(t);
  return url === undefined ? undefined : startProcess(t, program, [url, ...flags]);
}

async function assertEchoes(client: Running, line: string): Promise<void> {
  client.stdin.write(`${line}\n`);
  await client.waitForLine(new RegExp(`^${line}$`));
}

/** With --exit-on-eof websocat ends as soon as the server has closed the connection. */
async function assertClosedAfterHeartbeat(client: Running): Promise<void> {
  const startedMs = performance.now();
  const outcome = await Promise.race([client.exit, delay(PATIENCE_MS, "still open", { ref: false })]);
  const openMs = performance.now() - startedMs;
  assert.notEqual(outcome, "still open");
  assert.ok(openMs > HEARTBEAT_MS - 500 && openMs < HEARTBEAT_MS + 5_000, `closed after ${openMs.toFixed(0)} ms`);
}

describe("the article's heartbeat", { concurrency: true }, () => {
  for (const [name, start] of Object.entries(SERVERS)) {
    test(`${name} keeps websocat --ping-interval 5 -v beyond 15 s`, async (t) => {
      const client = await websocat(t, start, ["--ping-interval", "5", "-v"]);
      if (client === undefined) return;
      const startedMs = performance.now();
      await client.waitForLine(/Sending WebSocket ping/, { times: 4, timeoutMs: PATIENCE_MS });
      await assertEchoes(client, "still here");
      assert.ok(performance.now() - startedMs > HEARTBEAT_MS);
    });

    test(`${name} closes a websocat that sends nothing at 15 s`, async (t) => {
      const client = await websocat(t, start, ["--exit-on-eof"]);
      if (client !== undefined) await assertClosedAfterHeartbeat(client);
    });

    test(`${name} closes a websocat that sends messages but no ping at 15 s`, async (t) => {
      const client = await websocat(t, start, ["--exit-on-eof"]);
      if (client === undefined) return;
      const closed = assertClosedAfterHeartbeat(client);
      await assertEchoes(client, "message 0");
      const talk = setInterval(() => client.stdin.write("message\n"), 4_000);
      t.after(() => clearInterval(talk));
      await closed;
      assert.ok(client.stdout.length >= 3, client.output());
    });
  }

  for (const client of ["gws-client", "gorilla-client"] as const) {
    test(`Echolot in ping mode keeps a ${client} that pings every 5 s, each pong with its ping's payload`, async (t) => {
      const go = await requireTool(t, "go");
      if (go === undefined) return;
      const { url } = await startEcholot(t, ["--heartbeat", "ping"]);
      const report = await holdExchange(t, go, client, url, ["-ping-every", "5s", "-for", "18s"]);
      assert.deepEqual(report.faults, []);
      assert.equal(report.pongs, 5);
      assert.equal(report.closeCode, 4000);
    });
  }

  test("Echolot in idle mode keeps a websocat that sends nothing but answers the server's pings", async (t) => {
    const client = await websocat(t, async () => (await startEcholot(t)).url, ["--exit-on-eof"]);
    if (client === undefined) return;
    const outcome = await Promise.race([client.exit, delay(HEARTBEAT_MS + 3_000, "open")]);
    assert.equal(outcome, "open", client.output());
    await assertEchoes(client, "still here");
  });
});

test("websocat finds its ping's payload in Echolot's pong, which the article's server leaves empty", async (t) => {
  const strange = /pong with a strange content/;
  const flags = ["--ping-interval", "1", "-v"];
  const ours = await websocat(t, SERVERS["Echolot in ping mode"], flags);
  const theirs = await websocat(t, SERVERS["the article's Go server"], flags);
  if (ours === undefined || theirs === undefined) return;
  await theirs.waitForLine(strange);
  await ours.waitForLine(/Sending WebSocket ping/, { times: 3 });
  assert.doesNotMatch(ours.output(), strange);
});
