import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../tools/paths.js";
import { startProcess } from "../../tools/process.js";

const RUNNER = pathToFileURL(join(ROOT, "dist", "scripts", "test.js")).href;

const TOOLCHAIN = pathToFileURL(join(ROOT, "dist", "test", "tools", "toolchain.js")).href;

const TESTS = {
  passing: 'import { test } from "node:test"; test("it passes", () => {});',
  failing: 'import { test } from "node:test"; test("it fails", () => { throw new Error("broken"); });',
  skipping: 'import { test } from "node:test"; test("it skips", (t) => t.skip("a tool is missing: get it so"));',
  crashing: 'throw new Error("no test was reached");',
  lacking: `import { test } from "node:test"; import { requireTool } from "${TOOLCHAIN}";
    test("it needs websocat", async (t) => { if (await requireTool(t, "websocat")) throw new Error("found"); });`,
  empty: "",
  broken: 'import { describe } from "node:test"; describe("a suite", () => { throw new Error("broken"); });',
};

/** Runs the test command's suite over a tree of tests, each with its source. */
async function runTree(
  t: TestContext,
  tree: Record<string, string>,
  { env, ...options }: { env?: Record<string, string>; skips?: string; fragments?: string[] } = {},
) {
  const directory = await mkdtemp(join(tmpdir(), "echolot-suite-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const compiledDir = join(directory, "compiled");
  const sourceDir = join(directory, "source");
  const write = async (path: string, text: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  await write(join(directory, "package.json"), '{ "type": "module" }');
  for (const [path, text] of Object.entries(tree)) {
    await write(join(compiledDir, path), text);
    await write(join(sourceDir, path.replace(/js$/, "ts")), text);
  }
  const stale = join(compiledDir, "stale.test.js");
  await write(stale, TESTS.failing);
  const suite = { compiledDir, sourceDir, fragments: [], skips: "allowed", ...options };
  // A file, since the runner hands its own Node flags (such as --eval) down to each test.
  const program = join(directory, "run.js");
  const call = `import { runSuite } from ${JSON.stringify(RUNNER)};
    process.exitCode = await runSuite(${JSON.stringify(suite)}, process.stdout);`;
  // Without its parent's mark the runner in the child would take itself for a test.
  const childEnv = { NODE_TEST_CONTEXT: undefined, ECHOLOT_TEST_REQUIRE_ALL: undefined, ...env };
  await write(program, call);
  const child = await startProcess(t, process.execPath, [program], { env: childEnv });
  return { exit: await child.exit, output: child.output(), lastLine: child.stdout.at(-1) };
}

test("passing tests of both passes end with the total and exit code 0; a test without its source is not run", async (t) => {
  const run = await runTree(t, { "a.test.js": TESTS.passing, "honesty/b.test.js": TESTS.passing });
  assert.equal(run.exit.code, 0, run.output);
  assert.equal(run.lastLine, "2 passed, 0 failed, 0 skipped", run.output);
});

test("a failing test is shown with its error and gives exit code 1, whichever pass it is in", async (t) => {
  const run = await runTree(t, { "a.test.js": TESTS.failing, "honesty/b.test.js": TESTS.passing });
  assert.equal(run.exit.code, 1, run.output);
  assert.equal(run.lastLine, "1 passed, 1 failed, 0 skipped", run.output);
  assert.match(run.output, /Error: broken/);
});

test("a file that crashes, a file without a test and a suite that throws are failures", async (t) => {
  const run = await runTree(t, { "a.test.js": TESTS.crashing, "b.test.js": TESTS.empty, "c.test.js": TESTS.broken });
  assert.equal(run.exit.code, 1, run.output);
  assert.equal(run.lastLine, "0 passed, 3 failed, 0 skipped", run.output);
  assert.match(run.output, /b\.test\.js holds no test/);
});

test("a skip is named with its reason and does not fail the run", async (t) => {
  const run = await runTree(t, { "a.test.js": TESTS.passing, "b.test.js": TESTS.skipping });
  assert.equal(run.exit.code, 0, run.output);
  assert.match(run.output, /skipped: a tool is missing: get it so\n {2}it skips\n/);
  assert.equal(run.lastLine, "1 passed, 0 failed, 1 skipped", run.output);
});

test("a skip fails the run where all tests are required", async (t) => {
  const run = await runTree(t, { "a.test.js": TESTS.passing, "b.test.js": TESTS.skipping }, { skips: "failures" });
  assert.equal(run.exit.code, 1, run.output);
  assert.match(run.output, /ECHOLOT_TEST_REQUIRE_ALL=1: a skipped test is a failure/);
});

test("a fragment that no path holds is an error, not a run of nothing", async (t) => {
  const run = await runTree(t, { "a.test.js": TESTS.passing }, { fragments: ["heartbeat"] });
  assert.equal(run.exit.code, 1, run.output);
  assert.match(run.output, /no test's path holds "heartbeat"/);
});

test("a test whose tool the machine lacks is skipped with the way to get it, and fails where all are required", async (t) => {
  const bare = { PATH: "", CARGO_HOME: join(tmpdir(), "no-such-directory") };
  const run = await runTree(t, { "a.test.js": TESTS.lacking }, { env: bare });
  assert.equal(run.exit.code, 0, run.output);
  assert.match(run.output, /skipped: websocat is missing: .*cargo install websocat/);
  const required = await runTree(
    t,
    { "a.test.js": TESTS.lacking },
    { env: { ...bare, ECHOLOT_TEST_REQUIRE_ALL: "1" } },
  );
  assert.equal(required.exit.code, 1, required.output);
  assert.equal(required.lastLine, "0 passed, 1 failed, 0 skipped", required.output);
});
