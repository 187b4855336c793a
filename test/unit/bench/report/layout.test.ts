import assert from "node:assert/strict";
import { test } from "node:test";
import {
  columnsOf,
  flow,
  paint,
  printable,
  span,
  sparkline,
  table,
  wrapLine,
} from "../../../../bench/report/layout.js";

const plain = (lines: ReturnType<typeof flow>) => lines.map((line) => paint(line, false));

test("text breaks at the last space that fits and goes on below its beginning", () => {
  const lines = flow([span("one two three four")], { width: 14, indent: 5, label: span("Name") });
  assert.deepEqual(plain(lines), ["Name one two", "     three", "     four"]);
});

test("a number stays with its unit, and a word that merely begins like a unit does not hold one back", () => {
  assert.deepEqual(plain(flow([span("it took 12.3 ms")], { width: 12, indent: 0 })), ["it took", "12.3 ms"]);
  assert.deepEqual(plain(flow([span("it took 12 messages")], { width: 12, indent: 0 })), ["it took 12", "messages"]);
});

test("a word longer than a line is cut, and nothing of it is lost", () => {
  assert.deepEqual(plain(flow([span("abcdefgh ij")], { width: 5, indent: 0 })), ["abcde", "fgh", "ij"]);
});

test("a plain line is wrapped at words, goes on indented, and stays as it is where it fits", () => {
  assert.equal(wrapLine("one two three", 80), "one two three");
  const text = "1,000 connections to 127.0.0.1 port 9001 from 2 generator processes, 500 each";
  for (let width = 20; width < 100; width++) {
    const lines = wrapLine(text, width).split("\n");
    for (const line of lines) assert.ok(columnsOf(line) <= width, `${width}: ${line}`);
    for (const line of lines.slice(1)) assert.match(line, /^ {2}\S/);
    assert.equal(lines.map((line) => line.trim()).join(" "), text);
  }
});

test("an empty text still shows its label", () => {
  assert.deepEqual(plain(flow([span("")], { width: 20, indent: 6, label: span("Name") })), ["Name"]);
});

test("East Asian characters count two columns, marks none", () => {
  assert.equal(columnsOf("回聲"), 4);
  assert.equal(columnsOf("e\u0301"), 1);
  assert.equal(columnsOf("µ → ▇ ✔"), 7);
  assert.deepEqual(plain(flow([span("回聲回聲")], { width: 5, indent: 0 })), ["回聲", "回聲"]);
});

test("text from a server cannot steer the terminal", () => {
  assert.equal(printable("a\x1b[31mb\r\n\u202ec\u009b"), "a\ufffd[31mb\ufffd\ufffd\ufffdc\ufffd");
  const [line] = flow([span("close 1000 \x1b]0;title\x07")], { width: 80, indent: 0 });
  assert.equal(paint(line!, true), "close 1000 \ufffd]0;title\ufffd");
});

test("colour is there when asked for and goes back to plain after each part", () => {
  const line = [span("ok", "green"), span(" "), span("and more", "dim")];
  assert.equal(paint(line, true), "\x1b[1;32mok\x1b[0m \x1b[2mand more\x1b[0m");
  assert.equal(paint(line, false), "ok and more");
});

test("a table is as wide as its content, numbers to the right", () => {
  const rows = [
    [span("name"), span("p50")],
    [span("x"), span("1.23 ms")],
  ];
  assert.deepEqual(plain(table(rows, { indent: 2, gap: 1 })), ["  name     p50", "  x    1.23 ms"]);
});

test("a sparkline stands on zero, and a missing value is a blank", () => {
  assert.equal(sparkline([0, 50, 100, null, 100], 100), "▁▄▇ ▇");
  assert.equal(sparkline([0, 0], 0), "▁▁");
});
