/**
 * `npm test [-- FRAGMENT ...]`: runs the compiled tests whose path holds one of the fragments, or all of them.
 * ECHOLOT_TEST_REQUIRE_ALL=1 makes a skipped test a failure.
 */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

/** A file that takes longer is ended and counted as failed. */
const FILE_TIMEOUT_MS = 8 * 60_000;
/** As many as the smallest machine that this project is meant for has cores. */
const CONCURRENCY = 2;

export interface TestPlan {
  /** Run side by side. */
  readonly concurrent: readonly string[];
  /** Run one at a time after the others, because they measure time. */
  readonly serial: readonly string[];
}

export interface Tally {
  passed: number;
  failed: number;
  /** Titles of skipped tests, by the reason that they gave. */
  readonly skipped: Map<string, string[]>;
}

export interface SuiteOptions {
  /** Directory of the compiled tests. */
  readonly compiledDir: string;
  /** Directory of their sources: a compiled test that has lost its source is not run. */
  readonly sourceDir: string;
  readonly fragments: readonly string[];
  readonly skips: "allowed" | "failures";
}

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    readonly file?: string;
    readonly message?: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details?: { readonly type?: string; readonly error?: { readonly failureType?: string } };
  };
}

/** @returns paths of the compiled tests, relative to `compiledDir`, with `/` between the parts, sorted */
export function findTests(compiledDir: string, sourceDir: string): string[] {
  return readdirSync(compiledDir, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.js"))
    .filter((path) => existsSync(join(sourceDir, path.replace(/js$/, "ts"))))
    .map((path) => path.split(sep).join("/"))
    .sort();
}

/** Keeps the paths that hold one of the fragments (all without fragments) and sets those apart that measure time. */
export function planTests(paths: readonly string[], fragments: readonly string[]): TestPlan {
  const chosen = paths.filter((path) => fragments.length === 0 || fragments.some((part) => path.includes(part)));
  const measuresTime = (path: string) => path.startsWith("honesty/") || path.endsWith(".serial.test.js");
  return {
    concurrent: chosen.filter((path) => !measuresTime(path)),
    serial: chosen.filter(measuresTime),
  };
}

/** Counts one event of the runner; events that end no test leave the tally as it is. */
export function count(tally: Tally, { type, data }: TestEvent): void {
  if (type !== "test:pass" && type !== "test:fail") return;
  const isSuite = data.details?.type === "suite";
  const reason = skipReason(data);
  if (reason !== undefined) {
    tally.skipped.set(reason, [...(tally.skipped.get(reason) ?? []), data.name]);
  } else if (type === "test:fail") {
    const onlyRepeatsItsTests = isSuite && data.details?.error?.failureType === "subtestsFailed";
    if (!onlyRepeatsItsTests) tally.failed += 1;
  } else if (isEmptyFile(data)) {
    tally.failed += 1;
  } else if (!isSuite) {
    tally.passed += 1;
  }
}

function skipReason({ skip, todo }: TestEvent["data"]): string | undefined {
  const mark = skip ?? todo;
  if (mark === undefined || mark === false) return undefined;
  return typeof mark === "string" && mark !== "" ? mark : "no reason given";
}

/** The runner reports a file without a test as one test that passed, under the file's own name. */
function isEmptyFile({ name, file, nesting }: TestEvent["data"]): boolean {
  return nesting === 0 && name === file;
}

/** The runner's own totals are those of one of our two passes, so only ours are printed. */
function isRunTotal({ type, data }: TestEvent): boolean {
  return (
    type === "test:diagnostic" &&
    data.nesting === 0 &&
    /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(data.message ?? "")
  );
}

export function verdict(tally: Tally, skips: SuiteOptions["skips"]): "passed" | "failed" {
  if (tally.failed > 0 || (skips === "failures" && tally.skipped.size > 0)) return "failed";
  return tally.passed + tally.skipped.size > 0 ? "passed" : "failed";
}

/** The closing lines: each reason for skips with its tests, then the total. */
export function closingLines(tally: Tally, skips: SuiteOptions["skips"], durationMs: number): string[] {
  const lines = [...tally.skipped].flatMap(([reason, titles]) => [
    `skipped: ${reason}`,
    ...titles.map((title) => `  ${title}`),
  ]);
  const skipped = [...tally.skipped.values()].flat().length;
  if (skipped > 0 && skips === "failures") lines.push("ECHOLOT_TEST_REQUIRE_ALL=1: a skipped test is a failure");
  lines.push(`took ${(durationMs / 1000).toFixed(1)} s`);
  lines.push(`${tally.passed} passed, ${tally.failed} failed, ${skipped} skipped`);
  return lines;
}

/** Runs the chosen tests, prints them to `output` as they end. @returns the exit code */
export async function runSuite(options: SuiteOptions, output: NodeJS.WritableStream): Promise<number> {
  const startedMs = performance.now();
  const plan = planTests(findTests(options.compiledDir, options.sourceDir), options.fragments);
  if (plan.concurrent.length + plan.serial.length === 0) {
    output.write(`no test's path holds ${options.fragments.map((part) => `"${part}"`).join(" or ")}\n`);
    return 1;
  }
  const tally: Tally = { passed: 0, failed: 0, skipped: new Map() };
  const reporter = new spec();
  reporter.pipe(output, { end: false });
  const passes = [
    { paths: plan.concurrent, concurrency: CONCURRENCY },
    { paths: plan.serial, concurrency: 1 },
  ].filter(({ paths }) => paths.length > 0);
  let summary: TestEvent | undefined;
  for (const { paths, concurrency } of passes) {
    const files = paths.map((path) => join(options.compiledDir, path));
    for await (const event of run({ files, concurrency, timeout: FILE_TIMEOUT_MS }) as AsyncIterable<TestEvent>) {
      count(tally, event);
      if (event.type === "test:pass" && isEmptyFile(event.data)) {
        output.write(`✖ ${relative(options.compiledDir, event.data.name)} holds no test\n`);
      }
      // A whole run's summary names no file; only the last one may end the reporter's list of failures.
      if (event.type === "test:summary" && event.data.file === undefined) summary = event;
      else if (!isRunTotal(event)) reporter.write(event);
    }
  }
  if (summary !== undefined) reporter.write(summary);
  const drained = new Promise((resolve) => reporter.once("end", resolve));
  reporter.end();
  await drained;
  output.write(`\n${closingLines(tally, options.skips, performance.now() - startedMs).join("\n")}\n`);
  return verdict(tally, options.skips) === "passed" ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const compiledRoot = fileURLToPath(new URL("..", import.meta.url));
  process.exitCode = await runSuite(
    {
      compiledDir: join(compiledRoot, "test"),
      sourceDir: join(compiledRoot, "..", "test"),
      fragments: process.argv.slice(2),
      skips: process.env.ECHOLOT_TEST_REQUIRE_ALL === "1" ? "failures" : "allowed",
    },
    process.stdout,
  );
}
