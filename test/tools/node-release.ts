import { join } from "node:path";
import { buildOnce } from "./build-once.js";
import { BUILT } from "./paths.js";
import { runProcess, type Scope } from "./process.js";

/** An installation that is not tied to one test: the processes end with this one in any case. */
const NO_SCOPE: Scope = { after: () => {} };

/** Installs a Node release for this platform from the npm registry, once. @returns the path of its program */
export async function installNode(major: number): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const directory = await buildOnce(join(BUILT, `node-${major}`), async (into) => {
    await runProcess(NO_SCOPE, "npm", [
      "install",
      "--prefix",
      into,
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--fetch-retries=0",
      `${name}@${major}`,
    ]);
  });
  return join(directory, "node_modules", name, "bin", "node");
}
