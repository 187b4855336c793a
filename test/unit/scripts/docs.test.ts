import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ERRORS } from "../../../cli/errors.js";
import { environmentName } from "../../../cli/options.js";
import { configDocument, errorsDocument, firstDifference } from "../../../scripts/docs.js";
import { serveOptions } from "../../../src/options/table.js";

const DOCS = new URL("../../../../docs/", import.meta.url);

test("docs/CONFIG.md and docs/ERRORS.md are what the tables say", () => {
  for (const [name, generated] of [
    ["CONFIG.md", configDocument()],
    ["ERRORS.md", errorsDocument()],
  ] as const) {
    assert.equal(firstDifference(name, readFileSync(new URL(name, DOCS), "utf8"), generated), undefined);
  }
});

test("every option and every error code is in them", () => {
  for (const spec of Object.values(serveOptions)) assert.ok(configDocument().includes(`\`${environmentName(spec)}\``));
  for (const code of Object.keys(ERRORS)) assert.ok(errorsDocument().includes(`\`${code}\``), code);
});

test("a difference is shown by its line, also where one text is longer", () => {
  assert.equal(firstDifference("A.md", "a\nb\n", "a\nc\n"), "A.md:2\n- b\n+ c");
  assert.equal(firstDifference("A.md", "a", "a\nb"), "A.md:2\n- (end of file)\n+ b");
  assert.equal(firstDifference("A.md", "a\n", "a\n"), undefined);
});
