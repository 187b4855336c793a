import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EcholotError } from "../../../cli/errors.js";
import {
  asksForHelp,
  defineOptions,
  nearest,
  parseOptions,
  renderHelp,
  renderMarkdown,
  resolveOptions,
} from "../../../cli/options.js";

const TABLE = defineOptions({
  port: { flag: "port", kind: "integer", default: 6666, max: 65_535, words: ["off"], group: "A", description: "P." },
  rate: { flag: "rate", kind: "number", min: 0.5, group: "A", description: "R." },
  idleTimeoutMs: {
    flag: "idle-timeout",
    kind: "duration",
    default: 15_000,
    min: 100,
    max: 3_600_000,
    group: "B",
    description: "I.",
    danger: "too short cuts live peers.",
  },
  maxBytes: { flag: "max-bytes", kind: "bytes", default: 16 * 2 ** 20, group: "B", description: "M." },
  deflate: { flag: "deflate", kind: "boolean", default: true, group: "B", description: "D." },
  verbose: { flag: "verbose", kind: "boolean", default: false, group: "B", description: "V." },
  mode: { flag: "mode", kind: "choice", choices: ["idle", "ping"], default: "idle", group: "B", description: "H." },
  path: { flag: "path", kind: "string", pattern: /^\//, allowed: "a path", group: "B", description: "S." },
  tags: { flag: "tags", kind: "list", default: [], group: "B", description: "L." },
});

const directory = mkdtempSync(join(tmpdir(), "echolot-options-"));
after(() => rmSync(directory, { recursive: true }));

function parse(argv: string[], env: Record<string, string> = {}, config?: unknown) {
  if (config === undefined) return parseOptions(TABLE, { command: "serve", argv, env });
  const configPath = join(directory, "config.json");
  writeFileSync(configPath, typeof config === "string" ? config : JSON.stringify(config));
  return parseOptions(TABLE, { command: "serve", argv, env, configPath });
}

function failure(run: () => unknown): { code: string; fact: string; remedy: string } {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof EcholotError);
    return { code: error.code, fact: error.message, remedy: error.remedy };
  }
  throw new assert.AssertionError({ message: "no error was thrown" });
}

test("without any input the defaults hold, and each value says so", () => {
  const { values, sources, positionals } = parse([]);
  assert.deepEqual(values, {
    port: 6666,
    rate: undefined,
    idleTimeoutMs: 15_000,
    maxBytes: 16_777_216,
    deflate: true,
    verbose: false,
    mode: "idle",
    path: undefined,
    tags: [],
  });
  assert.deepEqual(new Set(Object.values(sources)), new Set(["default"]));
  assert.deepEqual(positionals, []);
});

test("a flag beats the environment, the environment the config file, the config file the default", () => {
  const config = { serve: { port: 1, rate: 1, mode: "ping", maxBytes: "1KiB" } };
  const { values, sources } = parse(["--port", "3"], { ECHOLOT_PORT: "2", ECHOLOT_RATE: "2" }, config);
  assert.deepEqual([values.port, values.rate, values.mode, values.deflate], [3, 2, "ping", true]);
  assert.equal(values.maxBytes, 1024);
  assert.deepEqual(
    [sources.port, sources.rate, sources.mode, sources.deflate],
    ["flag", "environment", "config", "default"],
  );
});

test("values are written in many ways", () => {
  for (const [argv, key, value] of [
    [["--port=0"], "port", 0],
    [["--port", "off"], "port", "off"],
    [["--port", "20_000"], "port", 20_000],
    [["--rate", ".75"], "rate", 0.75],
    [["--idle-timeout", "15s"], "idleTimeoutMs", 15_000],
    [["--idle-timeout", "1.5s"], "idleTimeoutMs", 1_500],
    [["--idle-timeout", "500ms"], "idleTimeoutMs", 500],
    [["--idle-timeout", "2min"], "idleTimeoutMs", 120_000],
    [["--idle-timeout", "250"], "idleTimeoutMs", 250],
    [["--max-bytes", "1KiB"], "maxBytes", 1024],
    [["--max-bytes", "0.5mib"], "maxBytes", 524_288],
    [["--max-bytes", "7"], "maxBytes", 7],
    [["--no-deflate"], "deflate", false],
    [["--deflate=no"], "deflate", false],
    [["--no-deflate", "--deflate"], "deflate", true],
    [["--verbose"], "verbose", true],
    [["--path", "/a"], "path", "/a"],
    [["--tags", "a, b", "--tags=c"], "tags", ["a", "b", "c"]],
  ] as const) {
    const { values } = parse([...argv]);
    assert.deepEqual(values[key], value, argv.join(" "));
  }
});

test("the environment and the config file take the same words; an empty variable counts as unset", () => {
  const env = { ECHOLOT_DEFLATE: "off", ECHOLOT_IDLE_TIMEOUT: "3s", ECHOLOT_TAGS: "a,b", ECHOLOT_MODE: "" };
  const { values } = parse([], env, { serve: { port: "off", verbose: true } });
  assert.deepEqual(
    [values.deflate, values.idleTimeoutMs, values.tags, values.mode, values.port, values.verbose],
    [false, 3_000, ["a", "b"], "idle", "off", true],
  );
});

