import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspectServer } from "../../../bench/target/inspect.js";
import { findListeners, processTree } from "../../../bench/target/listeners.js";
import { Burner } from "./burner.js";

async function withListener(host: string, use: (port: number, burner: Burner) => Promise<void>): Promise<void> {
  const burner = new Burner();
  try {
    await use((await burner.tell({ kind: "listen", host })).port, burner);
  } finally {
    await burner.end();
  }
}

describe("the processes that listen", { skip: process.platform === "linux" ? false : "found through /proc" }, () => {
  test("are found by their address and port", async () => {
    await withListener("127.0.0.1", async (port, { pid }) => {
      assert.deepEqual(findListeners("127.0.0.1", port), [pid]);
      assert.deepEqual(findListeners("127.0.0.2", port), []);
      assert.deepEqual(findListeners("::1", port), []);
    });
  });

  test("are found when they listen on all addresses", async () => {
    await withListener("0.0.0.0", async (port, { pid }) => assert.deepEqual(findListeners("127.0.0.3", port), [pid]));
    await withListener("::", async (port, { pid }) => {
      assert.deepEqual(findListeners("127.0.0.1", port), [pid]);
      assert.deepEqual(findListeners("::1", port), [pid]);
    });
  });

  test("are not looked for when the address is another machine's", async () => {
    await withListener("0.0.0.0", async (port) => assert.deepEqual(findListeners("198.51.100.1", port), []));
  });

  test("include what they started, but not what this program started", async () => {
    await withListener("127.0.0.1", async (_, burner) => {
      const { pid } = await burner.tell({ kind: "child", ms: 1 });
      assert.deepEqual(processTree([burner.pid]), [burner.pid, pid]);
      assert.deepEqual(processTree([process.pid]), [process.pid]);
      assert.ok(!processTree([process.ppid]).includes(burner.pid));
    });
  });

  test("can be looked at from outside", async () => {
    await withListener("127.0.0.1", async (_, { pid }) => {
      const facts = inspectServer([pid]);
      const own = inspectServer([process.pid]);
      assert.deepEqual([facts.pids, facts.command?.[0]], [[pid], process.execPath]);
      assert.equal(facts.command?.at(-1), "burner");
      assert.deepEqual([facts.cpus, facts.openFiles], [own.cpus, own.openFiles]);
      assert.ok(facts.cpus!.length > 0);
    });
  });

  test("are unknown where there are none", () => {
    assert.deepEqual(inspectServer([]), { pids: [], command: null, openFiles: null, cpus: null });
  });
});
