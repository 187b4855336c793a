import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { planSources } from "../../../../bench/plan/sources.js";
import { foundServer, mac, machine, remoteServer } from "./cases.js";

/** 28,232 ports: the kernel finds one fast for 12,704 connections, or for 6,352 of each address bound before. */
const LINUX = machine();

describe("source addresses", () => {
  test("are left to the kernel while it finds ports fast", () => {
    assert.deepEqual(planSources(12_704, foundServer(), LINUX, {}), { addresses: [], problems: [], notes: [] });
  });

  test("are loopback addresses, enough that each takes the ports found fast", () => {
    const { addresses } = planSources(12_705, foundServer(), LINUX, {});
    assert.deepEqual(addresses, ["127.64.0.0", "127.64.0.1", "127.64.0.2"]);
    assert.equal(planSources(100_000, foundServer(), LINUX, {}).addresses.length, 16);
  });

  test("differ from run to run and stay within 127.64.0.0/10", () => {
    const of = (run: number) => planSources(20_000, foundServer(), LINUX, { run }).addresses;
    assert.deepEqual(of(1), ["127.64.1.0", "127.64.1.1", "127.64.1.2", "127.64.1.3"]);
    assert.equal(of(16_383)[0], "127.127.255.0");
    assert.equal(of(16_384)[0], "127.64.0.0");
    assert.equal(of(4_194_304)[3], "127.64.0.3");
  });

  test("follow the machine's port range", () => {
    const wide = machine({ portRange: { first: 1_024, last: 65_535 } });
    assert.deepEqual(planSources(29_030, foundServer(), wide, {}).addresses, []);
    assert.equal(planSources(29_040, foundServer(), wide, {}).addresses.length, 3);
  });

  test("are not invented for a server elsewhere, and a slow ramp is noted", () => {
    const { addresses, notes, problems } = planSources(20_000, remoteServer(), LINUX, {});
    assert.deepEqual([addresses, problems], [[], []]);
    assert.match(notes[0]!, /^Beyond 12,704 connections the kernel searches long for a free port/);
  });

  test("are those given, in the target's family", () => {
    const localAddresses = ["192.0.2.1", "192.0.2.2"];
    const { addresses, problems } = planSources(50_000, remoteServer(), LINUX, { localAddresses });
    assert.deepEqual([addresses, problems], [localAddresses, []]);
    assert.match(
      planSources(56_465, remoteServer(), LINUX, { localAddresses }).problems[0]!.fact,
      /2 source addresses/,
    );
  });

  test("are left to a system that does not tell its port range, with a note where they may run out", () => {
    assert.deepEqual(planSources(16_384, foundServer(), mac(), {}), { addresses: [], problems: [], notes: [] });
    assert.match(planSources(16_385, foundServer(), mac(), {}).notes[0]!, /may be more than this system has ports for/);
  });
});
