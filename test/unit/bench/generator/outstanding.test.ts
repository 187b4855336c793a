import assert from "node:assert/strict";
import { test } from "node:test";
import { NONE, Outstanding } from "../../../../bench/generator/outstanding.js";

test("an entry keeps what it was taken with, and stands alone", () => {
  const outstanding = new Outstanding(4);
  const entry = outstanding.take(2 ** 40, 1.5e15, 1.5e15 + 1);
  assert.equal(outstanding.sequence[entry], 2 ** 40);
  assert.equal(outstanding.intendedNs[entry], 1.5e15);
  assert.equal(outstanding.sentNs[entry], 1.5e15 + 1);
  assert.equal(outstanding.next[entry], NONE);
  assert.equal(outstanding.size, 1);
});

test("a released entry is used again, none is used twice at once", () => {
  const outstanding = new Outstanding(4);
  const taken = [0, 1, 2, 3].map((i) => outstanding.take(i, 0, 0));
  assert.equal(new Set(taken).size, 4);
  outstanding.release(taken[2]!);
  outstanding.release(taken[0]!);
  assert.equal(outstanding.size, 2);
  const again = [outstanding.take(4, 0, 0), outstanding.take(5, 0, 0)];
  assert.deepEqual(new Set(again), new Set([taken[0], taken[2]]));
  assert.equal(outstanding.sequence[taken[1]!], 1);
  assert.equal(outstanding.sequence[taken[3]!], 3);
});

test("growing keeps the queues, their order and their times", () => {
  const outstanding = new Outstanding(2);
  const heads = [NONE, NONE, NONE];
  const tails = [NONE, NONE, NONE];
  for (let i = 0; i < 3_000; i++) {
    const queue = i % 3;
    const entry = outstanding.take(i, i * 10, i * 10 + 1);
    if (tails[queue] === NONE) heads[queue] = entry;
    else outstanding.next[tails[queue]!] = entry;
    tails[queue] = entry;
  }
  assert.equal(outstanding.size, 3_000);
  for (let queue = 0; queue < 3; queue++) {
    let i = queue;
    for (let entry = heads[queue]!; entry !== NONE; entry = outstanding.next[entry]!) {
      assert.equal(outstanding.sequence[entry], i);
      assert.equal(outstanding.intendedNs[entry], i * 10);
      assert.equal(outstanding.sentNs[entry], i * 10 + 1);
      i += 3;
    }
    assert.equal(i, 3_000 + queue);
  }
});

test("as many entries as ever are taken and released cost no more memory than wait at once", () => {
  const outstanding = new Outstanding(2);
  for (let i = 0; i < 10_000; i++) outstanding.release(outstanding.take(i, 0, 0));
  assert.equal(outstanding.size, 0);
  assert.equal(outstanding.next.length, 2);
});

test("it is full at eight million messages", () => {
  const outstanding = new Outstanding(1 << 23);
  for (let i = 0; i < (1 << 23) - 1; i++) outstanding.take(i, 0, 0);
  assert.equal(outstanding.full, false);
  const last = outstanding.take(0, 0, 0);
  assert.equal(outstanding.full, true);
  outstanding.release(last);
  assert.equal(outstanding.full, false);
});