test("a wrong value is named as the user wrote it, with what is allowed", () => {
  assert.deepEqual(
    failure(() => parse(["--port", "70000"])),
    {
      code: "OPTION_INVALID",
      fact: '--port cannot be "70000"',
      remedy: 'Allowed: an integer from 0 to 65535, or "off".',
    },
  );
  assert.equal(failure(() => parse([], { ECHOLOT_PORT: "x" })).fact, 'ECHOLOT_PORT cannot be "x"');
  const inConfig = failure(() => parse([], {}, { serve: { idleTimeout: "soon" } }));
  assert.match(inConfig.fact, /^"serve\.idleTimeout" in .*config\.json cannot be "soon"$/);
  assert.equal(
    inConfig.remedy,
    'Allowed: a duration such as "15s" or "500ms" (a plain number is milliseconds) from 100ms to 1h.',
  );
  for (const argv of [
    ["--port", "1.5"],
    ["--port", "-1"],
    ["--port", ""],
    ["--port"],
    ["--rate", "0.4"],
    ["--rate", "1e999"],
    ["--idle-timeout", "99ms"],
    ["--idle-timeout", "3 parsecs"],
    ["--max-bytes", "1.5"],
    ["--max-bytes", "1KB"],
    ["--deflate=maybe"],
    ["--mode", "pings"],
    ["--path", "a"],
    ["--tags", "a,,b"],
  ]) {
    assert.equal(failure(() => parse(argv)).code, "OPTION_INVALID", argv.join(" "));
  }
});

test("an unknown flag, config key or section is refused, and the nearest name suggested", () => {
  assert.deepEqual(
    failure(() => parse(["--idle-timout", "1s"])),
    {
      code: "OPTION_UNKNOWN",
      fact: "unknown option --idle-timout",
      remedy: 'Did you mean --idle-timeout? See "echolot serve --help".',
    },
  );
  assert.equal(failure(() => parse(["-p", "1"])).code, "OPTION_UNKNOWN");
  assert.equal(failure(() => parse(["--no-port"])).code, "OPTION_UNKNOWN");
  assert.match(failure(() => parse([], {}, { serve: { idle_timeout: 1 } })).remedy, /Did you mean "idleTimeout"\?/);
  assert.match(failure(() => parse([], {}, { sevre: {} })).remedy, /Did you mean "serve"\?/);
  assert.equal(failure(() => parse(["stray"])).fact, 'unexpected argument "stray"');
});

test("another command's section of the config file is let be", () => {
  assert.equal(parse([], {}, { load: { anything: 1 } }).values.port, 6666);
});

test("a config file that cannot be read or is no JSON object is an error", () => {
  for (const config of ["{", "[]", '{"serve": 3}']) {
    assert.equal(failure(() => parse([], {}, config)).code, "CONFIG_UNREADABLE", config);
  }
  const missing = failure(() => parse(["--config", join(directory, "missing.json")]));
  assert.equal(missing.code, "CONFIG_UNREADABLE");
});

test("--config and ECHOLOT_CONFIG name the file; the flag wins", () => {
  const first = join(directory, "first.json");
  const second = join(directory, "second.json");
  writeFileSync(first, '{"serve": {"port": 1}}');
  writeFileSync(second, '{"serve": {"port": 2}}');
  assert.equal(parse([], { ECHOLOT_CONFIG: first }).values.port, 1);
  assert.equal(parse(["--config", second], { ECHOLOT_CONFIG: first }).values.port, 2);
});

test("arguments after -- are no options, and a command takes as many as it says", () => {
  const { positionals } = parseOptions(TABLE, { command: "load", argv: ["--", "--url"], env: {} });
  assert.deepEqual(positionals, ["--url"]);
  assert.equal(asksForHelp(["--port", "1", "-h"]), true);
  assert.equal(asksForHelp(["--", "--help"]), false);
});

test("values given in code are checked like any other, and named by their key", () => {
  const values = resolveOptions(TABLE, { idleTimeoutMs: 200, port: undefined });
  assert.equal(values.idleTimeoutMs, 200);
  assert.equal(values.port, 6666);
  assert.equal(failure(() => resolveOptions(TABLE, { idleTimeoutMs: 1 })).fact, "idleTimeoutMs cannot be 1");
  const unknown = { idleTimeout: 1 } as object;
  assert.match(failure(() => resolveOptions(TABLE, unknown)).remedy, /Did you mean "idleTimeoutMs"\?/);
});

test("the nearest name is within few edits, or there is none", () => {
  assert.equal(nearest("prot", ["port", "host"]), "port");
  assert.equal(nearest("zzzzzz", ["port", "host"]), undefined);
});

test("the help is grouped, shows defaults and cautions, and fits the width", () => {
  const help = renderHelp("serve", TABLE, 60);
  assert.match(help, /^Usage: echolot serve \[options\]\n/);
  assert.match(help, /\nA\n {2}--port N\|off {6,}P\. \[6666\]\n {2}--rate X {6,}R\.\n\nB\n/);
  assert.match(help, /--idle-timeout TIME {2,}I\. \[15s\]\n +Caution: too short cuts live peers\.\n/);
  assert.match(help, /--\[no-\]deflate {2,}D\. \[on\]\n/);
  for (const line of help.split("\n")) assert.ok(line.length <= 60, line);
});

test("the reference names flag, variable and config key of each option", () => {
  const markdown = renderMarkdown("serve", TABLE);
  assert.match(markdown, /^## echolot serve\n/);
  assert.match(
    markdown,
    /\n\| `--max-bytes` \| `ECHOLOT_MAX_BYTES` \| `maxBytes` \| a size such as .*, at least 0 \| 16MiB \| M\. \|\n/,
  );
});
