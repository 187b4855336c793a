import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { columnsOf } from "../../../../bench/report/layout.js";
import { createProgress, renderProgress } from "../../../../bench/report/progress.js";
import type { LoadProgress } from "../../../../bench/result/result.js";

const MEASURING: LoadProgress = {
  phase: "measure",
  requested: 1_000,
  open: 998,
  failed: 2,
  sentPerSecond: 89_812,
  receivedPerSecond: 89_700,
  overdue: 3,
  p50Ns: 11.1e6,
  p99Ns: 13.2e6,
  maxNs: 21.2e6,
  oldestUnansweredMs: 12.4,
  secondsLeft: 7.4,
};

/** A stream that keeps what is written to it. */
function capture(properties: { isTTY?: boolean; columns?: number; highWaterMark?: number }) {
  const written: string[] = [];
  const stream = new Writable({
    highWaterMark: properties.highWaterMark ?? 1 << 16,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      if (properties.highWaterMark === undefined) done();
    },
  });
  const { isTTY, columns } = properties;
  return {
    written,
    stream: Object.assign(stream, isTTY === undefined ? {} : { isTTY }, columns === undefined ? {} : { columns }),
  };
}

test("the whole line tells connections, rates, losses, times, the oldest unanswered message and what is left", () => {
  assert.equal(
    renderProgress(MEASURING, 200),
    "measuring  998/1,000 open  2 failed  sent 89,812/s  answered 89,700/s  lost 3  p50 11.1 ms  p99 13.2 ms  max 21.2 ms  oldest 12 ms  8 s left",
  );
});

test("while connecting there are no rates and no time left to tell", () => {
  const state = {
    ...MEASURING,
    phase: "connect",
    open: 400,
    failed: 0,
    p50Ns: null,
    p99Ns: null,
    maxNs: null,
  } as const;
  assert.equal(renderProgress(state, 100), "connecting  400/1,000 open");
});

test("a second without an answer shows no percentile, but the age of the oldest message", () => {
  const frozen = {
    ...MEASURING,
    receivedPerSecond: 0,
    p50Ns: null,
    p99Ns: null,
    maxNs: null,
    oldestUnansweredMs: 1_400,
  };
  const line = renderProgress(frozen, 200);
  assert.match(line, /answered 0\/s {2}lost 3 {2}oldest 1\.4 s/);
  assert.doesNotMatch(line, /p50|p99|max/);
});

test("in every width a typed ^C fits behind the line and leaves the last column free, and losses stay longer than percentiles", () => {
  for (let width = 1; width <= 200; width++)
    assert.ok(columnsOf(renderProgress(MEASURING, width)) <= Math.max(0, width - 3), `${width}`);
  const narrow = renderProgress(MEASURING, 80);
  assert.match(narrow, /lost 3/);
  assert.match(narrow, /oldest 12 ms/);
  assert.doesNotMatch(narrow, /p50|sent/);
});

test("on a terminal the line is redrawn in place and taken away once", () => {
  const { written, stream } = capture({ isTTY: true, columns: 60 });
  const progress = createProgress({ stream, enabled: true });
  progress.clear();
  assert.deepEqual(written, []);
  progress.update(MEASURING);
  assert.deepEqual(written, [`\r${renderProgress(MEASURING, 60)}\x1b[K`]);
  progress.clear();
  progress.clear();
  assert.deepEqual(written.slice(1), ["\r\x1b[K"]);
});

test("in a pipe, or where it is not wanted, nothing is written", () => {
  for (const [isTTY, enabled] of [
    [undefined, true],
    [false, true],
    [true, false],
  ] as const) {
    const { written, stream } = capture(isTTY === undefined ? {} : { isTTY });
    const progress = createProgress({ stream, enabled });
    progress.update(MEASURING);
    progress.clear();
    assert.deepEqual(written, []);
  }
});

test("a terminal that does not keep up gets no backlog", () => {
  const { written, stream } = capture({ isTTY: true, columns: 100, highWaterMark: 1 });
  const progress = createProgress({ stream, enabled: true });
  for (let i = 0; i < 100; i++) progress.update(MEASURING);
  assert.equal(written.length, 1);
  assert.ok(stream.writableLength < 200);
});

test("an interrupted run says that it stops, and how to stop it at once", () => {
  const line = renderProgress({ ...MEASURING, phase: "stopping", secondsLeft: 0 }, 80);
  assert.match(line, /^stopping: Ctrl-C again stops at once {2}998\/1,000 open/);
  assert.doesNotMatch(line, /left/);
});

test("a single failure or loss is shown", () => {
  const line = renderProgress({ ...MEASURING, failed: 1, overdue: 1 }, 80);
  assert.match(line, /1 failed/);
  assert.match(line, /lost 1/);
  assert.doesNotMatch(renderProgress({ ...MEASURING, failed: 0 }, 200), /failed/);
});

test("once the window is over there is no time left to show", () => {
  assert.doesNotMatch(renderProgress({ ...MEASURING, secondsLeft: 0 }, 200), /left/);
  assert.doesNotMatch(renderProgress({ ...MEASURING, phase: "drain" }, 200), /left/);
});
