import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { buildOnce } from "../../tools/build-once.js";
import { ROOT } from "../../tools/paths.js";
import { startProcess } from "../../tools/process.js";

async function emptyDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "echolot-build-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("of several processes that want the same build one builds, and all get it", async (t) => {
  const directory = await emptyDirectory(t);
  const module = pathToFileURL(join(ROOT, "dist", "test", "tools", "build-once.js")).href;
  const program = `import { appendFile, writeFile } from "node:fs/promises";
    import { setTimeout } from "node:timers/promises";
    import { buildOnce } from ${JSON.stringify(module)};
    const built = await buildOnce(${JSON.stringify(join(directory, "built"))}, async (into) => {
      await appendFile(${JSON.stringify(join(directory, "builds"))}, "x");
      await setTimeout(200);
      await writeFile(into + "/program", "done");
    });
    console.log(built);`;
  const builders = await Promise.all(
    Array.from({ length: 4 }, () => startProcess(t, process.execPath, ["--input-type=module", "-e", program])),
  );
  for (const builder of builders) {
    assert.equal((await builder.exit).code, 0, builder.output());
    assert.deepEqual(builder.stdout, [join(directory, "built")]);
  }
  assert.equal(await readFile(join(directory, "builds"), "utf8"), "x");
  assert.deepEqual((await readdir(directory)).sort(), ["builds", "built"]);
});

test("a lock whose holder has died does not stop the next build", async (t) => {
  const directory = await emptyDirectory(t);
  const holder = await startProcess(t, process.execPath, ["-e", ""]);
  await holder.exit;
  await writeFile(join(directory, "built.lock"), String(holder.pid));
  const built = await buildOnce(join(directory, "built"), (into) => writeFile(join(into, "program"), "done"));
  assert.deepEqual(await readdir(built), ["program"]);
});

test("a build that fails leaves nothing behind, and the next one may succeed", async (t) => {
  const directory = await emptyDirectory(t);
  const target = join(directory, "built");
  await assert.rejects(
    buildOnce(target, () => Promise.reject(new Error("no compiler"))),
    /no compiler/,
  );
  assert.deepEqual(await readdir(directory), []);
  assert.equal(await buildOnce(target, async () => {}), target);
});
