import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Result } from "../../../../bench/result/result.js";
import { readResult, resultId, saveResult } from "../../../../bench/result/save.js";
import { judge } from "../../../../bench/result/verdict.js";
import { EcholotError } from "../../../../cli/errors.js";
import { closedRun, openRun } from "../../../tools/sample-run.js";

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "echolot-save-"));
});
after(() => rm(directory, { recursive: true }));

function result(run = closedRun()): Result {
  return { ...run, verdict: judge(run) };
}

/** Asserts that reading fails with RESULT_UNREADABLE, a fact and a remedy. */
async function unreadable(path: string, fact: RegExp, remedy: RegExp): Promise<void> {
  await assert.rejects(readResult(path), (error) => {
    assert.ok(error instanceof EcholotError);
    assert.equal(error.code, "RESULT_UNREADABLE");
    assert.match(error.message, fact);
    assert.match(error.remedy, remedy);
    return true;
  });
}

async function saveAs(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

test("an id sorts by time and is safe as a folder's name, whatever the scenario is called", () => {
  const at = new Date("2026-11-23T01:30:12.345Z");
  assert.equal(resultId(at, "echo"), "20261123T013012Z-echo");
  assert.equal(resultId(at, "../Etc/Pass wd\0"), "20261123T013012Z-etc-pass-wd");
  assert.equal(resultId(at, "回聲"), "20261123T013012Z-run");
  assert.equal(resultId(at, "x".repeat(300)), `20261123T013012Z-${"x".repeat(40)}`);
});

test("a saved result is read back equal, by its file and by its folder, in closed and in open loop", async () => {
  for (const run of [closedRun(), openRun()]) {
    const saved = result({ ...run, id: `round-trip-${run.scenario.loop.kind}` });
    const path = await saveResult(saved, join(directory, "deep", "results"));
    assert.equal(path, join(directory, "deep", "results", saved.id, "result.json"));
    assert.deepEqual(await readResult(path), saved);
    assert.deepEqual(await readResult(join(path, "..")), saved);
  }
});

test("the file appears whole: nothing else is left in its folder", async () => {
  const path = await saveResult(result({ ...closedRun(), id: "whole" }), directory);
  assert.deepEqual(await readdir(join(path, "..")), ["result.json"]);
  assert.ok((await readFile(path, "utf8")).endsWith("}\n"));
});

test("results of the same id, saved at once, each get a folder and the id of it", async () => {
  const folder = join(directory, "same");
  const paths = await Promise.all([1, 2, 3].map(() => saveResult(result({ ...closedRun(), id: "run" }), folder)));
  assert.deepEqual((await readdir(folder)).sort(), ["run", "run-2", "run-3"]);
  assert.equal(new Set(paths).size, 3);
  for (const path of paths) assert.equal(join(folder, (await readResult(path)).id, "result.json"), path);
});

test("a folder that cannot be made is an error with a remedy", async () => {
  const inTheWay = await saveAs("a-file", "");
  await assert.rejects(saveResult(result(), join(inTheWay, "results")), (error) => {
    assert.ok(error instanceof EcholotError);
    assert.equal(error.code, "RESULT_UNWRITABLE");
    assert.match(error.message, /a file is in the way/);
    return true;
  });
});

test("what is no result is refused with the reason and the remedy", async () => {
  await unreadable(join(directory, "absent.json"), /no such file/, /Name a result\.json/);
  const empty = join(directory, "empty");
  await mkdir(empty);
  await unreadable(empty, /no such file/, /Name a result\.json/);
  await unreadable(await saveAs("text.json", "hello"), /not JSON/, /Name a result\.json/);
  await unreadable(await saveAs("null.json", "null"), /format is not "echolot-result"/, /Name a result\.json/);
  await unreadable(await saveAs("other.json", '{"format":"k6"}'), /format is not/, /Name a result\.json/);
});

test("a result of a later version asks for a later Echolot", async () => {
  const path = await saveAs("later.json", JSON.stringify({ ...result(), version: 2 }));
  await unreadable(path, /version 2, and this Echolot reads up to 1/, /newer/);
});

test("a changed or cut result is refused with the place of the fault", async () => {
  const { ledger, ...cut } = result();
  await unreadable(await saveAs("cut.json", JSON.stringify(cut)), /: ledger: /, /unchanged copy/);
  const lost = { ...cut, ledger: { ...ledger, lost: "none" } };
  await unreadable(await saveAs("changed.json", JSON.stringify(lost)), /: ledger\.lost: /, /unchanged copy/);
});

test("a reason that this version does not know is read with its fact and remedy", async () => {
  const saved = result({ ...closedRun(), id: "new-reason" });
  const reason = { code: "moon-phase", severity: "note", fact: "It was full.", remedy: "Wait." };
  const text = JSON.stringify({ ...saved, verdict: { ...saved.verdict, reasons: [reason] } });
  const read = await readResult(await saveAs("reason.json", text));
  assert.deepEqual(read.verdict.reasons, [reason]);
});
