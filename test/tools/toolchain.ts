import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { installNode } from "./node-release.js";

interface Tool {
  /** Says for which tests the tool is. */
  readonly use: string;
  /** The command that gets it. */
  readonly get: string;
  /** @returns the path of the program; throws or returns undefined where there is none */
  find(): string | undefined | Promise<string | undefined>;
}

const TOOLS = {
  go: {
    use: "builds the Go servers and clients of the article",
    get: "the installer of go.dev, or apt-get install golang-go (1.20 or later)",
    find: () => findProgram("go", ["/usr/local/go/bin"]),
  },
  websocat: {
    use: "is the article's terminal client",
    get: "cargo install websocat --locked (or brew install websocat)",
    find: () => findProgram("websocat", [join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "bin")]),
  },
  chromium: {
    use: "runs the article's JavaScript client",
    get: "apt-get install chromium, or CHROMIUM_PATH=/path/to/chrome",
    find: () => process.env.CHROMIUM_PATH ?? findProgram("chromium", ["/usr/bin"]),
  },
  node22: {
    use: "is the second Node that the package is tried on",
    get: "a reachable npm registry: the test installs node 22 from it",
    find: () => installNode(22),
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

/** The path of a tool that this test needs; without it {@link lackTool}, and the caller returns on undefined. */
export async function requireTool(t: TestContext, name: ToolName): Promise<string | undefined> {
  try {
    return (await TOOLS[name].find()) ?? lackTool(t, name);
  } catch (error) {
    return lackTool(t, name, error as Error);
  }
}

/** Skips the test, with the way to get the tool; fails it if ECHOLOT_TEST_REQUIRE_ALL=1. */
export function lackTool(t: TestContext, name: ToolName, cause?: Error): undefined {
  const { use, get } = TOOLS[name];
  const reason = `${name} is missing: it ${use}; get it with ${get}`;
  if (process.env.ECHOLOT_TEST_REQUIRE_ALL === "1") throw new Error(reason, { cause });
  t.skip(reason);
  return undefined;
}

/** The first executable of that name on the PATH, then in the directories given. */
function findProgram(name: string, directories: readonly string[]): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), ...directories]
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
