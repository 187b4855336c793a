import assert from "node:assert/strict";
import { test } from "node:test";
import { countUnder, type Tallies } from "../../../../bench/recorder/ledger.js";

test("a server that gives each connection a reason of its own fills no memory: the rest is counted together", () => {
  const tallies: Tallies = {};
  for (let i = 0; i < 1_000; i++) countUnder(tallies, `close 4000 number ${i}`);
  countUnder(tallies, "close 4000 number 7", 5);
  assert.equal(Object.keys(tallies).length, 51);
  assert.equal(tallies["close 4000 number 7"], 6);
  assert.equal(tallies.others, 950);
});

test("a reason may have the name of something that every object has", () => {
  const tallies: Tallies = {};
  countUnder(tallies, "constructor");
  countUnder(tallies, "constructor");
  assert.equal(tallies.constructor, 2);
});
