import assert from "node:assert/strict";
import { test } from "node:test";
import { importBreaches, readSources, type Source, styleBreaches } from "../../../scripts/laws.js";
import { ROOT } from "../../tools/paths.js";

const lawsOf = (...sources: Source[]) => importBreaches(sources).map(({ path, line, law }) => `${path}:${line} ${law}`);

test("the project keeps its import laws and its style", () => {
  const sources = readSources(ROOT);
  assert.ok(sources.some(({ path }) => path === "scripts/laws.ts"));
  assert.deepEqual([...importBreaches(sources), ...styleBreaches(sources)], []);
});

test("an import against the pipeline's order is found with its file, its line and its law", () => {
  const planted = {
    path: "bench/report/html.ts",
    text: 'import { a } from "node:fs";\nimport { b } from "../target/start.js";\n',
  };
  assert.deepEqual(lawsOf(planted), ["bench/report/html.ts:2 bench/report may not import bench/target"]);
});

test("each form of import is found: for types, by call, by re-export, for its effect, over several lines", () => {
  const forms = [
    'import type { Result } from "../src/server.js";',
    'const server = await import("../src/server.js");',
    'export * from "../src/server.js";',
    'import "../src/server.js";',
    'import {\n  start,\n} from "../src/server.js";',
  ];
  for (const text of forms) {
    assert.equal(importBreaches([{ path: "bench/index.ts", text }]).length, 1, text);
  }
});

test("the harness never imports the server, the server never the harness, and cli neither", () => {
  assert.deepEqual(
    lawsOf(
      { path: "bench/commands/load.ts", text: 'import "../../src/server.js";' },
      { path: "src/server.ts", text: 'import "../bench/index.js";' },
      { path: "cli/errors.ts", text: 'import "../src/server.js";' },
    ),
    [
      "bench/commands/load.ts:1 bench/commands may not import src",
      "src/server.ts:1 src may not import bench/index",
      "cli/errors.ts:1 cli may not import src",
    ],
  );
});

test("the package's own name cannot hide an import, and a new folder of bench needs a law", () => {
  assert.deepEqual(
    lawsOf(
      { path: "bench/plan/plan.ts", text: 'import { createEchoServer } from "echolot/server";' },
      { path: "bench/novelty/novelty.ts", text: "" },
    ),
    [
      'bench/plan/plan.ts:1 "echolot/server" hides what it imports',
      "bench/novelty/novelty.ts:1 no import law names bench/novelty",
    ],
  );
});

test("lawful imports, packages, comments and tests are left alone", () => {
  assert.deepEqual(
    lawsOf(
      { path: "bench/report/terminal.ts", text: 'import { Result } from "../result/result.js";\nimport "./table.js";' },
      { path: "bench/protocol/frame.ts", text: '// as in import "../target/start.js"\n/* from "../plan/plan.js" */' },
      {
        path: "cli/errors.ts",
        text: 'import pino from "pino";\nconst endpoint = "ws://host"; // from "../src/server.js"',
      },
      { path: "bin/echolot.ts", text: 'import("../bench/commands/load.js"); import("../src/serve.js");' },
      { path: "test/unit/any.test.ts", text: 'import "../../src/server.js";' },
    ),
    [],
  );
});

test("unfinished work, nameless exports, catch-all names and one machine's paths are found", () => {
  const laws = (path: string, text: string) => styleBreaches([{ path, text }]).map(({ law }) => law);
  assert.deepEqual(laws("src/echo.ts", `// ${"TO"}DO: later`), ["unfinished work is an issue, not a comment"]);
  assert.deepEqual(laws("src/echo.ts", "export default class {}"), ["an export has a name"]);
  assert.deepEqual(laws("src/echo.ts", "export { echo as default };"), ["an export has a name"]);
  assert.deepEqual(laws("src/http/util.ts", ""), ["a file is named by what it does"]);
  assert.deepEqual(laws("test/helpers/start.ts", ""), ["a file is named by what it does"]);
  assert.deepEqual(laws("src/echo.ts", `const path = "/${"home"}/somebody/echo";`), ["a path of one machine"]);
  assert.deepEqual(laws("src/utility-bill.ts", 'const todo = "./home/x"; export { todo };'), []);
});
