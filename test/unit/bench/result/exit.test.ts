import assert from "node:assert/strict";
import { test } from "node:test";
import { exitCode } from "../../../../bench/result/exit.js";

test("a valid or suspect run exits 0, one with a fault 1, a void one 3 whatever the server did", () => {
  assert.equal(exitCode({ kind: "valid", faulty: false, reasons: [] }), 0);
  assert.equal(exitCode({ kind: "suspect", faulty: false, reasons: [] }), 0);
  assert.equal(exitCode({ kind: "valid", faulty: true, reasons: [] }), 1);
  assert.equal(exitCode({ kind: "suspect", faulty: true, reasons: [] }), 1);
  assert.equal(exitCode({ kind: "void", faulty: false, reasons: [] }), 3);
  assert.equal(exitCode({ kind: "void", faulty: true, reasons: [] }), 3);
});
